//! The palette, the raw verbs, the calls, the history of answers, and drafts of the answerer.

use std::sync::Arc;
use std::time::Duration;

use switchboard::domain::{AnsweredBy, CancelCode, QueryId, ResumeError, ResumePayload, SessionId};
use switchboard::engine::{Call, Presence, Summary, Verb};
use switchboard::tui::{App, Cmd, Look, Msg, Program, Raw, TABLE};

use super::{Desk, NOW, id, paused, running, session};

fn desk() -> Desk {
    Desk::with(vec![
        session(1, "first", paused(1, 50, 1, &["One?", "Two?"])),
        session(2, "second", paused(1, 5, 1, &["Three?"])),
    ])
}

#[test]
fn the_palette_finds_actions_as_the_list_finds_names_the_nearest_first() {
    let mut desk = desk();
    desk.keys(": cancl");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("cancel             c "), "{picture}");
    desk.keys("<Down> <CR>");
    assert_eq!(desk.app.mode(), "CANCEL");
    desk.keys("<Esc> : nxwait <Down> <CR>");
    assert_eq!(desk.app.selected(), Some(id(2)), "next_waiting");
}

#[test]
fn enter_in_the_palette_does_what_was_named_or_chosen_and_never_what_merely_has_the_letters() {
    let mut desk = desk();
    desk.keys(": frob <CR>");
    assert_eq!((desk.app.mode(), desk.app.selected()), ("PALETTE", Some(id(1))));
    assert_eq!(desk.status(), "no command frob; nearest: fork; ↓ chooses one of these");
    assert!(desk.picture(120, 36).contains("↓ chooses · Esc leaves"), "{}", desk.picture(120, 36));
    desk.keys("<Esc> : frob <Space> . <CR>");
    assert!(desk.status().starts_with("no command frob .; "), "{}", desk.status());
    for (typed, said) in [
        ("cancl", "no command cancl; nearest: cancel"),
        ("nxwait", "no command nxwait; nearest: next_waiting"),
        ("relase", "no command relase; nearest: release"),
        ("canecl", "no command canecl; nearest: cancel"),
        ("", "nothing is typed; ↓ chooses one of these"),
    ] {
        desk.keys("<Esc> <Esc> :");
        desk.keys(typed);
        desk.keys("<CR>");
        assert!(desk.status().starts_with(said), "{typed}: {}", desk.status());
        desk.keys("<C-s>");
        assert!(desk.status().starts_with(said), "{typed}: {}", desk.status());
        assert_eq!(desk.app.mode(), "PALETTE", "{typed}");
    }
    assert!(desk.deeds().is_empty());
    // What was chosen of one text is not chosen of another.
    desk.keys("<Esc> : cancl <Down> x <BS> <CR>");
    assert!(desk.status().starts_with("no command cancl"), "{}", desk.status());
    // Words of a name in any order are a name.
    desk.keys("<Esc> : wait <Space> next <CR>");
    assert_eq!((desk.app.mode(), desk.app.selected()), ("LIST", Some(id(2))));
}

#[test]
fn where_the_palette_has_no_room_to_show_what_is_chosen_it_wants_the_whole_name() {
    let mut desk = desk().resized(40, 1);
    desk.keys(": canc <CR>");
    assert_eq!(desk.status(), "there is no room to show what canc means: name it in full");
    desk.keys("el <CR>");
    assert_eq!(desk.app.mode(), "CANCEL");
}

#[test]
fn help_and_palette_open_over_what_fills_the_screen_and_it_is_there_again_behind_them() {
    let mut desk = desk();
    for (key, mode) in [("C", "CALLS"), ("D", "DIAGNOSTICS"), ("L", "FEEDS")] {
        desk.keys(key);
        for (over, its_mode) in [("?", "HELP"), (":", "PALETTE")] {
            desk.keys(over);
            assert_eq!(desk.app.mode(), its_mode, "{key}");
            desk.keys("<Esc>");
            assert_eq!(desk.app.mode(), mode, "{key} {over}");
        }
        // What is done from there is done there.
        desk.keys(": help <CR>");
        assert_eq!(desk.app.mode(), "HELP");
        desk.keys("q");
        assert_eq!(desk.app.mode(), mode);
        desk.keys(": quit <CR>");
        assert_eq!(desk.app.mode(), "LIST", "{key}: back, as its key does");
        // Nothing of it is left over the list.
        desk.keys("? q : <Esc>");
        assert_eq!(desk.app.mode(), "LIST");
    }
    assert!(desk.deeds().is_empty());
}

#[test]
fn the_help_is_searched_as_one_types() {
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        let mut desk = desk().resized(width, height);
        desk.keys("? / mark <Space> ran");
        assert_eq!(desk.app.mode(), "SEARCH");
        let picture = desk.picture(width, height);
        assert!(picture.contains("begin a range of") && !picture.contains("cancel the sel"), "{picture}");
        desk.keys("<CR>");
        assert_eq!(desk.app.mode(), "HELP");
        assert!(!desk.picture(width, height).contains("cancel the sel"), "what was found stays");
        desk.keys("/ zzz");
        assert!(desk.picture(width, height).contains("No line of the help"), "{}", desk.picture(width, height));
        desk.keys("<Esc>");
        assert_eq!(desk.app.mode(), "HELP");
        assert!(desk.picture(width, height).contains("Everywhere"), "Esc shows everything");
        desk.keys("q");
        assert_eq!(desk.app.mode(), "LIST");
        assert!(desk.deeds().is_empty());
    }
}

#[test]
fn what_begins_as_it_is_typed_stands_first_in_the_palette_raw_verbs_too() {
    let first = |typed: &str| {
        let mut desk = desk();
        desk.keys(&format!(": {typed}"));
        let picture = desk.picture(120, 36);
        let line = picture.lines().skip_while(|line| !line.contains(&format!("│:{typed}"))).nth(1).unwrap().to_owned();
        let name = line.split('│').nth(2).unwrap_or_default();
        name.split_whitespace().next().unwrap_or_default().to_owned()
    };
    for (typed, name) in [
        ("re", "rewind"),
        ("prev", "previous_waiting"),
        ("wait", "next_waiting"),
        ("sort", "sort"),
        ("rel", "release"),
        ("res", "result"),
        ("resu", "result"),
        ("resum", "resume"),
        ("col", "collect"),
        ("sp", "spawn"),
    ] {
        assert_eq!(first(typed), name, "{typed}");
    }
}

#[test]
fn a_raw_verb_that_is_chosen_is_written_out_and_nothing_is_called() {
    for (width, height) in [(120, 36), (40, 10)] {
        let mut desk = desk().resized(width, height);
        desk.keys(": rel <CR>");
        assert!(desk.deeds().is_empty());
        assert_eq!(desk.app.mode(), "PALETTE");
        assert!(desk.picture(width, height).contains("release ID"), "{}", desk.picture(width, height));
        desk.keys(". <C-s>");
        assert_eq!(desk.deeds(), [&Cmd::Raw(Raw::Release { sessions: [id(1)].into() })]);
    }
}

#[test]
fn release_takes_several_sessions_and_the_marked_ones() {
    let mut desk = desk();
    desk.keys(": release <Space> marked <C-s>");
    assert_eq!(desk.status(), "nothing is marked");
    desk.keys("<Esc> * : release <Space> marked <C-s>");
    assert_eq!(desk.deeds(), [&Cmd::Raw(Raw::Release { sessions: [id(1), id(2)].into() })]);
    desk.cmds.clear();
    desk.keys(": release <Space> 00000002 <Space> . <C-s>");
    assert_eq!(desk.deeds(), [&Cmd::Raw(Raw::Release { sessions: [id(2), id(1)].into() })]);
}

#[test]
fn the_palette_does_what_the_key_of_the_action_would_do() {
    let mut desk = desk();
    desk.keys(": next_waiting <CR>");
    assert_eq!((desk.app.selected(), desk.app.mode()), (Some(id(2)), "LIST"));
    desk.keys(": cancel <CR>");
    assert_eq!(desk.app.mode(), "CANCEL", "the form, not the deed");
    desk.keys("<Esc> : x y z z y <CR>");
    assert!(desk.status().starts_with("no command xyzzy; the raw verbs are resume, "), "{}", desk.status());
}

#[test]
fn the_palette_shows_every_action_of_the_pane_with_its_keys() {
    let mut desk = desk().resized(120, 36);
    desk.keys("<CR> :");
    for row in TABLE.iter().filter(|row| row.contexts.contains(&switchboard::tui::Context::Session)) {
        desk.keys(row.name);
        if row.name != "palette" {
            let picture = desk.picture(120, 36);
            assert!(picture.contains(row.name) && picture.contains(row.keys[0]), "{}: {picture}", row.name);
        }
        desk.keys("<Esc> :");
    }
}

#[test]
fn rule_4_a_raw_verb_is_confirmed_like_an_answer_and_never_by_enter() {
    let mut desk = desk();
    desk.keys(":");
    desk.paste("cancel . --code internal --detail 'for a test'");
    desk.keys("<CR> <CR>");
    assert!(desk.deeds().is_empty());
    assert_eq!(desk.status(), "a raw verb is confirmed with Ctrl-S or Alt-Enter");
    desk.keys("<C-s>");
    let detail = Some("for a test".into());
    assert_eq!(desk.deeds(), [&Cmd::Raw(Raw::Cancel { session: id(1), code: CancelCode::Internal, detail })]);
}

#[test]
fn the_exact_name_of_a_raw_verb_is_that_verb_and_shows_what_it_needs() {
    for (verb, shape, missing) in [
        ("resume", "resume ID QUERY TEXT", "the session is missing"),
        ("spawn", "spawn FILE | --code 'LUA'", "a file, or --code LUA is missing"),
        ("hold", "hold FILE | --code 'LUA'", "a file, or --code LUA is missing"),
        ("release", "release ID … | marked", "the session is missing"),
        ("collect", "collect --ttl D --interval D", "--ttl is missing, such as --ttl 10s"),
    ] {
        let mut desk = desk();
        desk.keys(&format!(": {verb}"));
        let picture = desk.picture(120, 36);
        assert!(picture.contains(shape) && picture.contains("Ctrl-S does it · Esc leaves"), "{verb}: {picture}");
        desk.keys("<CR> <C-s>");
        assert_eq!((desk.status(), desk.app.mode()), (missing, "PALETTE"), "{verb}");
        assert!(desk.deeds().is_empty());
    }
    // This one is an action, too, and its form is what people want.
    let mut desk = desk();
    desk.keys(": cancel <C-s>");
    assert_eq!(desk.app.mode(), "CANCEL");
    desk.keys("<Esc> : cancel <Space>");
    assert!(desk.picture(120, 36).contains("cancel ID [--code C]"));
}

#[test]
fn raw_verbs_name_sessions_by_a_dot_by_a_beginning_or_in_full_even_one_that_is_not() {
    let named = |text: &str| {
        let mut desk = desk();
        desk.keys(":");
        desk.paste(&format!("release {text}"));
        desk.keys("<C-s>");
        match desk.deeds()[..] {
            [Cmd::Raw(Raw::Release { sessions })] => Ok(sessions[0]),
            _ => Err(desk.status().to_owned()),
        }
    };
    assert_eq!(named("."), Ok(id(1)));
    assert_eq!(named("00000002"), Ok(id(2)));
    assert_eq!(named("ffffffffffffffff"), Ok(SessionId::from_bits(u64::MAX)), "the engine says that nobody has it");
    assert_eq!(named("0"), Err("0 begins more than one session id; give more of it".into()));
    assert_eq!(named("abc"), Err("no session id begins with abc; . is the selected session".into()));
}

#[test]
fn raw_resumes_go_past_the_guards_of_the_desk() {
    let mut desk = Desk::with(vec![session(1, "runs", running())]);
    desk.keys(":");
    desk.paste("resume . q-9 to nobody --epoch 7");
    desk.keys("<M-CR>");
    let [Cmd::Raw(raw @ Raw::Resume { payload: ResumePayload::Single(answer), .. })] = desk.deeds()[..] else {
        panic!("{:?}", desk.cmds)
    };
    assert_eq!((answer.query_id, answer.epoch, &*answer.response), (QueryId::new(9), Some(7), "to nobody"));
    desk.tell(Msg::RawDone { raw: raw.clone(), result: Err("resume: not paused: running".into()) });
    assert_eq!(desk.status(), "resume: not paused: running");
    desk.keys(":");
    desk.paste("hold --code 'return 1'");
    desk.keys("<C-s>");
    let program = Program::Code("return 1".into());
    assert_eq!(desk.deeds().last(), Some(&&Cmd::Raw(Raw::Spawn { program, held: true })));
}

/// A desk on a question with a draft, which a raw verb has answered; and that verb.
fn resumed_over_a_draft(draft: &str) -> (Desk, Raw) {
    let mut desk = Desk::with(vec![session(1, "first", paused(1, 50, 1, &["One?"]))]);
    desk.keys("a");
    desk.keys(draft);
    desk.keys("<Esc> :");
    desk.paste("resume . q-1 yes");
    desk.keys("<C-s>");
    let Some(Cmd::Raw(raw)) = desk.cmds.last().cloned() else { panic!("{:?}", desk.cmds) };
    (desk, raw)
}

#[test]
fn a_raw_resume_over_a_draft_is_said_as_what_it_is_whichever_is_seen_first() {
    let kept = "resume: continued; what else was written is kept (Alt-O in an editor)";
    for (draft, said, orphans) in [("no", kept, 1), ("yes", "resume: continued", 0)] {
        for session_first in [true, false] {
            let (mut desk, raw) = resumed_over_a_draft(draft);
            let done = Msg::RawDone { raw, result: Ok("resume: continued".into()) };
            if session_first {
                desk.change(session(1, "first", running()));
                desk.tell(done);
            } else {
                desk.tell(done);
                desk.change(session(1, "first", running()));
            }
            assert_eq!(desk.status(), said, "{draft}, session first: {session_first}");
            assert!(!desk.picture(120, 36).contains(&format!("! {said}")), "it is no fault");
            assert_eq!(desk.app.orphans(id(1)).len(), orphans);
        }
    }
    // One that is refused leaves the draft as it is.
    let (mut desk, raw) = resumed_over_a_draft("no");
    desk.tell(Msg::RawDone { raw, result: Err("resume: refused".into()) });
    assert_eq!(desk.status(), "resume: refused");
    assert_eq!(desk.app.draft(id(1), QueryId::new(1)).as_deref(), Some("no"));
    // What comes behind it is news again.
    desk.change(session(1, "first", running()));
    assert!(desk.status().contains("not paused: running; its draft is kept"), "{}", desk.status());
}

#[test]
fn a_session_that_was_released_says_so_at_once_and_not_that_it_is_suspended() {
    let suspended = || Summary { presence: Presence::Suspended, ..session(1, "twice", running()) };
    let mut desk = Desk::with(vec![suspended()]);
    assert!(desk.picture(120, 36).contains("suspended"));
    desk.tell(Msg::Released(vec![id(1)]));
    let picture = desk.picture(120, 36);
    assert!(!picture.contains("suspended") && picture.contains("replays"), "{picture}");
    // Whatever else is told of it before it is run: still not.
    desk.change(suspended());
    assert!(!desk.picture(120, 36).contains("suspended"));
    desk.change(session(1, "twice", running()));
    assert!(!desk.picture(120, 36).contains("replays"));
    // And later it may be so again.
    desk.change(suspended());
    assert!(desk.picture(120, 36).contains("suspended"));
}

#[test]
fn rule_6_refused_calls_stay_readable_with_arguments_outcome_and_latency() {
    let mut desk = desk();
    desk.keys("C");
    assert!(!desk.picture(160, 36).contains("No verb"), "what is not known yet is not said");
    desk.tell(Msg::Calls(Vec::new()));
    assert!(desk.picture(160, 36).contains("No verb was called yet."));
    let resume = |outcome| Verb::Resume {
        answers: 1,
        query: Some(QueryId::new(1)),
        by: Some(AnsweredBy::File),
        epoch: Some(3),
        text: "yes".into(),
        outcome,
    };
    let call = |n, verb| Arc::new(Call { n, at: NOW, session: Some(id(1)), verb, latency: Duration::from_micros(250) });
    let refused = ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::Person };
    let ended = switchboard::domain::ResumeOutcome::Continued;
    desk.tell(Msg::Calls(vec![call(1, resume(Ok(ended))), call(2, resume(Err(refused)))]));
    let picture = desk.picture(160, 36);
    for part in [
        "first q-1 epoch 3 by file “yes” → continued",
        "→ refused: q-1 is already answered by person",
        "resume    250µs",
    ] {
        assert!(picture.contains(part), "{part}: {picture}");
    }
    desk.keys("q");
    assert_eq!(desk.app.mode(), "LIST");
}

#[test]
fn ctrl_r_brings_an_answer_back_and_replaces_nothing() {
    let mut desk = desk();
    desk.keys("a <C-r>");
    assert!(desk.picture(120, 36).contains("older answers are read …"), "{}", desk.picture(120, 36));
    desk.tell(Msg::PastAnswers(Vec::new()));
    assert_eq!((desk.status(), desk.app.mode()), ("no answer was sent yet", "ANSWER"));
    desk.keys("<C-r>");
    assert_eq!((desk.status(), desk.app.mode()), ("no answer was sent yet", "ANSWER"), "it is not looked for twice");
    desk.keys("long <Space> answer <C-s> other <C-s> <Esc> w a so <Space> <C-r>");
    assert_eq!(desk.app.mode(), "HISTORY");
    desk.keys("<C-r> <CR>");
    assert_eq!(desk.text(), "so long answer", "the one before the last, at the cursor");
    assert_eq!(desk.answers().len(), 2, "nothing was sent");
    desk.keys("<C-r> oth <CR>");
    assert_eq!(desk.text(), "so long answer other");
    desk.keys("<C-r> <Esc> <C-s>");
    assert_eq!(desk.answers().len(), 3);
}

#[test]
fn the_history_has_the_answers_of_before_this_desk_behind_its_own() {
    let mut desk = desk();
    desk.keys("a mine <C-s> <Esc> w a <C-r>");
    let wanted = desk.cmds.iter().filter_map(|cmd| if let Cmd::PastAnswers(of) = cmd { Some(of.len()) } else { None });
    assert_eq!(wanted.collect::<Vec<_>>(), [2], "of every session that asked something, once");
    assert!(desk.picture(120, 36).contains("mine"), "what is known is shown meanwhile");
    desk.tell(Msg::PastAnswers(["the oldest", "mine", "yesterday’s"].map(Into::into).to_vec()));
    let picture = desk.picture(120, 36);
    let rows: Vec<usize> = ["mine", "yesterday’s", "the oldest"].map(|text| picture.find(text).unwrap()).to_vec();
    assert!(rows.is_sorted(), "the newest first, each once: {picture}");
    desk.keys("yest <CR>");
    assert_eq!(desk.text(), "yesterday’s");
    desk.keys("<C-r>");
    assert_eq!(desk.cmds.iter().filter(|cmd| matches!(cmd, Cmd::PastAnswers(_))).count(), 1);
}

/// A desk that can ask for drafts.
fn drafting() -> Desk {
    let mut desk = Desk { app: App::new(Look::default(), 7, NOW).with_answerer(), ..Desk::new(120, 36) };
    desk.tell(Msg::Resize(120, 36));
    desk.tell(Msg::Changed(vec![session(1, "first", paused(1, 50, 1, &["One?", "Two?"]))]));
    desk
}

fn draft(desk: &mut Desk, result: Result<&str, &str>) {
    let wanted = desk.cmds.iter().rev().find_map(|cmd| match cmd {
        Cmd::Draft(wanted) => Some(wanted.clone()),
        _ => None,
    });
    let result = result.map(str::to_owned).map_err(str::to_owned);
    desk.tell(Msg::Drafted { wanted: wanted.expect("a draft was asked for"), result });
}

#[test]
fn what_the_answerer_replies_becomes_a_draft_and_never_an_answer() {
    let mut desk = drafting();
    desk.keys("a <C-o>");
    draft(&mut desk, Ok("it thinks so"));
    assert_eq!(desk.text(), "it thinks so");
    desk.keys("<C-s>");
    assert!(desk.answers().is_empty(), "the key was on its way before");
    assert!(desk.status().contains("was not seen yet: read it"), "{}", desk.status());
    desk.later(700);
    desk.keys("<C-s>");
    assert_eq!(desk.answers(), [(1, "it thinks so".into(), Some(1))]);
}

#[test]
fn a_draft_never_comes_over_what_was_typed() {
    let mut desk = drafting();
    desk.keys("a <C-o> mine");
    draft(&mut desk, Ok("theirs"));
    assert_eq!(desk.text(), "mine");
    assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(1), "theirs".to_owned())]);
    desk.keys("<Esc> <CR> <M-n> a <C-o> <Esc>");
    draft(&mut desk, Ok("for later"));
    assert_eq!(desk.app.draft(id(1), QueryId::new(2)).as_deref(), Some("for later"));
}

#[test]
fn an_answerer_that_fails_says_why_and_without_one_the_key_says_so() {
    let mut desk = drafting();
    desk.keys("a <C-o>");
    draft(&mut desk, Err("it ended"));
    assert_eq!(desk.status(), "no draft of q-1: it ended");
    let mut desk = self::desk();
    desk.keys("a <C-o>");
    assert!(desk.status().contains("no answerer is configured"), "{}", desk.status());
}
