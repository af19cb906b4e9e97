//! Special functions, and distributions as functions.

use statrs::distribution::{Beta, ContinuousCDF, DiscreteCDF, Gamma, Normal, Poisson};
use statrs::function::{beta, erf, factorial, gamma};

use super::Functions;
use super::call::{Call, Refusal, number};
use super::describe::max;

pub(super) const FUNCTIONS: Functions = &[
    ("erf", |call| number(erf::erf(call.number(1)?))),
    ("erfc", |call| number(erf::erfc(call.number(1)?))),
    ("lgamma", |call| number(gamma::ln_gamma(call.number(1)?))),
    ("digamma", |call| number(gamma::digamma(call.number(1)?))),
    ("ln_beta", |call| number(ln_beta(call)?)),
    ("beta", |call| number(ln_beta(call)?.exp())),
    ("regularized_incomplete_beta", |call| {
        let (x, a, b) = (call.comparable(1)?, call.finite(2)?, call.finite(3)?);
        number(beta::checked_beta_reg(a, b, x).map_err(|error| call.fault(error))?)
    }),
    ("regularized_incomplete_gamma", |call| {
        let (a, x) = (of_gamma(call, 1)?, call.comparable(2)?);
        number(gamma::checked_gamma_lr(a, x).map_err(|error| call.fault(error))?)
    }),
    ("factorial", |call| {
        let n = call.unsigned(1)?;
        if n > 170 {
            return Err(call.fault("n > 170 overflows f64"));
        }
        number(factorial::factorial(n))
    }),
    ("ln_factorial", |call| number(factorial::ln_factorial(call.unsigned(1)?))),
    ("logsumexp", |call| {
        let values = call.array(1)?;
        let largest = max(&values);
        number(largest + values.iter().map(|x| (x - largest).exp()).sum::<f64>().ln())
    }),
    ("logit", |call| {
        let p = call.number(1)?;
        // Not a number is outside as well.
        if !(p > 0.0 && p < 1.0) {
            return Err(call.fault(format!("p must be in (0, 1), got {p}")));
        }
        number((p / (1.0 - p)).ln())
    }),
    ("expit", |call| {
        let x = call.number(1)?;
        // The power never overflows.
        let power = (-x.abs()).exp();
        number(if x >= 0.0 { 1.0 / (1.0 + power) } else { power / (1.0 + power) })
    }),
    ("normal_cdf", |call| {
        let x = call.comparable(1)?;
        number(normal(call, 2)?.cdf(x))
    }),
    ("normal_inverse_cdf", |call| {
        let p = call.probability(1)?;
        number(normal(call, 2)?.inverse_cdf(p))
    }),
    ("normal_ppf", |call| number(Normal::standard().inverse_cdf(call.probability(1)?))),
    ("beta_cdf", |call| {
        let x = call.comparable(1)?;
        number(beta_distribution(call)?.cdf(x))
    }),
    ("beta_ppf", |call| {
        let p = call.probability(1)?;
        let distribution = beta_distribution(call)?;
        number(beta_inverse(&distribution, p))
    }),
    ("gamma_cdf", |call| {
        let (x, shape, scale) = (call.comparable(1)?, of_gamma(call, 2)?, call.finite(3)?);
        if scale <= 0.0 {
            return Err(call.fault("scale must be > 0"));
        }
        let distribution = Gamma::new(shape, 1.0 / scale).map_err(|error| call.fault(error))?;
        // So far out that their product is no number, nothing is left above.
        number(if x > 0.0 && (x / scale).is_infinite() { 1.0 } else { distribution.cdf(x) })
    }),
    ("poisson_cdf", |call| {
        of_gamma(call, 1)?;
        let (k, lambda) = (call.unsigned(1)?, call.finite(2)?);
        number(Poisson::new(lambda).map_err(|error| call.fault(error))?.cdf(k))
    }),
    ("beta_mean", |call| {
        let (a, b) = shape(call)?;
        number(a / (a + b))
    }),
    ("beta_variance", |call| {
        let (a, b) = shape(call)?;
        let sum = a + b;
        number(a * b / (sum * sum * (sum + 1.0)))
    }),
];

fn ln_beta(call: &Call<'_>) -> Result<f64, Refusal> {
    let (a, b) = (call.finite(1)?, call.finite(2)?);
    beta::checked_ln_beta(a, b).map_err(|error| call.fault(error))
}

/// The largest shape of a gamma function: its series takes some hundred thousand steps then, a millisecond, and never
/// ends where adding one no longer makes a difference.
const SHAPE: f64 = 1e10;

/// The shape of a gamma function.
fn of_gamma(call: &Call<'_>, n: usize) -> Result<f64, Refusal> {
    let shape = call.finite(n)?;
    if shape > SHAPE {
        return Err(call.fault(format!("argument #{n} is {shape}; the limit is {SHAPE}")));
    }
    Ok(shape)
}

/// The normal distribution of two arguments from `n` on.
fn normal(call: &Call<'_>, n: usize) -> Result<Normal, Refusal> {
    Normal::new(call.finite(n)?, call.finite(n + 1)?).map_err(|error| call.fault(error))
}

/// The beta distribution of the second and third argument.
fn beta_distribution(call: &Call<'_>) -> Result<Beta, Refusal> {
    Beta::new(call.finite(2)?, call.finite(3)?).map_err(|error| call.fault(error))
}

/// The inverse of a beta distribution. The iteration of `statrs` leaves its interval where a parameter is extreme; there
/// the interval is halved until nothing is left of it.
fn beta_inverse(distribution: &Beta, p: f64) -> f64 {
    let tame = 1e-3..1e5;
    if tame.contains(&distribution.shape_a()) && tame.contains(&distribution.shape_b()) || p == 0.0 || p >= 1.0 {
        return distribution.inverse_cdf(p);
    }
    let (mut low, mut high) = (0.0, 1.0);
    // More halves than a float has digits.
    for _ in 0..1100 {
        let middle = 0.5 * (low + high);
        if distribution.cdf(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The two parameters of a beta distribution.
fn shape(call: &Call<'_>) -> Result<(f64, f64), Refusal> {
    let (a, b) = (call.number(1)?, call.number(2)?);
    if a > 0.0 && b > 0.0 { Ok((a, b)) } else { Err(call.fault("alpha and beta must be > 0")) }
}
