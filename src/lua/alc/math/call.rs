//! One call of a function of `alc.math`: its arguments, taken as numbers, and its results.

use std::fmt::Display;
use std::sync::Arc;

use mlua::{Lua, MultiValue, Table, Value};

use crate::lua::convert::{self, Place};
use crate::lua::host::{Host, Patience};

/// Why a function gives no result.
pub(super) enum Refusal {
    /// An argument is of the wrong kind.
    Argument(String),
    /// The numbers make no sense.
    Fault(String),
    /// It took too long, or memory ran out.
    Lua(mlua::Error),
}

impl From<mlua::Error> for Refusal {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

/// A call.
pub(super) struct Call<'a> {
    pub(super) lua: &'a Lua,
    pub(super) host: &'a Arc<Host>,
    name: &'static str,
    arguments: &'a MultiValue,
    pub(super) patience: Patience<'a>,
}

impl<'a> Call<'a> {
    /// A call of the function `name`.
    pub(super) fn new(lua: &'a Lua, host: &'a Arc<Host>, name: &'static str, arguments: &'a MultiValue) -> Self {
        Self { lua, host, name, arguments, patience: Patience::new(lua, host) }
    }

    /// The refusal that names the function.
    pub(super) fn fault(&self, text: impl Display) -> Refusal {
        Refusal::Fault(format!("{}: {text}", self.name))
    }

    /// Argument `n`, from 1; nil where there is none.
    pub(super) fn value(&self, n: usize) -> Value {
        self.arguments.get(n - 1).cloned().unwrap_or(Value::Nil)
    }

    /// The refusal of argument `n`, which should be `wanted`.
    pub(super) fn misfit(&self, n: usize, wanted: &str) -> Refusal {
        Refusal::Argument(convert::misfit(Place::Argument(n as u32), &self.value(n), wanted))
    }

    /// A number, or a text that is one.
    pub(super) fn number(&self, n: usize) -> Result<f64, Refusal> {
        convert::number(self.lua, &self.value(n))
            .ok_or_else(|| self.misfit(n, "f64 (expected number or string coercible to number)"))
    }

    /// A number that is none of the special ones.
    pub(super) fn finite(&self, n: usize) -> Result<f64, Refusal> {
        let number = self.number(n)?;
        if number.is_finite() {
            return Ok(number);
        }
        Err(self.fault(format!("argument #{n} is {number} (NaN/Infinity not allowed)")))
    }

    /// A number that may be infinite.
    pub(super) fn comparable(&self, n: usize) -> Result<f64, Refusal> {
        let number = self.number(n)?;
        if number.is_nan() { Err(self.fault(format!("argument #{n} is NaN"))) } else { Ok(number) }
    }

    /// A number from 0 to 1 called `p`.
    pub(super) fn probability(&self, n: usize) -> Result<f64, Refusal> {
        let p = self.number(n)?;
        if (0.0..=1.0).contains(&p) { Ok(p) } else { Err(self.fault(format!("p must be in [0, 1], got {p}"))) }
    }

    /// An integer that is not negative; fractions are cut off.
    pub(super) fn unsigned(&self, n: usize) -> Result<u64, Refusal> {
        convert::unsigned(self.lua, n as u32, &self.value(n), "u64").map_err(Refusal::Argument)
    }

    /// A count; fractions are cut off.
    pub(super) fn count(&self, n: usize) -> Result<usize, Refusal> {
        let count = convert::unsigned(self.lua, n as u32, &self.value(n), "usize").map_err(Refusal::Argument)?;
        usize::try_from(count).map_err(|_| self.misfit(n, "usize (out of range)"))
    }

    /// An integer; fractions are cut off.
    pub(super) fn integer(&self, n: usize) -> Result<i64, Refusal> {
        if let Value::Integer(integer) = self.value(n) {
            return Ok(integer);
        }
        let number = convert::number(self.lua, &self.value(n))
            .ok_or_else(|| self.misfit(n, "i64 (expected number or string coercible to number)"))?
            .trunc();
        // Two to the power of 63 is the first that does not fit.
        let bound = -(i64::MIN as f64);
        if (-bound..bound).contains(&number) { Ok(number as i64) } else { Err(self.misfit(n, "i64 (out of range)")) }
    }

    /// A table.
    pub(super) fn table(&self, n: usize) -> Result<Table, Refusal> {
        self.value(n).as_table().cloned().ok_or_else(|| self.misfit(n, "table"))
    }

    /// The numbers of an array, whatever they are.
    pub(super) fn numbers(&mut self, n: usize) -> Result<Vec<f64>, Refusal> {
        let table = self.table(n)?;
        let length = table.raw_len();
        let mut numbers = Vec::with_capacity(length);
        for i in 1..=length {
            self.patience.step()?;
            let value: Value = table.raw_get(i)?;
            let misfit =
                || convert::misfit(Place::Inside, &value, "f64 (expected number or string coercible to number)");
            numbers.push(convert::number(self.lua, &value).ok_or_else(|| Refusal::Argument(misfit()))?);
        }
        Ok(numbers)
    }

    /// The numbers of an array that has some, none of them special.
    pub(super) fn array(&mut self, n: usize) -> Result<Vec<f64>, Refusal> {
        let numbers = self.numbers(n)?;
        if numbers.is_empty() {
            return Err(Refusal::Fault("expected non-empty array".into()));
        }
        match (1..).zip(&numbers).find(|(_, number)| !number.is_finite()) {
            Some((i, number)) => {
                Err(Refusal::Fault(format!("element at index {i} is {number} (NaN/Infinity not allowed)")))
            }
            None => Ok(numbers),
        }
    }

    /// Two arrays of the same length of at least `least`.
    pub(super) fn pairs(&mut self, least: usize) -> Result<(Vec<f64>, Vec<f64>), Refusal> {
        let (xs, ys) = (self.array(1)?, self.array(2)?);
        if xs.len() != ys.len() {
            return Err(self.fault("arrays must have equal length"));
        }
        if xs.len() < least {
            return Err(self.fault(format!("need at least {least} values")));
        }
        Ok((xs, ys))
    }

    /// An array as a result.
    pub(super) fn list<T: mlua::IntoLua>(&mut self, items: impl IntoIterator<Item = T>) -> Result<Value, Refusal> {
        let list = self.lua.create_table()?;
        for item in items {
            self.patience.step()?;
            list.raw_push(item)?;
        }
        Ok(Value::Table(list))
    }

    /// Named numbers as a result.
    pub(super) fn record<const N: usize>(&self, fields: [(&str, f64); N]) -> Result<Value, Refusal> {
        let record = self.lua.create_table_with_capacity(0, N)?;
        for (name, number) in fields {
            record.raw_set(name, number)?;
        }
        Ok(Value::Table(record))
    }
}

/// The result that is one number.
#[expect(clippy::unnecessary_wraps, reason = "it stands at the end of functions that may be refused")]
pub(super) fn number(n: f64) -> Result<Value, Refusal> {
    Ok(Value::Number(n))
}
