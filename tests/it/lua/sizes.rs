//! What a program makes long on purpose has a bound.

use serde_json::json;
use switchboard::domain::{Command, LimitKind, SessionSpec};

use super::driver::{Session, echo, error, limit};

/// A session whose sections may last, so that only the size is judged.
fn patient(code: &str) -> Session {
    let mut spec = SessionSpec::run(code);
    spec.limits.section_ms = 60_000;
    Session::of(spec)
}

#[test]
fn a_replacement_that_grows_beyond_memory_ends_the_session() {
    for code in [
        "return (('a'):rep(1e6):gsub('.+', ('%0'):rep(1e5)))",
        "return (('a'):rep(1e6):gsub('(.+)', ('%1'):rep(1e5)))",
        "return (('a'):rep(1e5):gsub('.', {a = ('x'):rep(1e6)}))",
    ] {
        let failure = patient(code).finish(echo).expect_err(code);
        assert_eq!(failure.limit, Some(LimitKind::Memory), "{code}: {failure:?}");
    }
}

#[test]
fn a_slice_that_ends_at_the_last_place_of_a_subject_ends_the_search() {
    let code = "local s, n = ('b'):rep(3):gsub(('a?'):rep(500000) .. 'c', '%%') return s .. n";
    assert_eq!(patient(code).finish(echo), Ok(json!("bbb0")));
}

#[test]
fn a_long_level_and_a_long_key_are_cut() {
    let mut session = patient("alc.log(('é'):rep(1e5) , 'x') alc.stats.record(('k'):rep(1e6), 1)");
    session.finish(echo).expect("it ends well");
    assert_eq!(session.lines()[0].0, "é".repeat(32));
    let keys: Vec<&str> = session
        .said
        .iter()
        .filter_map(|said| match said {
            Command::Stats { key, .. } => Some(key.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(keys, [format!("{}… (983616 more bytes)", "k".repeat(16 << 10))]);
}

#[test]
fn a_large_figure_is_refused_also_if_its_tables_are_shared() {
    let text = error("alc.stats.record('k', ('x'):rep(65536))");
    assert!(text.contains("a figure of at least 65536 bytes") || text.contains("the limit is 65536"), "{text}");
    let text = error("local t = {} for i = 1, 60 do t = {t, t} end alc.stats.record('k', t)");
    assert!(text.contains("bytes of JSON; the limit is 65536"), "{text}");
}

#[test]
fn escapes_count_towards_the_size_of_a_result() {
    assert_eq!(limit("return ('\\0'):rep(3 << 20)"), LimitKind::Size);
}

#[test]
fn a_long_template_of_a_date_is_refused() {
    let text = error("os.date(('%c'):rep(1e5), 0)");
    assert!(text.contains("a template of 200000 bytes; the limit is 4096"), "{text}");
}

#[test]
fn a_large_result_is_written_in_slices() {
    let mut session = patient("local t = {} for i = 1, 60 do t = {t, t} end return t");
    let failure = session.finish(echo).expect_err("it is too large");
    assert_eq!(failure.limit, Some(LimitKind::Size));
    assert!(session.preempted > 0, "others had no turn");
    // What is written in slices is the same text.
    let code = "local t = {} for i = 1, 3e5 do t[i] = {i, k = 'dropped'} end return t";
    let value = patient(code).finish(echo).expect("it ends well");
    let numbers = value.as_array().unwrap();
    assert_eq!((numbers.len(), &numbers[299_999]), (300_000, &json!([300_000])));
}

#[test]
fn what_a_long_error_says_is_cut_off() {
    for code in [
        "error(('x'):rep(1 << 20), 0)",
        "error(setmetatable({}, {__tostring = function() return ('x'):rep(1 << 20) end}))",
        "package.loaded[('x'):rep(1 << 20)] = {f = function() error('x') end} local r = package.loaded[('x'):rep(1 << 20)].f() return r",
        &format!("local a = 1 {}", "x".repeat(1 << 19)),
    ] {
        let failure = Session::new(code).finish(echo).expect_err("it fails");
        let bytes = failure.message.len() + failure.traceback.map_or(0, |stack| stack.len());
        assert!(bytes < 2 * (17 << 10), "{bytes} bytes");
    }
}

#[test]
fn running_out_of_memory_in_a_c_function_ends_the_session_even_if_it_is_caught() {
    for code in [
        "local s, t = ('x'):rep(1 << 20), {} for i = 1, 1000 do t[i] = s end pcall(table.concat, t) return 1",
        "local s = ('x'):rep(20 << 20) pcall(string.format, '%s%s%s%s', s, s, s, s) return 1",
        "local s = ('x'):rep(20 << 20) pcall(string.format, '%s%s%s%s%s', s, s, s, s, setmetatable({}, {})) return 1",
        "pcall(string.rep, 'x', 1 << 30) return 1",
        "local s = ('x'):rep(20 << 20) pcall(string.pack, 'sss', s, s, s) return 1",
    ] {
        let failure = patient(code).finish(echo).expect_err(code);
        assert_eq!(failure.limit, Some(LimitKind::Memory), "{code}: {failure:?}");
    }
}
