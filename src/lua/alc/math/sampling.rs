//! Generators of random numbers, and what is drawn from them.
//!
//! A generator is the `StdRng` of `rand`, so a seed gives the same numbers on every machine. Parameters must be finite:
//! with infinite ones some of the algorithms never end.

use mlua::{MetaMethod, UserData, UserDataMethods, UserDataRefMut, Value};
use rand::distr::weighted::WeightedIndex;
use rand::distr::{Distribution, Uniform};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rand_distr::{Beta, Binomial, ChiSquared, Exp, Gamma, LogNormal, Normal, Poisson, StudentT};

use super::Functions;
use super::call::{Call, Refusal, number};

pub(super) const FUNCTIONS: Functions = &[
    ("rng_create", |call| {
        let generator = Generator(StdRng::seed_from_u64(call.unsigned(1)?));
        Ok(Value::UserData(call.lua.create_userdata(generator)?))
    }),
    ("rng_float", |call| number(generator(call)?.0.random())),
    ("rng_int", |call| {
        let mut generator = generator(call)?;
        let (min, max) = (call.integer(2)?, call.integer(3)?);
        if min > max {
            return Err(call.fault(format!("min ({min}) must be <= max ({max})")));
        }
        Ok(Value::Integer(generator.0.random_range(min..=max)))
    }),
    ("shuffle", |call| {
        let (mut generator, mut values) = (generator(call)?, values(call)?);
        for i in (1..values.len()).rev() {
            values.swap(i, generator.0.random_range(0..=i));
        }
        call.list(values)
    }),
    ("sample_with_replacement", |call| {
        let (mut generator, table, n) = (generator(call)?, call.table(2)?, call.count(3)?);
        let length = table.raw_len();
        if length == 0 {
            return Err(call.fault("input must be non-empty"));
        }
        let sample = call.lua.create_table()?;
        for _ in 0..n {
            call.patience.step()?;
            sample.raw_push(table.raw_get::<Value>(generator.0.random_range(1..=length))?)?;
        }
        Ok(Value::Table(sample))
    }),
    ("normal_sample", |call| draw(call, Normal::new(call.finite(2)?, call.finite(3)?))),
    ("beta_sample", |call| draw(call, Beta::new(call.finite(2)?, call.finite(3)?))),
    ("gamma_sample", |call| draw(call, Gamma::new(call.finite(2)?, call.finite(3)?))),
    ("exp_sample", |call| draw(call, Exp::new(call.finite(2)?))),
    ("uniform_sample", |call| draw(call, Uniform::new(call.finite(2)?, call.finite(3)?))),
    ("lognormal_sample", |call| draw(call, LogNormal::new(call.finite(2)?, call.finite(3)?))),
    ("student_t_sample", |call| draw(call, StudentT::new(call.finite(2)?))),
    ("chi_squared_sample", |call| draw(call, ChiSquared::new(call.finite(2)?))),
    ("poisson_sample", |call| {
        let distribution = Poisson::new(call.finite(2)?).map_err(|error| call.fault(error))?;
        let drawn: f64 = distribution.sample(&mut generator(call)?.0);
        if drawn.round() >= u64::MAX as f64 {
            return Err(call.fault(format!("sampled value {drawn} exceeds u64 range")));
        }
        Ok(integer(drawn.round().max(0.0) as u64))
    }),
    ("binomial_sample", |call| {
        let (n, p) = (call.unsigned(2)?, call.finite(3)?);
        let distribution = Binomial::new(n, p).map_err(|error| call.fault(error))?;
        Ok(integer(distribution.sample(&mut generator(call)?.0)))
    }),
    ("dirichlet_sample", dirichlet),
    ("categorical_sample", categorical),
];

/// A generator of random numbers, as a program holds it.
struct Generator(StdRng);

impl UserData for Generator {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::ToString, |_, _, ()| Ok("rng"));
    }
}

/// The generator that is the first argument.
fn generator(call: &Call<'_>) -> Result<UserDataRefMut<Generator>, Refusal> {
    let value = call.value(1);
    let generator = value.as_userdata().and_then(|it| it.borrow_mut().ok());
    generator.ok_or_else(|| call.misfit(1, "userdata"))
}

/// A number from a distribution that may be none.
fn draw<D, E>(call: &Call<'_>, distribution: Result<D, E>) -> Result<Value, Refusal>
where
    D: Distribution<f64>,
    E: std::fmt::Display,
{
    let distribution = distribution.map_err(|error| call.fault(error))?;
    number(distribution.sample(&mut generator(call)?.0))
}

/// An integer, as a float where it is too large for one.
fn integer(n: u64) -> Value {
    i64::try_from(n).map_or(Value::Number(n as f64), Value::Integer)
}

/// What is in the table that is the second argument.
fn values(call: &mut Call<'_>) -> Result<Vec<Value>, Refusal> {
    let table = call.table(2)?;
    let mut values = Vec::new();
    for i in 1..=table.raw_len() {
        call.patience.step()?;
        values.push(table.raw_get(i)?);
    }
    Ok(values)
}

/// Numbers that add up to one, from one gamma distribution each.
fn dirichlet(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let mut generator = generator(call)?;
    if call.table(2)?.raw_len() < 2 {
        return Err(call.fault("need at least 2 alpha values"));
    }
    let mut drawn = Vec::new();
    for alpha in call.array(2)? {
        drawn.push(Gamma::new(alpha, 1.0).map_err(|error| call.fault(error))?.sample(&mut generator.0));
    }
    let sum: f64 = drawn.iter().sum();
    if sum == 0.0 {
        return Err(call.fault("gamma samples sum to zero (alpha values too small?)"));
    }
    call.list(drawn.iter().map(|value| value / sum))
}

/// A place, from 1, each as likely as its weight says.
fn categorical(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let mut generator = generator(call)?;
    if call.table(2)?.raw_len() == 0 {
        return Err(call.fault("need at least 1 weight"));
    }
    let weights = call.array(2)?;
    if weights.iter().sum::<f64>().is_infinite() {
        return Err(call.fault("the weights add up to Infinity"));
    }
    let distribution = WeightedIndex::new(weights).map_err(|error| call.fault(error))?;
    Ok(integer(distribution.sample(&mut generator.0) as u64 + 1))
}
