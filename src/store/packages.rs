//! The packages in library directories, and what they say of themselves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::disk;
use crate::engine::Package;

/// How much of a first line is kept.
const SUMMARY: usize = 200;

/// Every package that lies directly in a root, by name; of two with one name the first root's.
pub(super) fn of(roots: &[PathBuf]) -> Vec<Package> {
    let mut found = BTreeMap::new();
    for root in roots {
        for entry in fs::read_dir(root).into_iter().flatten().flatten() {
            let path = entry.path();
            let Some(name) = Package::name_of(&path) else { continue };
            if let Some(text) = source(&path) {
                found.entry(name.to_owned()).or_insert_with(|| describe(name, &text));
            }
        }
    }
    found.into_values().collect()
}

/// The source of what may be a package: `name.lua`, or `name/init.lua`.
fn source(path: &Path) -> Option<String> {
    let is_file = path.extension().is_some_and(|extension| extension == "lua");
    let path = if is_file { path.to_owned() } else { path.join("init.lua") };
    disk::read(&path).ok()?
}

/// What a package says of itself: the first line of the comment that it begins with, else the description of its meta.
///
/// It is read, not run: what a package does when it is loaded is for a session.
fn describe(name: &str, source: &str) -> Package {
    let head = source.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("#!"));
    let comment = head.and_then(|line| line.strip_prefix("--")).map(|line| line.trim_start_matches('-').trim());
    let comment = comment.filter(|line| line.chars().any(char::is_alphanumeric) && !line.starts_with(['@', '[']));
    let summary = comment.map(|line| without_name(name, line)).or_else(|| description(source));
    let summary = summary.map(|line| line.chars().take(SUMMARY).collect());
    Package { name: name.to_owned(), summary, required: required(source) }
}

/// A line without the name of the package that it begins with.
fn without_name<'a>(name: &str, line: &'a str) -> &'a str {
    let Some(rest) = line.strip_prefix(name) else { return line };
    let rest = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((_, behind)) => behind,
        None => rest,
    };
    let rest = rest.trim_start();
    ["—", "–", "-", ":"].into_iter().find_map(|sign| rest.strip_prefix(sign)).map_or(line, str::trim)
}

/// The first text that is given as `description`.
fn description(source: &str) -> Option<&str> {
    let (_, behind) = source.split_once("description")?;
    let text = behind.trim_start().strip_prefix('=')?.trim_start();
    let quote = text.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
    let text = &text[1..];
    text.split([quote, '\n']).next().map(str::trim).filter(|text| !text.is_empty())
}

/// The fields that the input shape of `run` names and that it does not call optional.
///
/// Looks for lines of the form `name = T.…` in the block that begins with `input`; of anything else it says nothing.
fn required(source: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let Some((_, behind)) = source.split_once("input") else { return fields };
    let Some(block) = behind.trim_start().strip_prefix('=').map(str::trim_start) else { return fields };
    let Some((_, block)) = block.split_once('{') else { return fields };
    let mut depth = 1;
    for line in block.lines() {
        let code = line.split("--").next().unwrap_or("").trim();
        if depth == 1
            && let Some((name, shape)) = code.split_once('=')
            && let name = name.trim()
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && shape.trim_start().starts_with("T.")
            && !shape.contains("is_optional")
            && balance(shape) == 0
        {
            fields.push(name.to_owned());
        }
        depth += balance(code);
        if depth <= 0 {
            break;
        }
    }
    fields
}

/// How many brackets a piece of code opens and does not close.
fn balance(code: &str) -> i32 {
    let mut quote = None;
    let mut balance = 0;
    for sign in code.chars() {
        match (quote, sign) {
            (None, '"' | '\'') => quote = Some(sign),
            (Some(open), sign) if open == sign => quote = None,
            (None, '{' | '(') => balance += 1,
            (None, '}' | ')') => balance -= 1,
            (None | Some(_), _) => {}
        }
    }
    balance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_says_of_itself_what_its_first_comment_or_its_description_says() {
        let summary = |source: &str| describe("cot", source).summary;
        assert_eq!(summary("--- cot(CoT) — think in steps\n--- more").as_deref(), Some("think in steps"));
        assert_eq!(summary("#!/bin/lua\n-- Think in steps\n").as_deref(), Some("Think in steps"));
        let meta = "local M = {}\nM.meta = {\n  description = \"Steps. \"\n    .. \"More.\",\n}";
        assert_eq!(summary(meta).as_deref(), Some("Steps."));
        assert_eq!(summary("---@type X\nlocal M = {}"), None);
        assert_eq!(summary(""), None);
    }

    #[test]
    fn the_fields_that_it_needs_are_those_of_its_input_that_are_not_optional() {
        let source = r#"
M.spec = {
  entries = {
    run = {
      input = T.shape({
        task  = T.string:describe("What (required) to do"),
        rules = T.array_of(rule):is_optional():describe("x"), -- not = T.this
        deep  = T.shape({
          inner = T.string,
        }),
        n = T.number,
      }),
      result = T.shape({ answer = T.string }),
    },
  },
}"#;
        assert_eq!(describe("x", source).required, ["task", "n"]);
        assert_eq!(describe("x", "return {}").required, [""; 0]);
    }

    #[test]
    fn of_two_packages_with_one_name_the_first_directorys_is_listed() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in
            [("a/x.lua", "-- one"), ("b/x/init.lua", "-- two"), ("b/y/init.lua", "-- three"), ("b/no-name.lua", "")]
        {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir(dir.path().join("b/empty")).unwrap();
        let found = of(&[dir.path().join("missing"), dir.path().join("a"), dir.path().join("b")]);
        let found: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.summary.as_deref())).collect();
        assert_eq!(found, [("x", Some("one")), ("y", Some("three"))]);
    }
}
