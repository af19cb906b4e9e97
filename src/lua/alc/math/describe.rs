//! What a series of numbers is like: means, spreads, quantiles, transforms, series in time.

use mlua::Value;
use statrs::distribution::{ContinuousCDF, Normal};

use super::Functions;
use super::call::{Call, Refusal, number};

pub(super) const FUNCTIONS: Functions = &[
    ("mean", |call| number(mean(&call.array(1)?))),
    ("variance", |call| number(variance(&call.array(1)?))),
    ("stddev", |call| number(variance(&call.array(1)?).sqrt())),
    ("median", |call| number(quantile(&sorted(call.array(1)?), 50.0))),
    ("percentile", |call| {
        let p = call.number(2)?;
        if !(0.0..=100.0).contains(&p) {
            return Err(call.fault(format!("p must be in [0, 100], got {p}")));
        }
        number(quantile(&sorted(call.array(1)?), p))
    }),
    ("iqr", |call| {
        let sorted = sorted(call.array(1)?);
        number(quantile(&sorted, 75.0) - quantile(&sorted, 25.0))
    }),
    ("covariance", |call| {
        let (xs, ys) = call.pairs(2)?;
        number(covariance(&xs, &ys))
    }),
    ("correlation", |call| {
        let (xs, ys) = call.pairs(2)?;
        number(correlation(&xs, &ys).ok_or_else(|| call.fault("zero variance"))?)
    }),
    ("softmax", |call| {
        let values = call.array(1)?;
        let largest = max(&values);
        let powers: Vec<f64> = values.iter().map(|x| (x - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        call.list(powers.iter().map(|power| power / sum))
    }),
    ("log_normalize", |call| {
        let values = call.array(1)?;
        if let Some((i, value)) = (1..).zip(&values).find(|(_, value)| **value <= 0.0) {
            return Err(call.fault(format!("element at index {i} is {value} (all values must be > 0)")));
        }
        let whole = (1.0 + max(&values)).ln();
        call.list(values.iter().map(|value| (1.0 + value).ln() / whole * 100.0))
    }),
    ("histogram", histogram),
    ("moving_average", |call| {
        let (values, window) = (call.array(1)?, call.count(2)?);
        if window == 0 || window > values.len() {
            return Err(call.fault(format!("window must be in [1, {}], got {window}", values.len())));
        }
        let mut sum: f64 = values[..window].iter().sum();
        let mut means = vec![sum / window as f64];
        for (new, old) in values[window..].iter().zip(&values) {
            sum += new - old;
            means.push(sum / window as f64);
        }
        call.list(means)
    }),
    ("ewma", |call| {
        let alpha = call.number(2)?;
        if !(0.0..=1.0).contains(&alpha) {
            return Err(call.fault(format!("alpha must be in [0, 1], got {alpha}")));
        }
        let values = call.array(1)?;
        let mut average = values[0];
        call.list(values.iter().enumerate().map(|(i, value)| {
            if i > 0 {
                average = alpha * value + (1.0 - alpha) * average;
            }
            average
        }))
    }),
    ("autocorrelation", |call| {
        let (values, lag) = (call.array(1)?, call.count(2)?);
        if lag == 0 {
            return number(1.0);
        }
        if lag >= values.len() {
            return Err(call.fault(format!("lag must be < array length ({}), got {lag}", values.len())));
        }
        let mean = mean(&values);
        let spread: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        if spread == 0.0 {
            return Err(call.fault("zero variance"));
        }
        let common: f64 = values.iter().zip(&values[lag..]).map(|(x, y)| (x - mean) * (y - mean)).sum();
        number(common / spread)
    }),
    ("permutations", permutations),
    ("wilson_ci", wilson),
];

/// The mean.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance of a sample, 0 for a single value. B. P. Welford's way, which does not lose digits.
pub(super) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let (mut mean, mut spread) = (0.0, 0.0);
    for (k, x) in (1..).zip(values) {
        let before = x - mean;
        mean += before / f64::from(k);
        spread += before * (x - mean);
    }
    spread / (values.len() - 1) as f64
}

/// The covariance of two samples, in the same way.
fn covariance(xs: &[f64], ys: &[f64]) -> f64 {
    let (mut mean_x, mut mean_y, mut common) = (0.0, 0.0, 0.0);
    for (k, (x, y)) in (1..).zip(xs.iter().zip(ys)) {
        let before = x - mean_x;
        mean_x += before / f64::from(k);
        mean_y += (y - mean_y) / f64::from(k);
        common += before * (y - mean_y);
    }
    common / (xs.len() - 1) as f64
}

/// K. Pearson's correlation; none where one of them does not vary.
pub(super) fn correlation(xs: &[f64], ys: &[f64]) -> Option<f64> {
    let (mean_x, mean_y) = (mean(xs), mean(ys));
    let (mut common, mut spread_x, mut spread_y) = (0.0, 0.0, 0.0);
    for (x, y) in xs.iter().zip(ys) {
        let (dx, dy) = (x - mean_x, y - mean_y);
        common += dx * dy;
        spread_x += dx * dx;
        spread_y += dy * dy;
    }
    let whole = (spread_x * spread_y).sqrt();
    (whole != 0.0).then(|| common / whole)
}

pub(super) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

pub(super) fn max(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// The value below which `p` percent lie, between the two nearest in proportion.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p / 100.0 * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    match sorted.get(below + 1) {
        Some(above) => sorted[below] + (place - below as f64) * (above - sorted[below]),
        None => sorted[sorted.len() - 1],
    }
}

fn histogram(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let bins = call.count(2)?;
    if bins == 0 {
        return Err(call.fault("bins must be > 0"));
    }
    let values = call.array(1)?;
    // Each takes a number in two tables of the program and one here.
    if (bins as u64).saturating_mul(16) > call.host.limits().memory_bytes {
        return Err(call.host.out_of_memory().into());
    }
    let (least, most) = (values.iter().copied().fold(f64::INFINITY, f64::min), max(&values));
    let mut counts = vec![0_i64; bins];
    let mut width = (most - least) / bins as f64;
    if most - least <= most.abs() * f64::EPSILON {
        width = 1.0 / bins as f64;
        counts[0] = values.len() as i64;
    } else {
        for value in &values {
            counts[(((value - least) / width) as usize).min(bins - 1)] += 1;
        }
    }
    let result = call.lua.create_table()?;
    result.raw_set("counts", call.list(counts)?)?;
    result.raw_set("edges", call.list((0..=bins).map(|i| least + i as f64 * width))?)?;
    Ok(Value::Table(result))
}

/// Every order of 1 to n, in the sequence that B. R. Heap's algorithm makes.
fn permutations(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let n = call.count(1)?;
    if n == 0 {
        return Err(call.fault("n must be >= 1"));
    }
    if n > 8 {
        return Err(call.fault("n > 8 not supported (8! = 40320)"));
    }
    let mut order: Vec<i64> = (1..=n as i64).collect();
    let mut done = vec![0; n];
    let all = call.lua.create_table()?;
    all.raw_push(call.list(order.iter().copied())?)?;
    let mut i = 0;
    while i < n {
        if done[i] == i {
            done[i] = 0;
            i += 1;
            continue;
        }
        order.swap(if i % 2 == 0 { 0 } else { done[i] }, i);
        all.raw_push(call.list(order.iter().copied())?)?;
        done[i] += 1;
        i = 0;
    }
    Ok(Value::Table(all))
}

/// E. B. Wilson's interval for a proportion, within 0 and 1.
fn wilson(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (successes, total, confidence) = (call.number(1)?, call.number(2)?, call.number(3)?);
    if total <= 0.0 {
        return Err(call.fault("total must be > 0"));
    }
    if !(0.0..=1.0).contains(&confidence) {
        return Err(call.fault("confidence must be in [0, 1]"));
    }
    let z = Normal::standard().inverse_cdf(1.0 - (1.0 - confidence) / 2.0);
    let share = successes / total;
    let whole = 1.0 + z * z / total;
    let center = (share + z * z / (2.0 * total)) / whole;
    let margin = (z * ((share * (1.0 - share) + z * z / (4.0 * total)) / total).sqrt()) / whole;
    call.record([("lower", (center - margin).max(0.0)), ("upper", (center + margin).min(1.0)), ("center", center)])
}
