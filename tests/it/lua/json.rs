//! JSON in and out of Lua.

use serde_json::json;

use super::driver::result;

#[test]
fn values_become_json_by_the_rules() {
    for (code, value) in [
        ("return 42.0", json!(42.0)),
        ("return 1e300", json!(1e300)),
        ("return math.mininteger", json!(i64::MIN)),
        ("return {0/0, 1/0, -1/0, 7}", json!([null, null, null, 7])),
        ("return 'a\\0b'", json!("a\0b")),
        ("return {}", json!({})),
        ("return {{}, a = 1}", json!([{}])),
        ("return {1, nil, 3}", json!([1, null, 3])),
        ("local t = {} t[1] = 1 t[3] = 3 return t", json!([1])),
        ("local s = {1} return {a = s, b = s}", json!({"a": [1], "b": [1]})),
        ("return setmetatable({a = 1}, {__index = {b = 2}, __len = function() return 9 end})", json!({"a": 1})),
        ("return setmetatable({1}, {__pairs = error, __index = error})", json!([1])),
        ("return alc.json_decode('[]')", json!([])),
        ("local t = alc.json_decode('[1,2]') t[1], t[2], t.x = nil, nil, 1 return t", json!([])),
        ("return alc.json_decode('[null,1]')", json!([null, 1])),
        ("return alc.json_decode('[null,null,3,null,5]')", json!([null, null, 3, null, 5])),
    ] {
        assert_eq!(result(code), value, "{code}");
    }
}

#[test]
fn encoding_sorts_keys_and_decoding_takes_the_last_of_two() {
    assert_eq!(
        result("return alc.json_encode({b = 1, a = 1.0, c = {z = 1, y = '\"'}})"),
        json!(r#"{"a":1.0,"b":1,"c":{"y":"\"","z":1}}"#)
    );
    assert_eq!(result("return {alc.json_encode(), alc.json_encode({1}, true)}"), json!(["null", "[1]"]));
    assert_eq!(result(r#"return alc.json_decode('{"a":1,"a":2}')"#), json!({"a": 2}));
}

#[test]
fn decoded_numbers_keep_their_kind() {
    let code = "local t = alc.json_decode('[1, 1.0, 1e2, 12345678901234567890, -5]')
        for i, v in ipairs(t) do t[i] = math.type(v) end return t";
    assert_eq!(result(code), json!(["integer", "float", "float", "float", "integer"]));
}

#[test]
fn what_is_wrong_with_a_text_is_said_with_its_place() {
    for (text, said) in [
        ("{oops", "key must be a string at line 1 column 2"),
        ("1 2", "trailing characters at line 1 column 3"),
        ("", "EOF while parsing a value at line 1 column 0"),
        ("nope", "expected ident at line 1 column 2"),
        ("{1:2}", "key must be a string at line 1 column 2"),
    ] {
        let code = format!("local ok, e = pcall(alc.json_decode, '{text}') return e");
        assert_eq!(result(&code), json!(said), "{text}");
    }
    let code = "local ok, e = pcall(alc.json_decode, string.rep('[', 200)) return e";
    assert_eq!(result(code), json!("recursion limit exceeded at line 1 column 128"));
}

#[test]
fn depth_costs_no_stack_of_the_host() {
    let code = "local t = {} local r = t for i = 1, 200000 do t[1] = {} t = t[1] end
        local ok, e = pcall(alc.json_encode, r) return {ok, e}";
    assert_eq!(result(code), json!([false, "deserialize error: more than 10000 tables within each other"]));
    assert_eq!(
        result("local t = {} local r = t for i = 1, 5000 do t[1] = {} t = t[1] end return #alc.json_encode(r)"),
        json!(10_002)
    );
}
