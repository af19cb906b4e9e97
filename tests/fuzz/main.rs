//! What the fuzzer mutates: the choices of which a random program is made.

#![no_main]
#![allow(dead_code, reason = "the driver is that of the tests, which use more of it")]

mod differential;
#[path = "../it/lua/driver.rs"]
mod driver;
mod grammar;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(difference) = differential::check(&mut grammar::Bytes(data)) {
        panic!("{difference}");
    }
});
