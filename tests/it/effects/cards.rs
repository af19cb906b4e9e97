//! `alc.card`: what it gives, where it keeps it, and what it refuses.

use serde_json::{Value, json};
use switchboard::domain::{SessionSpec, TerminalOutcome};

use super::rig::Rig;
use crate::support::{bounded, paused};

#[tokio::test]
async fn a_card_is_made_found_read_and_added_to() {
    let rig = Rig::new();
    let code = r#"
        local c = alc.card.create({ card_id = "cid1", pkg = { name = "cot" }, model = { id = "claude-opus-4-6" },
          stats = { pass_rate = 0.5, n = 4 }, created_at = "2026-01-01T00:00:00Z", params = { b = 1, a = "x" } })
        local g = alc.card.get("cid1")
        g.created_by = nil
        local a = alc.card.append("cid1", { caveats = { notes = "n" } })
        local where = { stats = { pass_rate = { gte = 0.4 } } }
        return { c = { c.card_id, c.path:match("cards/.*$") }, g = g, miss = alc.card.get("zz") == nil,
          list = alc.card.list(), other = alc.card.list({ pkg = "other" }), added = a.caveats.notes,
          find = alc.card.find({ pkg = "cot", where = where, order_by = "-stats.pass_rate", limit = 5 }) }"#;
    let row = json!({
        "card_id": "cid1", "created_at": "2026-01-01T00:00:00Z", "model": "claude-opus-4-6", "pass_rate": 0.5,
        "pkg": "cot",
    });
    let expected = json!({
        "c": ["cid1", "cards/cot/cid1.toml"],
        "g": {
            "card_id": "cid1", "created_at": "2026-01-01T00:00:00Z", "model": { "id": "claude-opus-4-6" },
            "param_fingerprint": "1f71ae11cb220615", "params": { "a": "x", "b": 1 }, "pkg": { "name": "cot" },
            "schema_version": "card/v0", "stats": { "n": 4, "pass_rate": 0.5 },
        },
        "miss": true, "list": [row], "other": [], "added": "n", "find": [row],
    });
    assert_eq!(rig.value(code).await, expected);
    let text = rig.text("cards/cot/cid1.toml");
    assert!(text.contains("[params]\na = \"x\"\nb = 1\n") && text.contains("[caveats]\nnotes = \"n\""), "{text}");
}

#[tokio::test]
async fn a_card_without_id_and_time_gets_them_from_the_recorded_clock() {
    let rig = Rig::new();
    let code = r#"
        local c = alc.card.create({ pkg = { name = "cot" }, model = { id = "gpt-5 mini" } })
        return { c.card_id, alc.card.get(c.card_id).created_at, alc.card.get(c.card_id).created_by }"#;
    let value = rig.value(code).await;
    assert!(value[0].as_str().unwrap().starts_with("cot_5mini_19700101T001640_"), "{value}");
    assert_eq!(value[1], "1970-01-01T00:16:40Z");
    assert!(value[2].as_str().unwrap().starts_with("alc@"), "{value}");
}

#[tokio::test]
async fn what_cannot_be_a_card_is_refused_and_says_why() {
    let rig = Rig::new();
    let code = r#"
        local out = {}
        local function t(f, ...)
          local ok, e = pcall(f, ...)
          out[#out + 1] = ok and "fine" or e
        end
        t(alc.card.create, {})
        t(alc.card.create, { pkg = { name = "../x" } })
        t(alc.card.create, "x")
        alc.card.create({ card_id = "c1", pkg = { name = "p" } })
        t(alc.card.create, { card_id = "c1", pkg = { name = "p" } })
        t(alc.card.create, { card_id = "c1", pkg = { name = "other" } })
        t(alc.card.append, "c1", { pkg = { name = "q" } })
        t(alc.card.append, "nope", { a = 1 })
        t(alc.card.write_samples, "nope", { { a = 1 } })
        t(alc.card.write_samples, "c1", "x")
        alc.card.write_samples("c1", { { a = 1 } })
        t(alc.card.write_samples, "c1", { { a = 2 } })
        t(alc.card.alias_set, "al", "nope")
        t(alc.card.get_by_alias, "none")
        t(alc.card.find, { where = 5 })
        t(alc.card.find, { order_by = 5 })
        t(alc.card.lineage, {})
        t(alc.card.get, "a/b")
        t(alc.card.create, { pkg = { name = "p" }, run = { status = "odd" } })
        return out"#;
    let expected = json!([
        "alc.card.create: pkg.name is required",
        "Invalid pkg name: '../x'",
        "alc.card.create: input must be a table",
        "alc.card.create: card 'c1' already exists (immutable)",
        "alc.card.create: card 'c1' already exists (immutable)",
        "alc.card.append: key 'pkg' already set on card 'c1' (immutable)",
        "alc.card.append: card 'nope' not found",
        "card 'nope' not found",
        "alc.card.write_samples: samples must be an array",
        "alc.card.write_samples: samples already exist for card 'c1' (write-once)",
        "alc.card.alias_set: card 'nope' not found",
        "fine",
        "where clause must be a table",
        "order_by must be a string or array of strings",
        "error converting Lua nil to String (expected string or number)",
        "Invalid card_id name: 'a/b'",
        "alc.card.create: run.status must be succeeded, failed or skipped",
    ]);
    assert_eq!(rig.value(code).await, expected);
}

#[tokio::test]
async fn a_package_may_be_called_anything_but_what_the_aliases_are_called() {
    let rig = Rig::new();
    let code = r#"
        alc.card.create({ card_id = "_aliases", pkg = { name = "_aliases" } })
        alc.card.alias_set("best", "_aliases")
        local _, why = pcall(alc.card.create, { pkg = { name = "_aliases.toml" } })
        return { alc.card.get_by_alias("best").card_id, why, #alc.card.list() }"#;
    let value = rig.value(code).await;
    let why = value[1].as_str().unwrap();
    assert!(why.contains("Invalid pkg name: '_aliases.toml'"), "{why}");
    assert_eq!((&value[0], &value[2]), (&json!("_aliases"), &json!(1)));
}

#[tokio::test]
async fn samples_are_rows_that_can_be_searched() {
    let rig = Rig::new();
    let code = r#"
        alc.card.create({ card_id = "c1", pkg = { name = "p" } })
        local before = alc.card.read_samples("c1")
        local w = alc.card.write_samples("c1", { { c = 1, ok = true }, { c = 2, ok = false }, { c = 3, ok = true } })
        return { #before, w.count, w.path:match("cards/.*$"), alc.card.read_samples("c1"),
          alc.card.read_samples("c1", { offset = 1, limit = 1 }),
          alc.card.read_samples("c1", { where = { ok = true }, offset = 1 }) }"#;
    let row = |c: u8, ok: bool| json!({ "c": c, "ok": ok });
    let all = json!([row(1, true), row(2, false), row(3, true)]);
    let expected = json!([0, 3, "cards/p/c1.samples.jsonl", all, [row(2, false)], [row(3, true)]]);
    assert_eq!(rig.value(code).await, expected);
    assert_eq!(rig.text("cards/p/c1.samples.jsonl").lines().next(), Some(r#"{"c":1,"ok":true}"#));
}

#[tokio::test]
async fn an_alias_names_a_card_and_can_be_bound_again() {
    let rig = Rig::new();
    let code = r#"
        for _, id in ipairs { "c1", "c2" } do alc.card.create({ card_id = id, pkg = { name = "p" } }) end
        local a = alc.card.alias_set("best", "c1", { pkg = "p", note = "n" })
        alc.card.alias_set("other", "c1")
        a.set_at = nil
        alc.card.alias_set("best", "c2", { pkg = "p" })
        return { a, #alc.card.alias_list(), alc.card.alias_list({ pkg = "p" })[1].card_id,
                 alc.card.get_by_alias("best").card_id, #alc.card.alias_list({ pkg = "zz" }) }"#;
    let first = json!({ "card_id": "c1", "name": "best", "note": "n", "pkg": "p" });
    assert_eq!(rig.value(code).await, json!([first, 2, "c2", "c2", 0]));
    assert!(rig.text("cards/_aliases.toml").starts_with("[[alias]]\n"));
}

#[tokio::test]
async fn lineage_goes_up_and_down_by_what_a_card_came_of() {
    let rig = Rig::new();
    let code = r#"
        alc.card.create({ card_id = "a", pkg = { name = "p" } })
        alc.card.create({ card_id = "b", pkg = { name = "p" }, stats = { n = 1 },
          metadata = { prior_card_id = "a", prior_relation = "sweep_variant" } })
        alc.card.create({ card_id = "c", pkg = { name = "p" }, metadata = { prior_card_id = "b" } })
        return { up = alc.card.lineage({ card_id = "c" }),
                 d1 = alc.card.lineage({ card_id = "a", direction = "down", depth = 1 }),
                 only = alc.card.lineage({ card_id = "c", relation_filter = { "sweep_variant" } }),
                 miss = alc.card.lineage({ card_id = "zz" }) == nil }"#;
    let a = json!({ "card_id": "a", "depth": -2, "pkg": "p" });
    let b = |depth: i8| {
        json!({ "card_id": "b", "depth": depth, "pkg": "p", "prior_card_id": "a", "prior_relation": "sweep_variant",
                "stats": { "n": 1 } })
    };
    let c = json!({ "card_id": "c", "depth": 0, "pkg": "p", "prior_card_id": "b" });
    let edge = json!({ "from": "b", "relation": "sweep_variant", "to": "a" });
    let expected = json!({
        "up": { "root": "c", "nodes": [c, b(-1), a], "edges": [{ "from": "c", "to": "b" }, edge], "truncated": false },
        "d1": { "root": "a", "nodes": [{ "card_id": "a", "depth": 0, "pkg": "p" }, b(1)], "edges": [edge],
                "truncated": true },
        "only": { "root": "c", "nodes": [c], "edges": [], "truncated": false },
        "miss": true,
    });
    assert_eq!(rig.value(code).await, expected);
}

#[tokio::test]
async fn conditions_choose_among_cards() {
    let rig = Rig::new();
    let code = r#"
        for i, r in ipairs({ 0.2, 0.5, 0.9 }) do
          alc.card.create({ card_id = "c" .. i, pkg = { name = "p" }, stats = { pass_rate = r }, tag = "t" .. i })
        end
        local function f(w)
          local ids = {}
          for _, row in ipairs(alc.card.find({ where = w, order_by = "card_id" })) do ids[#ids + 1] = row.card_id end
          return table.concat(ids, ",")
        end
        return { f({ tag = "t1" }), f({ tag = { ["in"] = { "t1", "t3" } } }), f({ tag = { ne = "t1" } }),
          f({ missing = { exists = false } }), f({ _or = { { tag = "t1" }, { stats = { pass_rate = { gt = 0.6 } } } } }),
          f({ _not = { tag = "t2" } }), f({ tag = { starts_with = "t" }, stats = { pass_rate = { lt = 0.6, gte = 0.5 } } }),
          f({ tag = { contains = "3" } }) }"#;
    let expected = json!(["c1", "c1,c3", "c2,c3", "c1,c2,c3", "c1,c3", "c1,c3", "c2", "c3"]);
    assert_eq!(rig.value(code).await, expected);
}

#[tokio::test]
async fn nulls_are_dropped_and_numbers_keep_their_kind() {
    let rig = Rig::new();
    let code = r#"
        alc.card.create({ card_id = "n", pkg = { name = "p" }, arr = alc.json_decode("[1,null,2]"), f = 1.0, i = 1,
          deep = alc.json_decode('{"a": null, "b": [{"c": null}]}') })
        local g = alc.card.get("n")
        return { g.arr, math.type(g.f), math.type(g.i), g.deep }"#;
    assert_eq!(rig.value(code).await, json!([[1, 2], "float", "integer", { "b": [{}] }]));
}

#[tokio::test]
async fn a_damaged_card_is_in_nobodys_way_and_named_when_it_is_wanted() {
    let rig = Rig::new();
    rig.put("cards/p/bad.toml", "this = is = no toml");
    let code = r#"
        alc.card.create({ card_id = "good", pkg = { name = "p" } })
        return { #alc.card.list(), select(2, pcall(alc.card.get, "bad")) }"#;
    let value = rig.value(code).await;
    assert_eq!(value[0], 1);
    let message = value[1].as_str().unwrap();
    assert!(message.starts_with("card: cards/p/bad.toml is damaged ("), "{message}");
    assert_eq!(rig.text("cards/p/bad.toml"), "this = is = no toml");
}

#[tokio::test]
async fn past_cards_go_before_the_system_text_of_a_question() {
    let rig = Rig::new();
    rig.value(r#"alc.card.create({ card_id = "c1", pkg = { name = "p" }, created_at = "t", created_by = "b" })"#).await;
    let system = async |opts: &str| -> Value {
        let id = rig.start(SessionSpec::run(format!("return alc.llm('x', {opts})"))).await;
        let pause = paused(&rig.registry, id).await;
        json!(pause.prompts[0].query.system)
    };
    let card = r#"{"card_id":"c1","created_at":"t","created_by":"b","pkg":{"name":"p"},"schema_version":"card/v0"}"#;
    let block = format!("<past_cards>\n{card}\n</past_cards>");
    assert_eq!(system("{ card_context = 'c1', system = 'S' }").await, json!(format!("{block}\n\nS")));
    assert_eq!(system("{ card_context = 'c1', system = 42 }").await, json!(format!("{block}\n\n42")));
    assert_eq!(system("{ card_context = { pkg = 'p', limit = 3 } }").await, json!(block));
    assert_eq!(system("{ card_context = 'missing', system = 'S' }").await, json!("S"));
    assert_eq!(system("{ card_context = '../../x' }").await, Value::Null);
    assert_eq!(system("{ card_context = { print }, system = 'S' }").await, json!("S"));
}

#[tokio::test]
async fn where_no_cards_can_be_had_a_question_is_asked_without_them() {
    let rig = Rig::without_home();
    let id = rig.start(SessionSpec::run("return alc.llm('x', { card_context = 'c1', system = 'S' })")).await;
    let pause = paused(&rig.registry, id).await;
    assert_eq!(pause.prompts[0].query.system.as_deref(), Some("S"));
}

#[tokio::test]
async fn the_card_of_a_report_takes_another_name_where_the_first_is_taken() {
    let rig = Rig::recorded();
    let code = r#"
        package.preload.echo = function() return { run = function(ctx) return ctx.task end } end
        local scenario = { cases = { { input = "a", expected = "b" } } }
        local ids = {}
        for i = 1, 3 do ids[i] = alc.eval(scenario, "echo", { auto_card = true }).card_id end
        alc.llm("so far?")
        ids[4] = alc.eval(scenario, "echo", { auto_card = true }).card_id
        local seen = {}
        for i, id in ipairs(ids) do seen[i] = #alc.card.read_samples(id) end
        local own = { card_id = ids[1], pkg = { name = "echo" } }
        return { ids = ids, seen = seen, why = select(2, pcall(alc.card.create, own)) }"#;
    let id = rig.start(SessionSpec::run(code)).await;
    paused(&rig.registry, id).await;
    // Run again from its record, it comes to the same names.
    let again = rig.after_a_crash(|_, records| records.len()).await;
    again.answer(id, "ok").await;
    let TerminalOutcome::Done(done) = bounded(again.registry.await_terminal(id)).await.unwrap() else { panic!() };
    let ids: Vec<_> = done.value["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let first = ids[0];
    assert!(first.starts_with("echo_model_19700101T001640_"), "{ids:?}");
    for (n, other) in ids.iter().enumerate().skip(1) {
        let digits = other.strip_prefix(first).unwrap().strip_prefix('_').unwrap();
        assert!(digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{other}");
        assert!(!ids[..n].contains(other), "{ids:?}");
    }
    assert_eq!(done.value["seen"], json!([1, 1, 1, 1]));
    assert_eq!(done.value["why"], format!("alc.card.create: card '{first}' already exists (immutable)"));
}
