//! `alc.state`: what it gives, where it keeps it, and what it refuses.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use switchboard::domain::SessionSpec;

use super::rig::Rig;

#[tokio::test]
async fn a_value_outlives_its_session_in_the_file_of_its_namespace() {
    let rig = Rig::new();
    let code = r#"
        alc.state.set("k", { a = { 1, 2 }, b = "x" })
        return { g = alc.state.get("k"), m = alc.state.get("nope"), d = alc.state.get("nope", 5),
                 has = alc.state.has("k"), keys = alc.state.keys(), f = alc.state.get("q", false) == false }"#;
    let value = json!({"a": [1, 2], "b": "x"});
    let expected = json!({ "g": value, "d": 5, "has": true, "keys": ["k"], "f": true });
    assert_eq!(rig.value(code).await, expected);
    assert_eq!(
        rig.text("state/default.json"),
        "{\n  \"k\": {\n    \"a\": [\n      1,\n      2\n    ],\n    \"b\": \"x\"\n  }\n}"
    );
    assert_eq!(rig.value("return alc.state.get('k')").await, value);
    let deleted = "return { alc.state.delete('k'), alc.state.delete('k'), alc.state.keys() }";
    assert_eq!(rig.value(deleted).await, json!([true, false, []]));
}

#[tokio::test]
async fn a_key_that_would_take_the_file_of_a_namespace_is_a_key_like_any_other() {
    let rig = Rig::new();
    let code = r#"
        alc.state.set("default.json:y", 1)
        alc.state.set("default.json.tmp:y", 2)
        alc.state.set("k", 3)
        local _, why = pcall(alc.state.list, "default.json")
        return { alc.state.get("default.json:y"), alc.state.get("default.json.tmp:y"), alc.state.get("k"), why }"#;
    let value = rig.value(code).await;
    assert_eq!((value[0].as_f64(), value[1].as_f64(), value[2].as_f64()), (Some(1.0), Some(2.0), Some(3.0)));
    let why = value[3].as_str().unwrap();
    assert!(why.contains("state: unsafe namespace segment 'default.json'"), "{why}");
    assert!(rig.home("state/default.json").is_file());
}

#[tokio::test]
async fn a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let rig = Rig::new();
    rig.put("state/other.json", "{}");
    let pipe = rig.home("state/default.json");
    if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        let error = rig.error("alc.state.set('k', 1)").await;
        assert!(error.contains("state/default.json: it is not a regular file; move it away"), "{error}");
        let error = rig.error("alc.state.get('k')").await;
        assert!(error.contains("state/default.json: it is not a regular file; move it away"), "{error}");
    }
}

#[tokio::test]
async fn only_their_owner_sees_the_files() {
    let rig = Rig::new();
    rig.value("alc.state.set('k', 1) alc.state.set('p:i', 1)").await;
    let mode = |path: &str| std::fs::metadata(rig.home(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("state/default.json"), 0o600);
    assert_eq!(mode("state/p/i.json"), 0o600);
    assert_eq!(mode("state"), 0o700);
    assert_eq!(mode("state/p"), 0o700);
    assert!(!rig.home("state/default.json.tmp").exists());
}

#[tokio::test]
async fn the_namespace_is_the_one_of_ctx() {
    let rig = Rig::new();
    let in_namespace =
        |ns: Value, code: &str| rig.run(SessionSpec { ctx: Some(json!({ "_ns": ns })), ..SessionSpec::run(code) });
    in_namespace(json!("mine"), "alc.state.set('k', 1)").await;
    in_namespace(json!(5), "alc.state.set('k', 2)").await;
    assert_eq!(rig.text("state/mine.json"), "{\n  \"k\": 1\n}");
    assert_eq!(rig.text("state/default.json"), "{\n  \"k\": 2\n}");
    for bad in ["", "../x", "a/b", "a\\b"] {
        let spec = SessionSpec {
            ctx: Some(json!({ "_ns": bad })),
            ..SessionSpec::run("local ok, e = pcall(alc.state.set, 'k', 1) return { ok, e }")
        };
        assert_eq!(rig.value_of(spec).await, json!([false, format!("Invalid namespace: '{bad}'")]));
    }
}

#[tokio::test]
async fn a_key_of_prefix_and_id_has_a_file_of_its_own_whatever_the_namespace() {
    let rig = Rig::new();
    let code = r#"
        alc.state.set("flow:id1", { data = { completed_steps = { "a", "b" }, x = 1, y = 2 } })
        local r = alc.state.reset("flow", "id1", { steps = { "a", "zz" }, fields = { "x", "q" } })
        r.backup_path = r.backup_path:match("[^/]+$")
        return { r = r, keys = alc.state.keys(), list = alc.state.list("flow"), none = alc.state.list("nons"),
                 show = alc.state.show("flow", "id1"), same = alc.state.get("flow:id1").data.y }"#;
    let after = json!({ "data": { "completed_steps": ["b"], "y": 2 } });
    let expected = json!({
        "r": { "ok": true, "backup_path": "id1.json.bak", "steps_removed": 1, "fields_removed": 1 },
        "keys": [], "list": ["id1"], "none": [], "show": after, "same": 2,
    });
    assert_eq!(rig.value(code).await, expected);
    let backup: Value = serde_json::from_str(&rig.text("state/flow/id1.json.bak")).unwrap();
    assert_eq!(backup["data"]["completed_steps"], json!(["a", "b"]));
    let plain = r#"
        for i, key in ipairs { "a:b:c", "p:x y", "p:..", ":x", "x:" } do alc.state.set(key, i) end
        return { alc.state.keys(), alc.state.get("a:b:c") }"#;
    assert_eq!(rig.value(plain).await, json!([[":x", "a:b:c", "p:..", "p:x y", "x:"], 1]));
}

#[tokio::test]
async fn dispatched_writes_keep_what_they_replace() {
    let rig = Rig::new();
    let code = r#"
        alc.state.set_dispatched("p", "i", { n = 1 })
        alc.state.set_dispatched("p", "i", { n = 2 })
        local gone = alc.state.delete_dispatched("p", "i")
        return { gone, alc.state.delete_dispatched("p", "i"), alc.state.has("p:i") }"#;
    assert_eq!(rig.value(code).await, json!([true, false, false]));
    assert_eq!(rig.text("state/p/i.json.bak"), "{\n  \"n\": 2\n}");
}

#[tokio::test]
async fn counters_are_floats_and_first_writes_win() {
    let rig = Rig::new();
    let code = r#"
        return { alc.state.incr("c"), alc.state.incr("c", 5), alc.state.incr("c", -0.5), alc.state.incr("d", 1, 100),
                 math.type(alc.state.get("c")), tostring(alc.state.incr("e")),
                 alc.state.set_nx("a", 1), alc.state.set_nx("a", 2), alc.state.get("a"),
                 alc.state.update("n", function(v) return v + 1 end, 0), alc.state.get("n") }"#;
    assert_eq!(rig.value(code).await, json!([1.0, 6.0, 5.5, 101.0, "float", "1.0", true, false, 1, 1, 1]));
    assert!(rig.text("state/default.json").contains("\"e\": 1.0"));
}

#[tokio::test]
async fn values_come_back_as_they_were_written() {
    let rig = Rig::new();
    let code = r#"
        alc.state.set("e", {}) alc.state.set("a", alc.json_decode("[]")) alc.state.set("null", nil)
        alc.state.set("f", 1.0) alc.state.set("i", 1) alc.state.set("", "empty") alc.state.set(5, "number")
        local keys = alc.state.keys()
        return { alc.state.get("e"), alc.state.get("a"), alc.state.has("null"), type(alc.state.get("null", 1)),
                 math.type(alc.state.get("f")), math.type(alc.state.get("i")), #keys, alc.state.get("5") }"#;
    assert_eq!(rig.value(code).await, json!([{}, [], true, "nil", "float", "integer", 7, "number"]));
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_and_says_why() {
    let rig = Rig::new();
    let code = r#"
        local out = {}
        local function t(f, ...)
          local ok, e = pcall(f, ...)
          out[#out + 1] = ok and "fine" or e
        end
        alc.state.set("s", "x")
        t(alc.state.incr, "s")
        t(alc.state.set, "k", print)
        t(alc.state.set, {}, 1)
        t(alc.state.list, "../x")
        t(alc.state.show, "p", "a/b")
        t(alc.state.show, "nons", "k")
        alc.state.set("p:flat", 1)
        t(alc.state.reset, "p", "flat")
        return out"#;
    let expected = json!([
        "incr: value at 's' is not a number",
        "deserialize error: unsupported value type `function`",
        "bad argument #1: error converting Lua table to String (expected string or number)",
        "state: unsafe namespace segment '../x'",
        "state: unsafe key segment 'a/b'",
        "state: key 'k' not found in namespace 'nons'",
        "state: shape invalid: missing 'data' top-level field",
    ]);
    assert_eq!(rig.value(code).await, expected);
}

#[tokio::test]
async fn an_uncaught_refusal_names_the_line_of_the_program() {
    let rig = Rig::new();
    let error = rig.error("local x\nlocal v = alc.state.show('p', 'q')\nreturn v").await;
    assert_eq!(error, "script:2: state: key 'q' not found in namespace 'p'");
}

#[tokio::test]
async fn a_damaged_file_is_named_and_left_alone() {
    let rig = Rig::new();
    rig.put("state/default.json", "{\"k\": 1");
    rig.put("state/p/i.json", "\u{0}");
    let code = r#"
        local out = {}
        for _, f in ipairs { function() return alc.state.get("k") end, function() return alc.state.set("k", 2) end,
                             alc.state.keys, function() return alc.state.get("p:i") end } do
          out[#out + 1] = select(2, pcall(f))
        end
        return out"#;
    let messages = rig.value(code).await;
    for (message, file) in messages.as_array().unwrap().iter().zip(["default", "default", "default", "p/i"]) {
        let message = message.as_str().unwrap();
        assert!(message.starts_with(&format!("state: state/{file}.json is damaged (")), "{message}");
        assert!(message.ends_with("it is left as it is: repair it or move it away"), "{message}");
    }
    assert_eq!(rig.text("state/default.json"), "{\"k\": 1");
}

#[tokio::test]
async fn a_place_that_cannot_yield_cannot_reach_the_state() {
    let rig = Rig::new();
    let code = r#"
        local t = setmetatable({}, { __tostring = function() return tostring(alc.state.get("k", 1)) end })
        local ok, why = xpcall(error, function() return alc.state.get("k") end)
        return { tostring(t), ok }"#;
    assert_eq!(rig.value(code).await, json!(["1", false]));
}

#[tokio::test]
async fn a_coroutine_of_the_program_reaches_the_state() {
    let rig = Rig::new();
    let code = r#"
        local co = coroutine.wrap(function() alc.state.set("k", 1) coroutine.yield(alc.state.get("k")) return 2 end)
        return { co(), co() }"#;
    assert_eq!(rig.value(code).await, json!([1, 2]));
}
