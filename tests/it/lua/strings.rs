//! `table.sort`, `string.gsub` and their like against the C library's own.

use mlua::{Lua, Value as LuaValue};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::driver::{error, result};

/// A program that gives what `code` returns or raises as one text. A call that `code` returns is no tail call here:
/// where a function is written in Lua instead of C, that would cost its errors their position.
fn caught(code: &str) -> String {
    let code = match code.split_once("RETURN ") {
        Some((before, values)) => format!("{before} local r = table.pack({values}) return table.unpack(r, 1, r.n)"),
        None => code.to_owned(),
    };
    format!(
        "local out = table.pack(pcall(function() {code} end))
         for i = 1, out.n do out[i] = tostring(out[i]) end return table.concat(out, '|', 1, out.n)"
    )
}

/// What plain Lua makes of an expression: the JSON of its values, or of its error.
fn plainly(code: &str) -> String {
    let lua = Lua::new();
    match lua.load(caught(code)).set_name("=script").eval::<LuaValue>() {
        Ok(value) => value.to_string().expect("what the program returns is a text"),
        Err(error) => error.to_string(),
    }
}

/// What a session makes of it.
fn hosted(code: &str) -> String {
    match result(&caught(code)) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The same with the pattern functions' fast path out of reach, since the subject is long.
fn long(code: &str, subject: &str) -> (String, String) {
    let code = format!("local s = string.rep('{subject}', 3000) {code}");
    (plainly(&code), hosted(&code))
}

#[test]
fn pattern_functions_do_what_the_c_library_does() {
    for call in [
        "s:find('b')",
        "s:find('(%w)(%w)', 3)",
        "s:find('()b()')",
        "s:find('', 10)",
        "s:find(')')",
        "s:find('a)')",
        "s:find(('%a-'):rep(200), -1)",
        "s:find('b', -1)",
        "s:find('x', 1, true)",
        "s:find('a.c', 1, true)",
        "s:find('^b')",
        "s:find('^a')",
        "s:find('')",
        "s:find('', 1e6)",
        "s:match('%f[%w]%w+')",
        "s:match('(a)(%1)')",
        "s:match('%bac')",
        "s:match('[^a]+')",
        "s:match('[a-c]-d')",
        "s:match('a?b?c?d?e?')",
        "s:match('.-$')",
        "#s:match('.*')",
        "s:match('[]]')",
        "s:match('[^%s]')",
        "s:match('[%a-z]')",
        "s:match('%d*()')",
        "s:gsub('b', 'x', 2)",
        "s:gsub('', '-', 3)",
        "s:gsub('%w', '%0%0', 2)",
        "s:gsub('(a)(b)', '%2%1', 2)",
        "s:gsub('a', {a = 1, b = true}, 2)",
        "s:gsub('()', '%1', 2)",
        "s:gsub('^a', 'x')",
        "s:gsub('a', '%')",
        "s:gsub('a', '%2')",
        "s:gsub('a', '%%')",
        "s:gsub('b', {b = true})",
        "s:gsub('a', {a = print})",
        "s:gsub('(', '')",
        "s:gsub(')', '')",
        "s:gsub('[a', '')",
        "s:gsub('%', '')",
        "s:gsub('%f', '')",
        "s:gsub('%b', '')",
        "s:gsub('%1', '')",
        "s:gsub('(()', '')",
        "s:gsub('a', function(x) return x .. x end, 2)",
        "s:gsub('a', function() return false end, 2)",
        "s:gsub('a', function() return {} end)",
        "s:gsub('(a)(b)', function(a, b) return b .. a end, 1)",
        "s:gsub('.', setmetatable({}, {__index = function(_, k) return k .. '!' end}), 2)",
        "s:gsub('%w*', function(x) return '<' .. x .. '>' end)",
        "s:gsub('', function(x) return '<' .. x .. '>' end)",
        "s:gsub('()', function(at) return at .. '.' end)",
        "s:gsub('()b?()', function(from, to) return from .. to end, 4)",
        "s:gsub('%f[%w]%w', function(x) return x:upper() end)",
        "s:gsub('b*', {b = 'x', [''] = '-'})",
        "s:gsub('b*', setmetatable({}, {__index = function(_, k) return '(' .. k .. ')' end}))",
        "s:gsub('^(%w)', function(x) return x .. x end)",
        "s:gsub('%w', function() error('no', 0) end)",
        "s:gsub('(', print)",
        "s:gsub('(()', print)",
        "string.gsub(s, 'a')",
        "string.gsub(nil, 'a')",
        "string.find(s)",
        "string.find(s, {})",
        "string.gsub(s, 'a', 'b', 'x')",
        "string.match(s, 'a', 1.5)",
        "string.find({}, 'a', 'x')",
        "string.match(s, {}, {})",
        "string.gmatch({}, 'a', 'x')",
        "s:gsub(string.rep('(a)', 40), '')",
        "s:match(string.rep('a?', 250))",
    ] {
        let code = format!("RETURN {call}");
        for subject in ["a", "abc", "ab c"] {
            let (plain, ours) = long(&code, subject);
            assert_eq!(ours, plain, "{call} on many {subject:?}");
            let short = format!("local s = '{subject}' {code}");
            assert_eq!(hosted(&short), plainly(&short), "{short}");
        }
    }
}

#[test]
fn tostring_does_what_the_c_library_does() {
    for code in [
        "RETURN tostring(1), tostring(-0.0), tostring(1e100), tostring(nil), tostring(false), tostring('x'), tostring(2, 3)",
        "tostring()",
        "RETURN pcall(tostring)",
        "RETURN tostring(setmetatable({}, {__tostring = function() return 'told' end}))",
        "RETURN tostring(setmetatable({}, {__tostring = function(t, ...) return select('#', ...) .. type(t) end}), 2)",
        "tostring(setmetatable({}, {__tostring = function() return {} end}))",
        "local t = setmetatable({}, {__tostring = function() return {} end}) local s = tostring(t) RETURN s",
        "tostring(setmetatable({}, {__tostring = function() error('no', 0) end}))",
        "tostring(setmetatable({}, {__tostring = 1}))",
        "RETURN tostring(setmetatable({}, {__name = 'thing'})):match('^thing: 0x')",
        "RETURN tostring({}):match('^table: 0x'), tostring(print):match('^function: ')",
        "local co = coroutine.wrap(function() return tostring(setmetatable({}, {__tostring = coroutine.yield})) end)
            co() RETURN co('late')",
    ] {
        // Plain Lua cannot yield there.
        let expected = if code.contains("yield") { "true|late".to_owned() } else { plainly(code) };
        assert_eq!(hosted(code), expected, "{code}");
    }
}

#[test]
fn gmatch_goes_on_as_the_c_library_does() {
    for pattern in ["%w", "%w*", "()", "(%w)(%w?)", "^a", ".-b", ""] {
        let code = format!(
            "local n, t = 0, {{}} for x, y in s:gmatch('{pattern}') do n = n + 1 t[#t + 1] = x .. tostring(y) end
            RETURN n, table.concat(t)"
        );
        let (plain, ours) = long(&code, "ab ");
        assert_eq!(ours, plain, "{pattern}");
    }
}

#[test]
fn table_functions_do_what_the_c_library_does_also_with_metatables() {
    for code in [
        "table.insert(t, 'x') RETURN table.concat(t)",
        "table.insert(t, 1, 'x') RETURN table.concat(t)",
        "table.insert(t, 9, 'x')",
        "table.insert(t, nil, 'x')",
        "table.insert(t, '1.5', 'x')",
        "table.insert(t)",
        "table.insert(t, 1, 2, 3)",
        "table.insert(nil, 1)",
        "RETURN table.remove(t), table.concat(t)",
        "RETURN table.remove(t, 1), table.concat(t)",
        "RETURN table.remove(t, 9)",
        "RETURN table.remove(t, #t + 1)",
        "RETURN table.concat(t, ',', 2)",
        "RETURN table.concat(t, ',', 2, 3)",
        "RETURN table.concat({1, {}, 3})",
        "RETURN table.concat(t, ',', 3, 2)",
        "RETURN table.concat(t, ',', 1, 9)",
        "RETURN table.concat(table.move(t, 2, 4, 1))",
        "RETURN table.concat(table.move(t, 1, 3, 2))",
        "RETURN table.concat(table.move(t, 1, 3, 3, {1, 2}))",
        "RETURN table.unpack(t)",
        "RETURN table.unpack(t, 2)",
        "RETURN table.unpack(t, 2, 3)",
        "RETURN table.unpack(t, -1, 1)",
        "RETURN select('#', table.unpack(t, 3, 1))",
        "RETURN select('#', table.unpack({}, 1, 1e7))",
        "RETURN table.unpack({1, 2}, '1', 2.0)",
    ] {
        for meta in ["nil", "{}"] {
            let code = format!("local t = setmetatable({{'a', 'b', 'c', 'd'}}, {meta}) {code}");
            assert_eq!(hosted(&code), plainly(&code), "{code}");
        }
    }
}

#[test]
fn rep_and_format_do_what_the_c_library_does() {
    for code in [
        "RETURN ('ab'):rep(3, '-')",
        "RETURN ('a'):rep(0)",
        "RETURN ('a'):rep(-1)",
        "RETURN #('ab'):rep(5000)",
        "local s = ('ab'):rep(5000, ',') RETURN #s, s:sub(-5)",
        "RETURN (''):rep(1e4)",
        "local s = 'x' RETURN string.rep(s, 1e5 + 0.5)",
        "RETURN (7):rep(3)",
        "RETURN string.format('%5.1f|%d|%s|%q|%%|%x', 1.25, 3, 'a', 'b\\n', 255)",
        "RETURN string.format('%10s|%-5s|', 'a', 'b')",
        "RETURN string.format('%s %s', nil, true)",
        "RETURN string.format('%d', 'x')",
        "RETURN string.format('%s', setmetatable({}, {__tostring = function() return 'told' end}))",
        "RETURN string.format('%5s%%%d', setmetatable({}, {__tostring = function() return 'me' end}), 3)",
        "RETURN string.format('%d', {})",
        "RETURN string.format('%s')",
        "RETURN string.format('%s', setmetatable({}, {__tostring = function() return {} end}))",
        "RETURN tostring(setmetatable({}, {__name = 'My', __tostring = function() return 'x' end}))",
        "RETURN tostring(1.0), tostring(1e15), tostring(-0.0), tostring(3), tostring(2^63)",
    ] {
        assert_eq!(hosted(code), plainly(code), "{code}");
    }
    assert_eq!(result("return tostring(setmetatable({}, {__name = 'My'}))"), json!("My: 0x0000000000000001"));
}

#[test]
fn a_comparator_that_contradicts_itself_is_found_out() {
    let code = "local t = {} for i = 1, 200 do t[i] = i % 7 end\ntable.sort(t, function() return true end)";
    assert_eq!(error(code), "script:2: invalid order function for sorting");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn sorting_puts_elements_where_the_c_library_does(keys in prop::collection::vec(0..30_i32, 0..90)) {
        // Elements with the same key are told apart by their place.
        let list = keys.iter().enumerate().map(|(i, key)| format!("{{{key}, {i}}}")).collect::<Vec<_>>().join(",");
        let code = format!("local t = {{{list}}} table.sort(t, function(a, b) return a[1] < b[1] end)
            for i, v in ipairs(t) do t[i] = v[1] .. '.' .. v[2] end RETURN table.concat(t, ' ')");
        prop_assert_eq!(hosted(&code), plainly(&code));
    }

    #[test]
    fn matching_finds_what_the_c_library_finds(
        subject in "[ab(). ]{0,40}",
        pattern in "(\\^)?([ab.]|%a|%s|\\[ab\\]|\\[\\^a\\]|\\(\\)|\\(a\\)|%b\\(\\)|%f\\[a\\])([*+?-])?([ab.])?\\$?",
    ) {
        let code = format!("local s = string.rep(' ', 3000) .. '{subject}'
            local a, b, c = s:find('{pattern}', 2990) local d, e = s:gsub('{pattern}', '<%0>')
            local f, g = ('{subject}'):gsub('{pattern}', function(x, y) return '<' .. x .. tostring(y) .. '>' end)
            RETURN a, b, c, d:sub(-120), e, f, g");
        prop_assert_eq!(hosted(&code), plainly(&code));
    }
}
