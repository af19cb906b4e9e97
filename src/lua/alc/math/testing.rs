//! Tests of hypotheses. All of them are two-sided.

use std::sync::Arc;

use mlua::{Lua, Value};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

use super::Functions;
use super::call::{Call, Refusal};
use super::describe::{mean, sorted, variance};
use super::ranking::groups;
use crate::lua::host::Host;

pub(super) const FUNCTIONS: Functions = &[
    ("welch_t_test", welch),
    ("mann_whitney_u", mann_whitney),
    ("chi_squared_test", chi_squared),
    ("ks_test", kolmogorov_smirnov),
];

/// B. L. Welch's t-test of two means, with the degrees of freedom by Welch and Satterthwaite.
fn welch(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (xs, ys) = (call.array(1)?, call.array(2)?);
    if xs.len() < 2 || ys.len() < 2 {
        return Err(call.fault("each group needs at least 2 values"));
    }
    let (n_x, n_y) = (xs.len() as f64, ys.len() as f64);
    let (error_x, error_y) = (variance(&xs) / n_x, variance(&ys) / n_y);
    let error = error_x + error_y;
    if error == 0.0 {
        return Err(call.fault("both groups have zero variance"));
    }
    let t = (mean(&xs) - mean(&ys)) / error.sqrt();
    let df = error * error / (error_x * error_x / (n_x - 1.0) + error_y * error_y / (n_y - 1.0));
    if !t.is_finite() || !df.is_finite() {
        return Err(call.fault("the values are too far apart to be compared"));
    }
    let distribution = StudentsT::new(0.0, 1.0, df).map_err(|_| call.fault("invalid degrees of freedom"))?;
    let p = 2.0 * (1.0 - distribution.cdf(t.abs()));
    call.record([("t_stat", t), ("df", df), ("p_value", p)])
}

/// What a t-distributed value stays below in 97.5 percent of all cases: the half width of an interval of 95 percent.
pub(in crate::lua) fn t_critical(_: &Lua, _: &Arc<Host>, df: f64) -> mlua::Result<f64> {
    StudentsT::new(0.0, 1.0, df).map(|it| it.inverse_cdf(0.975)).map_err(mlua::Error::external)
}

/// H. B. Mann's and D. R. Whitney's U, with the normal distribution for p.
fn mann_whitney(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (xs, ys) = (call.array(1)?, call.array(2)?);
    let corrects_ties = match call.value(3) {
        Value::Nil => false,
        Value::Table(opts) => !matches!(opts.raw_get::<Value>("tie_correction")?, Value::Nil | Value::Boolean(false)),
        _ => return Err(call.misfit(3, "table")),
    };
    let mut all: Vec<(f64, bool)> = xs.iter().map(|x| (*x, true)).chain(ys.iter().map(|y| (*y, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let values: Vec<f64> = all.iter().map(|(value, _)| *value).collect();
    let (mut rest, mut rank_sum, mut ties) = (all.as_slice(), 0.0, 0.0);
    for (n, rank) in groups(&values) {
        let (group, behind) = rest.split_at(n);
        for _ in group.iter().filter(|(_, is_x)| *is_x) {
            rank_sum += rank;
        }
        let n = n as f64;
        ties += n * n * n - n;
        rest = behind;
    }
    let (n_x, n_y) = (xs.len() as f64, ys.len() as f64);
    let u_x = rank_sum - n_x * (n_x + 1.0) / 2.0;
    let u = u_x.min(n_x * n_y - u_x);
    let n = n_x + n_y;
    let sigma = if corrects_ties && ties > 0.0 {
        (n_x * n_y / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)))).sqrt()
    } else {
        (n_x * n_y * (n + 1.0) / 12.0).sqrt()
    };
    if sigma == 0.0 {
        return Err(call.fault("zero variance (all values identical)"));
    }
    let z = (u - n_x * n_y / 2.0) / sigma;
    // U is the smaller one, so z is not positive.
    call.record([("u_stat", u), ("z_score", z), ("p_value", 2.0 * Normal::standard().cdf(z))])
}

/// K. Pearson's test of counts against expected ones.
fn chi_squared(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (observed, expected) = (call.array(1)?, call.array(2)?);
    if observed.len() != expected.len() {
        return Err(call.fault("observed and expected must have equal length"));
    }
    if observed.len() < 2 {
        return Err(call.fault("need at least 2 categories"));
    }
    if expected.iter().any(|expected| *expected <= 0.0) {
        return Err(call.fault("expected values must be > 0"));
    }
    let chi2: f64 = observed.iter().zip(&expected).map(|(o, e)| (o - e) * (o - e) / e).sum();
    if chi2.is_nan() {
        return Err(call.fault("the values are too far apart to be compared"));
    }
    let df = (observed.len() - 1) as f64;
    let distribution = ChiSquared::new(df).map_err(|error| call.fault(error))?;
    call.record([("chi2_stat", chi2), ("df", df), ("p_value", 1.0 - distribution.cdf(chi2))])
}

/// A. N. Kolmogorov's and N. V. Smirnov's test of two samples, with the asymptotic distribution for p.
#[expect(clippy::float_cmp, reason = "only what is equal steps together; there is no NaN")]
fn kolmogorov_smirnov(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (xs, ys) = (sorted(call.array(1)?), sorted(call.array(2)?));
    let (n_x, n_y) = (xs.len() as f64, ys.len() as f64);
    let (mut rest_x, mut rest_y) = (xs.as_slice(), ys.as_slice());
    let (mut distance, mut largest) = (0.0_f64, 0.0_f64);
    while let (Some(x), Some(y)) = (rest_x.first(), rest_y.first()) {
        // Equal values of both step together.
        let (steps_x, steps_y) = if x < y {
            (1, 0)
        } else if y < x {
            (0, 1)
        } else {
            let equal = |rest: &[f64]| rest.iter().take_while(|value| *value == x).count();
            (equal(rest_x), equal(rest_y))
        };
        distance += steps_x as f64 * (1.0 / n_x) - steps_y as f64 * (1.0 / n_y);
        largest = largest.max(distance.abs());
        (rest_x, rest_y) = (&rest_x[steps_x..], &rest_y[steps_y..]);
    }
    let n = (n_x * n_y / (n_x + n_y)).sqrt();
    let lambda = (n + 0.12 + 0.11 / n) * largest;
    // A hundred terms of the series for the tail.
    let mut p = 0.0;
    for k in 1..=100 {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        let k = f64::from(k);
        p += 2.0 * sign * (-2.0 * k * k * lambda * lambda).exp();
    }
    call.record([("d_stat", largest), ("p_value", p.clamp(0.0, 1.0))])
}
