//! What a program finds around it, and what it does not.

use serde_json::json;
use switchboard::domain::SessionSpec;
use switchboard::lua::pairs_order_is_fixed;

use super::driver::{Session, echo, error, result};

#[test]
fn a_program_finds_these_globals_and_no_others() {
    // What is in `alc` stands in the types for editors.
    let code = "local names = {}
        for name, value in pairs(_G) do
            if type(value) == 'table' and name ~= '_G' then
                for key in pairs(name == 'alc' and {} or value) do names[#names + 1] = name .. '.' .. key end
            else
                names[#names + 1] = name
            end
        end
        table.sort(names) return table.concat(names, ' ')";
    let names = result(code);
    let expected = "_G _VERSION assert collectgarbage coroutine.close coroutine.create coroutine.isyieldable \
        coroutine.resume coroutine.running coroutine.status coroutine.wrap coroutine.yield error \
        getmetatable io.close io.flush io.input io.lines io.open io.output io.popen io.read io.stderr \
        io.stdout io.tmpfile io.type io.write ipairs load math.abs math.acos math.asin math.atan math.atan2 \
        math.ceil math.cos math.cosh math.deg math.exp math.floor math.fmod math.frexp math.huge math.ldexp \
        math.log math.log10 math.max math.maxinteger math.min math.mininteger math.modf math.pi math.pow \
        math.rad math.random math.randomseed math.sin math.sinh math.sqrt math.tan math.tanh math.tointeger \
        math.type math.ult next os.clock os.date os.difftime os.getenv os.time package.config package.cpath \
        package.loaded package.path package.preload pairs pcall print rawequal rawget rawlen rawset require \
        select setmetatable string.byte string.char string.find string.format string.gmatch string.gsub \
        string.len string.lower string.match string.pack string.packsize string.rep string.reverse \
        string.sub string.unpack string.upper table.concat table.insert table.move table.pack table.remove \
        table.sort table.unpack tonumber tostring type utf8.char utf8.charpattern utf8.codepoint utf8.codes \
        utf8.len utf8.offset xpcall";
    assert_eq!(names, json!(expected));
}

#[test]
fn what_does_not_exist_yet_is_nil() {
    assert_eq!(
        result("return {tostring(alc.hash), tostring(alc.nn), tostring(alc.card.open), tostring(alc[1])}"),
        json!(["nil", "nil", "nil", "nil"])
    );
}

#[test]
fn nothing_that_reaches_outside_is_there() {
    for (code, value) in [
        (
            "return {tostring(debug), tostring(dofile), tostring(loadfile), tostring(os.exit), tostring(os.execute)}",
            json!(["nil", "nil", "nil", "nil", "nil"]),
        ),
        ("return {io.open('/etc/passwd')}", json!([null, "not available in a session"])),
        ("return {io.popen('ls')}", json!([null, "not available in a session"])),
        ("return {collectgarbage('count'), collectgarbage()}", json!([0, 0])),
        ("return tostring(getmetatable(alc)) .. tostring(getmetatable(string))", json!("falsefalse")),
    ] {
        assert_eq!(result(code), value, "{code}");
    }
}

#[test]
fn finalizers_are_refused_with_a_clear_error() {
    let text = "script:1: setmetatable: __gc is not available in a session";
    assert_eq!(error("local t = setmetatable({}, {__gc = function() end})"), text);
    assert_eq!(error("local t = setmetatable({}, {__gc = true})"), text);
    assert_eq!(
        result("local mt = setmetatable({}, {__index = error}) return getmetatable(setmetatable({}, mt)) == mt"),
        json!(true)
    );
}

#[test]
fn load_takes_text_of_bounded_length_only() {
    for (code, value) in [
        ("return load('return 1 + 1')()", json!(2)),
        ("local n = 0 return load(function() n = n + 1 return ({'return ', '4', '2'})[n] end)()", json!(42)),
        ("return {load('x x')}", json!([null, "[string \"x x\"]:1: syntax error near 'x'"])),
        ("return {load('x x', '=name')}", json!([null, "name:1: syntax error near 'x'"])),
        ("return {load('\\27Lua')}", json!([null, "attempt to load a binary chunk (mode is 't')"])),
        ("return {load('return 1', 'n', 'b')}", json!([null, "attempt to load a text chunk (mode is 'b')"])),
        ("return load('return x', 'n', 't', {x = 5})()", json!(5)),
        ("local f = load('x = 1; return x', 'n', 't', nil) return pcall(f)", json!(false)),
        (
            "return {load(string.rep(' ', 2 << 20))}",
            json!([null, "the source is 2097152 bytes long; the limit is 1048576"]),
        ),
        (
            "return {load(function() return string.rep(' ', 1 << 20) end)}",
            json!([null, "the source is 2097152 bytes long; the limit is 1048576"]),
        ),
        ("return {load(function() error('reading', 0) end)}", json!([null, "reading"])),
    ] {
        assert_eq!(result(code), value, "{code}");
    }
}

#[test]
fn things_have_numbers_instead_of_addresses() {
    let code = "local t, f = {}, print return {tostring(t), tostring(f), tostring(t), string.format('%p %s', t, t)}";
    let (table, function) = ("table: 0x0000000000000001", "function: 0x0000000000000002");
    assert_eq!(result(code), json!([table, function, table, format!("0x0000000000000001 {table}")]));
}

#[test]
fn the_environment_is_what_the_session_was_given() {
    let mut spec = SessionSpec::run("return {os.getenv('HOME'), tostring(os.getenv('PATH'))}");
    spec.env.insert("HOME".into(), "/session".into());
    assert_eq!(Session::of(spec).finish(echo), Ok(json!(["/session", "nil"])));
}

#[test]
fn dates_are_in_utc() {
    for (code, value) in [
        ("return os.date('%Y-%m-%d %H:%M:%S', 0)", json!("1970-01-01 00:00:00")),
        ("return os.date('!%c', 1e9)", json!("Sun Sep  9 01:46:40 2001")),
        ("return os.date('%x %X %p %j %Ey %%', 1000000000)", json!("09/09/01 01:46:40 AM 252 01 %")),
        ("return os.date()", json!("Tue Nov 14 22:13:20 2023")),
        (
            "local t = os.date('*t', 1000000000) return {t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst}",
            json!([2001, 9, 9, 1, 46, 40, 1, 252, false]),
        ),
        ("return os.time({year = 2001, month = 9, day = 9, hour = 1, min = 46, sec = 40})", json!(1_000_000_000)),
        (
            "local t = {year = 2024, month = 14, day = -3} return {os.time(t), t.year, t.month, t.day, t.hour}",
            json!([1_738_065_600, 2025, 1, 28, 12]),
        ),
        ("return os.difftime(5, 3)", json!(2.0)),
    ] {
        assert_eq!(result(code), value, "{code}");
    }
    assert_eq!(error("os.time({year = 2024})"), "script:1: field 'month' missing in date table");
    assert_eq!(error("os.date('%Q')"), "script:1: bad argument #1 to 'date' (invalid conversion specifier '%Q')");
}

#[test]
fn a_program_cannot_break_the_prelude_by_changing_globals() {
    let code = "type, error, select, next, pairs, tostring, string.sub = nil, nil, nil, nil, nil, nil, nil
        local out = {alc.llm('p', {system = 's'}), coroutine.wrap(function() return alc.llm('q') end)()}
        out[3] = string.gsub('abc', 'b', function() return alc.llm('r') end)
        string, table, math = nil, nil, nil
        out[4] = #alc.parallel({1}, function() return 's' end) print(1)
        return out";
    assert_eq!(result(code), json!(["<p>", "<q>", "a<r>c", 1]));
}

#[test]
fn what_a_program_removes_stays_removed() {
    let code = "for name in pairs(alc) do if name ~= 'log' then alc[name] = nil end end return {tostring(alc.llm), type(alc.log)}";
    assert_eq!(result(code), json!(["nil", "function"]));
}

#[test]
fn the_order_of_pairs_is_the_same_in_every_state() {
    assert!(pairs_order_is_fixed(), "build with the hash seed of .cargo/config.toml");
}
