//! Ranks, and how well two orders agree.

use std::cmp::Ordering;

use super::Functions;
use super::call::{Call, Refusal, number};
use super::describe::{correlation, sorted};

pub(super) const FUNCTIONS: Functions = &[
    ("rank", |call| {
        let ranks = ranks(&call.array(1)?);
        call.list(ranks)
    }),
    ("spearman_correlation", |call| {
        let (xs, ys) = call.pairs(2)?;
        number(correlation(&ranks(&xs), &ranks(&ys)).ok_or_else(|| call.fault("zero variance in ranks"))?)
    }),
    ("kendall_tau", |call| {
        let (xs, ys) = call.pairs(2)?;
        number(kendall(call, &xs, &ys)?)
    }),
    ("ndcg", |call| {
        let (gains, k) = (call.array(1)?, call.count(2)?);
        let mut best = sorted(gains.clone());
        best.reverse();
        let best = discounted(&best, k);
        number(if best == 0.0 { 0.0 } else { discounted(&gains, k) / best })
    }),
    ("mrr", |call| {
        let places = call.array(1)?;
        if places.iter().any(|place| *place < 1.0) {
            return Err(call.fault("rank values must be >= 1"));
        }
        if places.iter().any(|place| place.fract() != 0.0) {
            return Err(call.fault("rank values must be integers"));
        }
        number(places.iter().map(|place| 1.0 / place).sum::<f64>() / places.len() as f64)
    }),
];

/// The numbers of values that are equal, in the order of the values, each with its rank: the mean of the places they
/// take, from 1.
#[expect(clippy::float_cmp, reason = "only what is equal shares a rank; there is no NaN")]
pub(super) fn groups(sorted: &[f64]) -> impl Iterator<Item = (usize, f64)> {
    let mut before = 0;
    sorted.chunk_by(|a, b| a == b).map(move |group| {
        let first = before + 1;
        before += group.len();
        (group.len(), (first + before) as f64 / 2.0)
    })
}

/// The rank of every value, from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let in_order: Vec<f64> = order.iter().map(|i| values[*i]).collect();
    let mut ranks = vec![0.0; values.len()];
    let mut places = order.into_iter();
    for (n, rank) in groups(&in_order) {
        for place in places.by_ref().take(n) {
            ranks[place] = rank;
        }
    }
    ranks
}

/// M. G. Kendall's tau-b, by comparing every pair.
fn kendall(call: &mut Call<'_>, xs: &[f64], ys: &[f64]) -> Result<f64, Refusal> {
    let (mut agreeing, mut equal_x, mut equal_y) = (0_i64, 0_i64, 0_i64);
    for i in 0..xs.len() {
        for j in i + 1..xs.len() {
            call.patience.step()?;
            let (x, y) = (xs[i].total_cmp(&xs[j]), ys[i].total_cmp(&ys[j]));
            equal_x += i64::from(x == Ordering::Equal);
            equal_y += i64::from(y == Ordering::Equal);
            agreeing += x as i64 * y as i64;
        }
    }
    let pairs = xs.len() as f64 * (xs.len() - 1) as f64 / 2.0;
    let whole = ((pairs - equal_x as f64) * (pairs - equal_y as f64)).sqrt();
    if whole == 0.0 {
        return Err(call.fault("zero variance (all values tied)"));
    }
    Ok(agreeing as f64 / whole)
}

/// The sum of the first `k` gains, each divided by the logarithm of its place.
fn discounted(gains: &[f64], k: usize) -> f64 {
    gains.iter().take(k).enumerate().map(|(i, gain)| gain / (2.0 + i as f64).log2()).sum()
}
