//! The form of reads that follow one another: a row of numbers, most of which are small.
//!
//! Each read is its kind, how often it was seen, and its value; of a clock the distance from the one before. Small numbers
//! are one byte of MessagePack.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::engine::{Read, Seen, Spent};

const TIME: i64 = 0;
const SEED: i64 = 1;
const ELAPSED: i64 = 2;
const CPU: i64 = 3;
const SPENT: i64 = 4;
const TAKEN: i64 = 5;

/// The last value of each clock.
#[derive(Default)]
struct Clocks {
    time: i64,
    elapsed: i64,
    cpu: i64,
}

/// The distance of `now` from `last`, which becomes it.
fn distance(last: &mut i64, now: i64) -> i64 {
    now.wrapping_sub(std::mem::replace(last, now))
}

/// What lies `distance` behind `last`, which becomes it.
fn behind(last: &mut i64, distance: i64) -> i64 {
    *last = last.wrapping_add(distance);
    *last
}

/// Reads that follow one another.
#[derive(Debug, PartialEq)]
pub(super) struct Reads(pub(super) Vec<Seen>);

impl Serialize for Reads {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (mut numbers, mut clocks) = (Vec::with_capacity(3 * self.0.len()), Clocks::default());
        for Seen { read, times } in &self.0 {
            let (kind, value) = match read {
                Read::Time(time) => (TIME, distance(&mut clocks.time, *time)),
                Read::Seed(seed) => (SEED, seed.cast_signed()),
                Read::Elapsed(ms) => (ELAPSED, distance(&mut clocks.elapsed, ms.cast_signed())),
                Read::Cpu(ns) => (CPU, distance(&mut clocks.cpu, ns.cast_signed())),
                Read::Spent(spent) => (SPENT, spent.llm_calls.cast_signed()),
                Read::Taken(taken) => (TAKEN, (*taken).into()),
            };
            numbers.extend([kind, (*times).into(), value]);
            if let Read::Spent(spent) = read {
                numbers.push(spent.tokens.cast_signed());
            }
        }
        numbers.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = Vec::<i64>::deserialize(deserializer)?;
        let (mut reads, mut rest, mut clocks) = (Vec::new(), numbers.into_iter(), Clocks::default());
        while let Some(kind) = rest.next() {
            let mut number = || rest.next().ok_or_else(|| D::Error::custom("reads that end too early"));
            let times = u32::try_from(number()?).map_err(D::Error::custom)?;
            let value = number()?;
            let read = match kind {
                TIME => Read::Time(behind(&mut clocks.time, value)),
                SEED => Read::Seed(value.cast_unsigned()),
                ELAPSED => Read::Elapsed(behind(&mut clocks.elapsed, value).cast_unsigned()),
                CPU => Read::Cpu(behind(&mut clocks.cpu, value).cast_unsigned()),
                SPENT => Read::Spent(Spent { llm_calls: value.cast_unsigned(), tokens: number()?.cast_unsigned() }),
                TAKEN => Read::Taken(value != 0),
                unknown => return Err(D::Error::custom(format!("a read of the unknown kind {unknown}"))),
            };
            reads.push(Seen { read, times });
        }
        Ok(Self(reads))
    }
}
