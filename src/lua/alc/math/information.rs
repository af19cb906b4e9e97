//! Entropy and its relatives, in nats.

use super::Functions;
use super::call::{Call, Refusal, number};

pub(super) const FUNCTIONS: Functions = &[
    ("entropy", |call| {
        let p = call.array(1)?;
        sums_to_one(call, &p, "probabilities")?;
        if p.iter().any(|p| *p < 0.0) {
            return Err(call.fault("probabilities must be non-negative"));
        }
        number(present(&p, &p).map(|(p, _)| -p * p.ln()).sum())
    }),
    ("kl_divergence", |call| {
        let (p, q) = distributions(call)?;
        covers(call, &p, &q, " (absolute continuity)")?;
        number(divergence(&p, &q))
    }),
    ("js_divergence", |call| {
        let (p, q) = distributions(call)?;
        let middle: Vec<f64> = p.iter().zip(&q).map(|(p, q)| 0.5 * (p + q)).collect();
        number(0.5 * divergence(&p, &middle) + 0.5 * divergence(&q, &middle))
    }),
    ("cross_entropy", |call| {
        let (p, q) = distributions(call)?;
        covers(call, &p, &q, "")?;
        number(present(&p, &q).map(|(p, q)| -p * q.ln()).sum())
    }),
];

/// The pairs of which the first is not zero.
fn present<'a>(p: &'a [f64], q: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    p.iter().copied().zip(q.iter().copied()).filter(|(p, _)| *p > 0.0)
}

fn divergence(p: &[f64], q: &[f64]) -> f64 {
    present(p, q).map(|(p, q)| p * (p / q).ln()).sum()
}

/// Two distributions over the same things.
fn distributions(call: &mut Call<'_>) -> Result<(Vec<f64>, Vec<f64>), Refusal> {
    let (p, q) = (call.array(1)?, call.array(2)?);
    if p.len() != q.len() {
        return Err(call.fault("distributions must have equal length"));
    }
    sums_to_one(call, &p, "p")?;
    sums_to_one(call, &q, "q")?;
    if p.iter().chain(&q).any(|p| *p < 0.0) {
        return Err(call.fault("probabilities must be non-negative"));
    }
    Ok((p, q))
}

fn sums_to_one(call: &Call<'_>, p: &[f64], name: &str) -> Result<(), Refusal> {
    if (p.iter().sum::<f64>() - 1.0).abs() > 1e-6 {
        return Err(call.fault(format!("{name} must sum to 1")));
    }
    Ok(())
}

fn covers(call: &Call<'_>, p: &[f64], q: &[f64], why: &str) -> Result<(), Refusal> {
    if present(p, q).any(|(_, q)| q == 0.0) {
        return Err(call.fault(format!("q must be > 0 wherever p > 0{why}")));
    }
    Ok(())
}
