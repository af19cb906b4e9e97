//! The types for editors name exactly what a program finds in `alc`.

use std::collections::BTreeSet;

use switchboard::domain::SessionSpec;

use super::driver::{Session, echo};

const TYPES: &str = include_str!("../../../assets/alc.d.lua");

/// What the types declare: `function alc.name(` and `alc.name =`.
fn declared() -> BTreeSet<String> {
    let names = TYPES.lines().filter_map(|line| {
        let name = line.strip_prefix("function ").unwrap_or(line);
        let name = name.strip_prefix("alc.")?;
        Some(name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').next()?.to_owned())
    });
    names.collect()
}

#[test]
fn every_function_of_a_session_has_a_type_and_every_type_a_function() {
    let code = "local names = {}
        for name, value in pairs(alc) do
            names[#names + 1] = name
            if type(value) == 'table' and name ~= 'env' and name ~= '_dirs' then
                for inner in pairs(value) do names[#names + 1] = name .. '.' .. inner end
            end
        end
        return names";
    let mut spec = SessionSpec::run(code);
    spec.env.insert("A".into(), "1".into());
    let names = Session::of(spec).finish(echo).unwrap();
    let found: BTreeSet<String> = serde_json::from_value(names).unwrap();
    let declared = declared();
    let without: Vec<_> = found.difference(&declared).collect();
    let missing: Vec<_> = declared.difference(&found).collect();
    assert!(without.is_empty() && missing.is_empty(), "without a type: {without:?}; not there: {missing:?}");
}

#[test]
fn the_types_are_lua() {
    let mut session = Session::new(&format!("local f, why = load([==[{TYPES}]==]) return why"));
    assert_eq!(session.finish(echo), Ok(serde_json::Value::Null));
}
