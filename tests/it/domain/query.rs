//! The query language: what it accepts, what it means, and where its faults are.

use std::sync::Arc;

use proptest::prelude::*;
use switchboard::domain::query::{Compare, Expr, Facts, Pattern, Scratch, Standing, Test, Verdict, Word};
use switchboard::domain::{
    Done, ExecutionState, Pause, PauseKind, Prompt, Query, QueryId, SessionId, SessionSpec, StateName, Timestamp,
};

const NOW: Timestamp = 10_000_000;

fn query(prompt: &str) -> Arc<Query> {
    Arc::new(Query {
        query_id: QueryId::new(1),
        prompt: prompt.into(),
        system: None,
        max_tokens: 20,
        grounded: false,
        underspecified: false,
        role: None,
        cache_breakpoint: None,
        line: None,
    })
}

/// A session that has waited for a minute, made an hour ago.
struct Subject {
    spec: SessionSpec,
    state: ExecutionState,
}

impl Subject {
    fn asking(title: &str, prompts: &[&str]) -> Self {
        let mut spec = SessionSpec::run("return 1");
        spec.title = Some(title.into());
        spec.tags.insert("team".into(), "ci".into());
        let prompts = prompts.iter().map(|text| Prompt { query: query(text), answered_by: None }).collect();
        let pause = Pause { epoch: 1, kind: PauseKind::Batch, prompts, paused_at: NOW - 60_000 };
        Self { spec, state: ExecutionState::Paused(Arc::new(pause)) }
    }

    fn verdict(&self, text: &str, now: Timestamp) -> Verdict {
        let expr: Expr = text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let facts = Facts {
            id: SessionId::from_bits(0x691b_cdc6_0000_0001),
            spec: &self.spec,
            number: Some(2),
            state: &self.state,
            standing: Some(Standing::Held),
            created_at: NOW - 3_600_000,
            tokens: 1_500,
            query: None,
            now,
        };
        expr.verdict(&facts, &mut Scratch::default())
    }

    fn holds(&self, text: &str) -> bool {
        self.verdict(text, NOW).holds
    }
}

#[test]
fn each_test_asks_what_its_name_says() {
    let subject = Subject::asking("review-auth", &["Overwrite config.toml?", "Is “tmp2” a good name?"]);
    for (text, holds) in [
        ("", true),
        ("review", true),
        ("rvw", true),
        ("rva", true),
        ("REVIEW", false),
        ("config", true),
        ("tmp2", true),
        ("deploy", false),
        ("review deploy", false),
        ("review or deploy", true),
        ("state:paused and age>0s", true),
        ("review and deploy", false),
        ("review and -deploy", true),
        ("review and(state:paused)and age>0s or deploy", true),
        ("deploy and review or config and tmp2", true),
        ("-(review and config)", false),
        ("and_", false),
        ("-review", false),
        ("-deploy", true),
        ("-(deploy or review)", false),
        ("--review", true),
        ("691b", true),
        ("#2", true),
        ("#3", false),
        ("bcdc6", false),
        ("id:691BCDC6", true),
        ("id:92", false),
        ("state:paused", true),
        ("-state:done", true),
        ("is:held", true),
        ("IS:Held -is:suspended", true),
        ("is:suspended", false),
        ("tag:ci", true),
        ("tag:team", true),
        ("tag:team=ci", true),
        ("tag:team=c", false),
        ("tag:te", false),
        ("title~^review", true),
        ("title~Review", false),
        ("prompt~\"overwrite .*\\?\"", true),
        ("prompt~\"a \\S+ name\"", true),
        ("prompt~^name", false),
        ("age>59m age<61m", true),
        ("age>2h", false),
        ("age>59m30s age<1h30m", true),
        ("AGE<2h State:Paused", true),
        ("wait>59s", true),
        ("wait>60s", false),
        ("wait<60s", false),
        ("wait<61000ms", true),
        ("tokens>1k tokens<2k", true),
        ("tokens>1500", false),
        ("state:paused age>5m tag:ci title~review prompt~\"overwrite .*\\?\" -state:done (a or b)", true),
    ] {
        assert_eq!(subject.holds(text), holds, "{text:?}");
    }
}

#[test]
fn a_word_is_not_found_in_a_long_text_by_letters_scattered_over_it() {
    let story = "Our older servers have nine pieces below.";
    assert!(!Subject::asking("s", &[story]).holds("review"));
    assert!(Subject::asking("s", &[story]).holds("pieces"));
    let behind = format!("{}review", "x ".repeat(1000));
    assert!(!Subject::asking("s", &[&behind]).holds("review"), "words look at what a list could show");
    assert!(Subject::asking("s", &[&behind]).holds("prompt~review"), "patterns at everything");
}

#[test]
fn only_open_prompts_count_and_who_does_not_wait_has_no_waiting_time() {
    let mut subject = Subject::asking("s", &["first", "second"]);
    if let ExecutionState::Paused(pause) = &mut subject.state {
        Arc::make_mut(pause).prompts[0].answered_by = Some("file".parse().unwrap());
    }
    assert!(subject.holds("prompt~second") && !subject.holds("prompt~first"));
    subject.state = ExecutionState::Done(Arc::new(Done { value: 1.into(), usage: None, finished_at: NOW }));
    for text in ["prompt~second", "wait>0s", "wait<1d", "state:paused"] {
        assert!(!subject.holds(text), "{text}");
    }
}

#[test]
fn a_verdict_says_how_long_it_is_sure() {
    let subject = Subject::asking("s", &["q"]);
    let until = |text| subject.verdict(text, NOW).until;
    assert_eq!(until("state:paused"), None);
    assert_eq!(until("wait>2m"), Some(NOW + 60_001));
    assert_eq!(until("wait<2m"), Some(NOW + 60_000));
    assert_eq!(until("wait>30s"), None, "it has waited longer for good");
    assert_eq!(until("age>2h wait>2m"), Some(NOW + 3_600_001), "before that the other test does not matter");
    assert_eq!(until("state:done wait>2m"), None);
    assert_eq!(until("-wait>2m"), Some(NOW + 60_001));
    assert_eq!(until("state:paused or wait>2m"), None);
    for (text, at) in [("wait>2m", NOW + 60_001), ("wait<2m", NOW + 60_000)] {
        assert_ne!(subject.verdict(text, at).holds, subject.verdict(text, at - 1).holds, "{text}");
    }
}

#[test]
fn a_fault_says_what_to_write_and_where_it_is() {
    for (text, marked, told) in [
        ("state:", "state:", "a state is paused, running, done, failed or cancelled"),
        ("a state:pau", "pau", "a state is paused"),
        ("state:suspended", "suspended", "write is:suspended"),
        ("is:", "is:", "is: needs held or suspended"),
        ("is:running", "running", "states stand behind state:"),
        ("is>held", "is>held", "write is: and a value"),
        ("age>", "age>", "such as age>5m"),
        ("x (age>5)", "5", "age> needs a duration"),
        ("age>30m1h", "30m1h", "age> needs a duration"),
        ("age>1h30", "1h30", "age> needs a duration"),
        ("tokens>many", "many", "a whole number"),
        ("prompt~\"(", "\"(", "the quote is not closed"),
        ("prompt~\"(\"", "\"(\"", "not a regular expression: unclosed group"),
        ("title~", "title~", "needs a pattern"),
        ("(a or", "or", "or needs something behind it"),
        ("(a", "(", "there is no ) for this ("),
        ("a)", ")", "there is no ( for this )"),
        ("()", "()", "nothing stands between"),
        ("or a", "or", "or needs something before it"),
        ("a and", "and", "and needs something behind it"),
        ("(a and) b", "and", "and needs something behind it"),
        ("a and or b", "and", "and needs something behind it"),
        ("a and and b", "and", "and needs something behind it"),
        ("and a", "and", "and needs something before it"),
        ("a or and b", "and", "and needs something before it"),
        ("a -and", "-", "- needs what it turns round"),
        ("a -", "-", "- needs what it turns round"),
        ("colour:red", "colour:red", "fields are state:"),
        ("state>paused", "state>paused", "write state: and a value"),
        ("id:xyz", "xyz", "sixteen digits"),
        ("\"open", "\"open", "the quote is not closed"),
        ("\"\"", "\"\"", "nothing stands between the quotes"),
    ] {
        let fault = text.parse::<Expr>().expect_err(text);
        assert_eq!(&text[fault.span.clone()], marked, "{text}");
        assert!(fault.what.contains(told), "{text}: {}", fault.what);
    }
    let deep = "(".repeat(100_000);
    assert!(deep.parse::<Expr>().unwrap_err().what.contains("too deep"));
    let deep = "-".repeat(100_000) + "a";
    assert!(deep.parse::<Expr>().unwrap_err().what.contains("too deep"));
    let huge = "title~\"(a{1000}){1000}\"";
    assert!(huge.parse::<Expr>().is_err());
}

#[test]
fn quotes_make_text_of_anything() {
    for (text, word) in [
        ("\"state:paused\"", "state:paused"),
        ("\"or\"", "or"),
        ("\"and\"", "and"),
        ("andor", "andor"),
        ("\"-x\"", "-x"),
        ("\"a \\\"b\\\" \\\\ c\"", "a \"b\" \\ c"),
        ("order", "order"),
        ("12:30", "12:30"),
    ] {
        assert_eq!(text.parse(), Ok(Expr::Test(Test::Word(Word::new(word)))), "{text}");
    }
}

fn any_text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        "[a-z]{1,6}",
        "[ -~]{1,8}",
        "\\PC{1,6}",
        Just("or".to_owned()),
        Just("and".to_owned()),
        Just("\\\\\"".to_owned())
    ]
}

fn any_test() -> impl Strategy<Value = Test> {
    let compare = prop_oneof![Just(Compare::More), Just(Compare::Less)];
    let number = prop_oneof![Just(0), 1..2_000_u64, (1..100_u64).prop_map(|n| n * 60_000), Just(86_400_000)];
    let state = prop_oneof![Just(StateName::Paused), Just(StateName::Done), Just(StateName::Cancelled)];
    let pattern = any_text().prop_filter_map("a pattern", |text| Pattern::new(&text).ok());
    prop_oneof![
        any_text().prop_map(|text| Test::Word(Word::new(text))),
        "[0-9a-f]{1,16}".prop_map(Test::Id),
        state.prop_map(Test::State),
        prop_oneof![Just(Standing::Held), Just(Standing::Suspended)].prop_map(Test::Is),
        any_text().prop_map(Test::Tag),
        pattern.clone().prop_map(Test::Title),
        pattern.prop_map(Test::Prompt),
        (compare.clone(), number.clone()).prop_map(|(compare, ms)| Test::Age(compare, ms)),
        (compare.clone(), number.clone()).prop_map(|(compare, ms)| Test::Wait(compare, ms)),
        (compare, number).prop_map(|(compare, n)| Test::Tokens(compare, n)),
    ]
}

fn any_expr() -> impl Strategy<Value = Expr> {
    any_test().prop_map(Expr::Test).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Expr::Not(Box::new(part))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::All),
            prop::collection::vec(inner, 2..4).prop_map(Expr::Any),
        ]
    })
}

/// Texts that are nearly queries.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("state:paused"),
        Just("age>5m"),
        Just("prompt~\""),
        Just("("),
        Just(")"),
        Just("-"),
        Just("or"),
        Just(" and "),
        Just(" "),
        Just("\""),
        Just("\\"),
        Just("title~"),
        Just("[a"),
        Just("é"),
        Just("tokens>"),
    ];
    prop_oneof![prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()), ".{0,40}"]
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same_query(expr in any_expr()) {
        let text = expr.to_string();
        prop_assert_eq!(text.parse::<Expr>(), Ok(expr), "{}", text);
    }

    #[test]
    fn nothing_typed_panics_and_every_fault_has_its_place(text in nearly()) {
        let subject = Subject::asking("title", &["prompt"]);
        match text.parse::<Expr>() {
            Ok(expr) => {
                let printed = expr.to_string();
                prop_assert_eq!(printed.parse::<Expr>(), Ok(expr), "{} from {}", printed, text);
                subject.verdict(&text, NOW);
            }
            Err(fault) => {
                prop_assert!(text.get(fault.span.clone()).is_some_and(|marked| !marked.is_empty()), "{:?}", fault);
                prop_assert!(!fault.what.is_empty() && !fault.what.contains('\n'));
            }
        }
    }
}
