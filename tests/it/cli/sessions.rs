//! `switchboard session`: what a journal is asked from outside, also while somebody writes it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use serde_json::{Value, json};
use switchboard::domain::{CancelCode, CancelReason, Command, SeenAt, SessionSpec};
use switchboard::engine::{Durability, Journal, Record};

use super::home::{Ended, Home};
use crate::store::{Life, close, open};

/// Ids that begin alike in pairs.
const IDS: [u64; 4] = [0xaa11_0000_0000_0001, 0xaa22_0000_0000_0002, 0xbb00_0000_0000_0003, 0xcc00_0000_0000_0004];

/// A home whose journal has a session that waits, one that is done, one that was cancelled, and one that runs.
struct Kept {
    home: Home,
    path: PathBuf,
    lives: [Life; 4],
}

impl Kept {
    fn new() -> Self {
        let home = Home::new();
        let path = home.path().join("home/.local/state/switchboard/journal.db");
        let titles = ["waits", "*done*", "cancelled", "runs"];
        let mut lives = std::array::from_fn(|n| {
            let tags = [("team".to_owned(), format!("t{n}"))].into();
            let spec =
                SessionSpec { title: Some(titles[n].into()), tags, ..SessionSpec::run("return alc.llm('why?')") };
            let mut life = Life::new(IDS[n], spec);
            life.take(Command::Begin);
            life
        });
        lives[0].ask("first?");
        lives[0].answer(1, "one\n```\ntwo");
        lives[0].ask("why \u{1b}[31mred?");
        lives[1].log("a line");
        lives[1].ask("what?");
        lives[1].answer(1, "this");
        lives[1].finish();
        let reason = CancelReason { code: CancelCode::User, detail: Some("enough".into()), requested_at: 5 };
        lives[2].take(Command::Cancel { reason, seen_at: SeenAt::Running });
        let kept = Self { home, path, lives };
        let journal = open(&kept.path);
        wait(async {
            for life in &kept.lives {
                life.write(&journal).await;
            }
            close(journal).await;
        });
        kept
    }

    fn session(&self, arguments: &[&str]) -> Ended {
        self.home.run(&[&["session"], arguments].concat())
    }

    fn id(&self, n: usize) -> String {
        self.lives[n].id().to_string()
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn sessions_are_listed_and_a_query_says_which() {
    let kept = Kept::new();
    let listed = kept.session(&["list"]).exits(0).stdout;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], "aa110000  paused     1970-01-01 00:00:01Z  waits  ? q-2 why ␛[31mred?");
    assert_eq!(lines[1], "aa220000  done       1970-01-01 00:00:01Z  *done*");
    let all = kept.session(&["list", "-o", "jsonl"]).exits(0).lines();
    assert_eq!(all.len(), 4);
    assert_eq!(
        (&all[0]["session"], &all[0]["state"], &all[0]["title"]),
        (&json!(kept.id(0)), &json!("paused"), &json!("waits"))
    );
    assert_eq!(all[0]["waits_for"][0]["prompt"], "why \u{1b}[31mred?");
    assert_eq!(all[1]["usage"]["llm_calls"], 1);
    for (query, expected) in [
        ("state:paused or state:running", vec![0, 3]),
        ("-state:done tag:t2", vec![2]),
        ("id:aa", vec![0, 1]),
        ("title~nothing", vec![]),
    ] {
        let document: Value =
            serde_json::from_str(&kept.session(&["list", "-o", "json", "--where", query]).exits(0).stdout).unwrap();
        let ids: Vec<&Value> = document["sessions"].as_array().unwrap().iter().map(|it| &it["session"]).collect();
        let expected: Vec<Value> = expected.into_iter().map(|n: usize| json!(kept.id(n))).collect();
        assert_eq!(ids, expected.iter().collect::<Vec<_>>(), "{query}");
    }
    let told = kept.session(&["list", "--where", "state:paus"]).exits(2).stderr;
    assert!(told.starts_with("error: --where \"state:paus\": ") && told.lines().count() == 1, "{told}");
}

#[test]
fn a_session_is_found_by_the_beginning_of_its_id() {
    let kept = Kept::new();
    let shown = kept.session(&["show", "AA11"]).exits(0).stdout;
    assert!(shown.contains("title     waits\n") && shown.contains("          why ␛[31mred?\n"), "{shown}");
    let whole: Value =
        serde_json::from_str(&kept.session(&["show", &kept.id(1), "-o", "json"]).exits(0).stdout).unwrap();
    assert_eq!((&whole["execution"]["state"], &whole["execution"]["value"]), (&json!("done"), &json!({"ok": 0.1})));
    assert_eq!(whole["spec"]["title"], "*done*");
    assert_eq!(kept.session(&["show", "--where", "id:aa", "-o", "jsonl"]).exits(0).lines().len(), 2);

    let told = kept.session(&["show", "aa"]).exits(2).stderr;
    assert_eq!(told, "error: aa is the beginning of 2 ids (aa110000, aa220000); give more digits\n");
    let digits = "; an id is up to 16 digits and letters from a to f";
    for (missing, hint) in [
        ("dd", ""),
        ("aa33", ""),
        ("0000000000000000", ""),
        ("AA12", "; near it: aa110000, aa220000"),
        ("a11", "; near it: aa110000"),
        ("bb00000000000030", "; near it: bb00000000000003"),
        ("nonsense", digits),
        ("aa110000000000011", "; near it: aa11000000000001"),
        ("aa110000000000011111", digits),
    ] {
        let told = kept.session(&["show", missing]).exits(3).stderr;
        let runs = kept.path.with_file_name("runs");
        let expected = format!(
            "error: no session {missing} in {} and {}{hint}; `switchboard session list` and `switchboard session list \
             --runs` name them\n",
            kept.path.display(),
            runs.display(),
        );
        assert_eq!(told, expected);
        let journal = kept.path.to_str().unwrap();
        let told = kept.session(&["show", missing, "--journal", journal]).exits(3).stderr;
        let expected = format!(
            "error: no session {missing} in {journal}{hint}; `switchboard session list --journal {journal}` names them\n"
        );
        assert_eq!(told, expected);
    }
    let told = kept.session(&["show", ""]).exits(3).stderr;
    assert!(told.starts_with("error: no session \"\" in "), "{told}");
    kept.session(&["show"]).exits(2);
    kept.session(&["show", "aa11", "--where", "id:aa"]).exits(2);
}

#[test]
fn a_session_whose_process_ended_before_it_began_is_verified() {
    let home = Home::new();
    let life = Life::new(7, SessionSpec::run("return 1"));
    let journal = open(&home.path().join("j.db"));
    wait(async {
        life.write(&journal).await;
        close(journal).await;
    });
    let told = home.run(&["session", "verify", &life.id().to_string(), "--journal", "j.db"]).exits(0).stdout;
    assert!(told.starts_with("ok   ") && told.contains("  0 events came again"), "{told}");
}

#[test]
fn sessions_are_ended_from_outside() {
    let kept = Kept::new();
    let told = kept.session(&["cancel", "aa11", "--detail", "no use", "--code", "timeout"]).exits(0).stdout;
    assert_eq!(told, format!("{}  waits  cancelled\n", kept.id(0)));
    let shown = kept.session(&["show", "aa11", "-o", "jsonl"]).exits(0).lines().remove(0);
    let reason = &shown["execution"]["reason"];
    assert_eq!((&reason["code"], &reason["detail"]), (&json!("timeout"), &json!("no use")));
    let again = kept.session(&["cancel", "aa11"]).exits(5).stdout;
    assert_eq!(again, format!("{}  waits  nothing changed: was already cancelled\n", kept.id(0)));
    // Of those that a query means, only what has not ended.
    let rest = kept.session(&["cancel", "--where", "tag:team", "-o", "jsonl"]).exits(0).lines();
    assert_eq!(rest.iter().map(|it| &it["session"]).collect::<Vec<_>>(), [&json!(kept.id(3))]);
    assert_eq!((&rest[0]["state"], &rest[0]["had_ended"]), (&json!("cancelled"), &json!(false)));
    assert_eq!(kept.session(&["cancel", "--where", "state:running"]).exits(0).stdout, "");
    kept.session(&["cancel", "dd"]).exits(3);
}

#[test]
fn an_export_is_a_transcript_or_every_event() {
    let kept = Kept::new();
    let text = kept.session(&["export", "aa11"]).exits(0).stdout;
    let expected = format!(
        "# waits\n\n- session: `{}`\n- started: 1970-01-01 00:00:01Z\n- state: paused\n- tag: team=t0\n\
         - asked: 2 queries, {} tokens\n\n## q-1 asked 1970-01-01 00:00:01Z\n\n```text\nfirst?\n```\n\n\
         **q-1 answered** by rule:r 1970-01-01 00:00:01Z\n\n````text\none\n```\ntwo\n````\n\n\
         ## q-2 asked 1970-01-01 00:00:01Z\n\n```text\nwhy ␛[31mred?\n```\n\n## Waits for q-2\n\n",
        kept.id(0),
        kept.lives[0].session.usage().total_tokens.tokens
    );
    assert_eq!(text, expected);
    let done = kept.session(&["export", "aa22"]).exits(0).stdout;
    assert!(done.starts_with("# \\*done\\*\n") && done.contains("- 1970-01-01 00:00:01Z info: a line\n"), "{done}");
    assert!(done.contains("## Done 1970-01-01 00:00:01Z\n\n```text\n{\n  \"ok\": 0.1\n}\n```\n"), "{done}");

    let lines = kept.session(&["export", "aa22", "-o", "jsonl"]).exits(0).lines();
    assert_eq!((&lines[0]["kind"], &lines[0]["spec"]["title"]), (&json!("session"), &json!("*done*")));
    let seqs: Vec<u64> = lines[1..].iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=kept.lives[1].session.last_seq()).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line["session"] == kept.id(1)));
    let all = kept.session(&["export", "--where", "id:aa", "-o", "jsonl"]).exits(0).lines();
    assert_eq!(all.iter().filter(|line| line["kind"] == "session").count(), 2);
    let document: Value = serde_json::from_str(&kept.session(&["export", "cc", "-o", "json"]).exits(0).stdout).unwrap();
    assert_eq!(document["events"].as_array().unwrap().len(), 1);
}

#[test]
fn only_what_has_ended_is_removed_and_a_dry_run_removes_nothing() {
    let kept = Kept::new();
    let told = kept.session(&["rm", "aa11"]).exits(5).stderr;
    assert_eq!(told, format!("error: {0} has not ended; first switchboard session cancel {0}\n", kept.id(0)));
    let dry = kept.session(&["rm", "--where", "id:aa", "--dry-run"]).exits(0);
    assert_eq!(dry.stdout, format!("would remove {}  *done*\n", kept.id(1)));
    assert_eq!(dry.stderr, "1 session that it means has not ended and is kept\n");
    assert_eq!(kept.session(&["list"]).exits(0).stdout.lines().count(), 4);
    let removed = kept.session(&["rm", "--where", "id:aa", "-o", "jsonl"]).exits(0).lines();
    assert_eq!(removed, [json!({"session": kept.id(1), "title": "*done*", "removed": true})]);
    kept.session(&["rm", "bb"]).exits(0);
    assert_eq!(kept.session(&["list"]).exits(0).stdout.lines().count(), 2);
    kept.session(&["rm"]).exits(2);
    kept.session(&["rm", "cc", "--all"]).exits(2);
    let all = kept.session(&["rm", "--all"]).exits(0);
    assert_eq!(all.stdout, "");
    assert_eq!(all.stderr, "2 sessions that it means have not ended and are kept\n");
}

#[test]
fn while_another_process_has_it_the_journal_is_read_and_not_changed() {
    let kept = Kept::new();
    let journal = open(&kept.path);
    assert_eq!(kept.session(&["list"]).exits(0).stdout.lines().count(), 4);
    kept.session(&["rm", "bb", "--dry-run"]).exits(0);
    let told = kept.session(&["rm", "bb"]).exits(5).stderr;
    let expected = format!("error: {} is held by pid {} on ", kept.path.display(), std::process::id());
    assert!(told.starts_with(&expected), "{told}");
    drop(journal);
}

#[test]
fn the_tail_of_a_session_comes_as_it_happens_and_ends_with_it() {
    let mut kept = Kept::new();
    let done = kept.session(&["tail", "aa22"]).exits(0).stdout;
    assert_eq!(
        done.lines().collect::<Vec<_>>()[..4],
        ["running", "  info: a line", "? q-1 what?", "> q-1 rule:r: this"]
    );
    let events = kept.session(&["tail", "aa22", "-o", "jsonl"]).exits(0).lines();
    assert_eq!(events.len() as u64, kept.lives[1].session.last_seq());

    let journal = open(&kept.path);
    let mut tail = kept.home.switchboard(&["session", "tail", "cc", "-o", "jsonl"]).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["kind"], "tick");
    let life = &mut kept.lives[3];
    for step in 0..2 {
        let written = life.records.len();
        if step == 0 {
            life.log("now")
        } else {
            life.finish()
        };
        wait(life.write_from(written, &journal));
        assert_eq!(next()["kind"], ["log", "state_transition"][step]);
    }
    Ended::of(tail).exits(0);
    drop(journal);
}

#[test]
fn the_tail_of_a_session_ends_when_it_or_its_journal_is_removed() {
    for is_file in [true, false] {
        let kept = Kept::new();
        let mut tail = kept.home.switchboard(&["session", "tail", "cc", "-o", "jsonl"]).spawn().unwrap();
        let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().contains("\"tick\""));
        if is_file {
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{suffix}", kept.path.display()));
            }
        } else {
            let places = "place IN (SELECT place FROM sessions WHERE ended IS NULL)";
            let remove = format!(
                "BEGIN; DELETE FROM records WHERE {places}; DELETE FROM snapshots WHERE {places};
                 DELETE FROM sessions WHERE ended IS NULL; COMMIT"
            );
            rusqlite::Connection::open(&kept.path).unwrap().execute_batch(&remove).unwrap();
        }
        let ended = Ended::of(tail).exits(3);
        assert_eq!(ended.stderr, format!("error: {} was removed; no more events of it come\n", kept.id(3)));
    }
}

#[test]
fn what_ran_as_two_processes_died_is_suspended_as_soon_as_the_second_is_gone() {
    let kept = Kept::new();
    let suspended = || {
        let listed = kept.session(&["list", "--where", "is:suspended", "-o", "jsonl"]).exits(0).lines();
        listed.iter().map(|it| it["session"].clone()).collect::<Vec<_>>()
    };
    drop(open(&kept.path));
    assert_eq!(suspended(), Vec::<Value>::new(), "it ran as one process died");
    let second = open(&kept.path);
    let again = Record::Resumed { unclean: true, at: 2000 };
    wait(second.append(kept.lives[3].id(), &[again], Durability::Acknowledged).get()).unwrap();
    assert_eq!(suspended(), Vec::<Value>::new(), "it runs");
    drop(second);
    assert_eq!(suspended(), [json!(kept.id(3))], "nobody runs it, and the next start leaves it alone");
    let third = open(&kept.path);
    assert_eq!(suspended(), [json!(kept.id(3))]);
    drop(third);
}

/// Runs the program with a standard output that nobody reads any more.
fn run_unread(home: &Home, arguments: &[&str]) -> Ended {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Ended::of(home.switchboard(arguments).stdout(writer).spawn().unwrap())
}

#[test]
fn a_reader_that_has_gone_changes_nothing_of_how_a_subcommand_ends() {
    let kept = Kept::new();
    let (waits, done) = (kept.id(0), kept.id(1));
    let mut all = vec![vec!["keys"], vec!["doctor"], vec!["info"], vec!["man"], vec!["completion", "zsh"]];
    for format in ["text", "json", "jsonl"] {
        let more = [
            vec!["list"],
            vec!["list", "--runs"],
            vec!["show", &waits],
            vec!["show", "nonsense"],
            vec!["tail", &done],
            vec!["export", &done],
            vec!["export", "--where", "id:aa"],
            vec!["verify", "--where", "state:done"],
            vec!["verify", &done],
            vec!["rm", "--all", "--dry-run"],
            vec!["rm", &waits],
            vec!["fork", &waits, "--at", "q-1", "--dry-run"],
            vec!["rewind", &waits, "--at", "q-9"],
            vec!["cancel", "bb"],
        ];
        all.extend(more.map(|arguments| [vec!["session"], arguments, vec!["-o", format]].concat()));
    }
    for arguments in all {
        let (read, unread) = (kept.home.run(&arguments), run_unread(&kept.home, &arguments));
        assert_eq!((unread.code, unread.stderr), (read.code, read.stderr), "{arguments:?}");
    }
    // What changes something has done so.
    run_unread(&kept.home, &["session", "cancel", &waits]).exits(0);
    run_unread(&kept.home, &["session", "rm", "bb"]).exits(0);
    let left = kept.session(&["list"]).exits(0).stdout;
    assert!(left.lines().count() == 3 && left.contains("cancelled  1970"), "{left}");
}

#[test]
fn a_tail_ends_when_its_reader_has_gone_also_while_nothing_comes() {
    let kept = Kept::new();
    for format in ["text", "jsonl"] {
        let mut tail = kept.home.switchboard(&["session", "tail", "cc", "-o", format]).spawn().unwrap();
        let mut output = BufReader::new(tail.stdout.take().unwrap());
        assert_ne!(output.read_line(&mut String::new()).unwrap(), 0);
        drop(output);
        let ended = Ended::of(tail).exits(0);
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn where_nothing_was_recorded_that_is_said() {
    let home = Home::new();
    let path = home.path().join("none.db");
    let told = home.run(&["session", "list", "--journal", "none.db"]).exits(3).stderr;
    assert_eq!(told, "error: none.db: there is no journal; nothing was recorded there\n");
    home.file("notes.txt", "notes");
    let told = home.run(&["session", "list", "--journal", "notes.txt"]).exits(2).stderr;
    assert_eq!(told, "error: notes.txt: this file is no journal; give another one with --journal\n");
    assert!(!path.exists());
    std::fs::create_dir(home.path().join("dir")).unwrap();
    assert!(home.command("mkfifo").arg("pipe").status().unwrap().success());
    for (file, what) in [("dir", "a directory"), ("pipe", "a device or a pipe"), ("/dev/zero", "a device or a pipe")] {
        let expected = format!(
            "error: {file}: this is {what}; a journal is a file of its own, so give another one with --journal\n"
        );
        for arguments in [&["session", "list"][..], &["session", "show", "ab"], &["run", "--code", "return 1"]] {
            let told = home.run(&[arguments, &["--journal", file]].concat()).exits(2).stderr;
            assert_eq!(told, expected);
        }
        let told = home.run(&["doctor", "--journal", file]).exits(1).stdout;
        assert!(told.contains(&format!("BAD  {file}: this is {what}; ")), "{told}");
    }
    assert!(!home.path().join("pipe.lock").exists());
    let ended = home.switchboard(&["session", "list"]).env_remove("HOME").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(home.run(&["session", "list", "--ephemeral", "--journal", "x"]).exits(2).stdout, "");
}
