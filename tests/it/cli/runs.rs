//! The records of runs from outside: how they are found, what a list says of them, and how they go.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use switchboard::domain::{Command, Parent, SessionSpec};

use super::home::{Ended, Home, signal};
use crate::store::{Life, close, open};

/// A home with a run that waits, one that is done, and one of three sessions, two of which wait.
struct Kept {
    home: Home,
    /// The ids of their first sessions.
    ids: [String; 3],
}

impl Kept {
    fn new() -> Self {
        let home = Home::new();
        home.file("no.jsonl", r#"{"match": "^never", "response": "x"}"#);
        let run = |arguments: &[&str], code| {
            let ended = home.run(&[&["run", "-o", "jsonl", "--answers", "no.jsonl"], arguments].concat()).exits(code);
            ended.terminals()[0]["session"].as_str().unwrap().to_owned()
        };
        let waits = run(
            &["--title", "waits", "--code", "return alc.llm_batch({{ prompt = 'one\x1b[31m?' }, { prompt = 'two?' }})"],
            6,
        );
        let done = run(&["--title", "done", "--code", "return 1"], 0);
        let many = "local n = alc.state.incr('n') if n > 1 then return alc.llm('why?') end return n";
        let many = run(&["--title", "many", "-n", "3", "--code", many], 6);
        Self { home, ids: [waits, done, many] }
    }

    fn directory(&self) -> PathBuf {
        self.home.path().join("home/.local/state/switchboard/runs")
    }

    fn session(&self, arguments: &[&str]) -> Ended {
        self.home.run(&[&["session"], arguments].concat())
    }

    /// The record of the run of this title.
    fn record(&self, title: &str) -> PathBuf {
        let query = format!("title~^{title}$");
        let lines = self.session(&["list", "--runs", "--where", &query, "-o", "jsonl"]).exits(0).lines();
        PathBuf::from(lines[0]["run"].as_str().unwrap())
    }

    fn titles(&self, arguments: &[&str]) -> Vec<Value> {
        let lines = self.session(&[&["list", "--runs", "-o", "jsonl"], arguments].concat()).exits(0).lines();
        lines.into_iter().map(|line| line["title"].clone()).collect()
    }
}

#[test]
fn runs_are_listed_newest_first_with_what_they_wait_for() {
    let kept = Kept::new();
    let list = kept.session(&["list", "--runs"]).exits(0).stdout;
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    // What stands behind the time: the size differs.
    let end = |line: &str| line.split_once(" KB  ").unwrap().1.to_owned();
    assert_eq!(end(lines[0]), "many  (2 paused, 1 done)  2 questions open: q-1 why?");
    assert_eq!(end(lines[1]), "done");
    assert_eq!(end(lines[2]), "waits  2 questions open: q-1 one␛[31m?");
    assert!(lines[1].starts_with(&format!("{}  done       20", &kept.ids[1][..8])), "{list}");
    assert!(lines[2].starts_with(&format!("{}  paused     20", &kept.ids[0][..8])), "{list}");

    let document: Value =
        serde_json::from_str(&kept.session(&["list", "--runs", "-o", "json"]).exits(0).stdout).unwrap();
    let run = &document["runs"][0];
    assert_eq!((&run["title"], &run["states"]), (&json!("many"), &json!({"paused": 2, "done": 1})));
    assert_eq!((run["sessions"].as_array().unwrap().len(), &run["held_by"]), (3, &Value::Null));
    assert_eq!(run["waits_for"][0]["prompt"], "why?");
    let path = PathBuf::from(run["run"].as_str().unwrap());
    assert!(path.starts_with(kept.directory()) && path.is_file());
    assert!(run["bytes"].as_u64().unwrap() >= path.metadata().unwrap().len());

    assert_eq!(kept.titles(&["--where", "state:done"]), ["many", "done"], "one of its sessions is enough");
    assert_eq!(kept.titles(&["--where", "age>1d"]), [""; 0]);
    kept.session(&["list", "--runs", "--where", "state:gone"]).exits(2);
    kept.session(&["list", "--runs", "--journal", "x.db"]).exits(2);
    assert_eq!(Home::new().run(&["session", "list", "--runs"]).exits(0).stdout, "");
}

#[test]
fn the_session_of_a_run_is_found_as_one_of_the_journal_is() {
    let kept = Kept::new();
    let [waits, done, _] = &kept.ids;
    assert!(kept.session(&["show", &waits[..8]]).exits(0).stdout.contains("title     waits\n"));
    assert!(kept.session(&["export", done]).exits(0).stdout.starts_with("# done\n"));
    assert_eq!(kept.session(&["tail", done, "-o", "jsonl"]).exits(0).lines()[0]["session"], json!(done));
    assert!(kept.session(&["verify", done]).exits(0).stdout.starts_with("ok   "));
    let forked = kept.session(&["fork", waits, "--at", "q-1", "-o", "jsonl"]).exits(0).lines();
    let branch = forked[0]["session"].as_str().unwrap();
    assert_eq!(kept.home.run(&["run", "--resume", branch, "-o", "jsonl"]).exits(6).terminal()["session"], branch);
    assert!(kept.session(&["cancel", waits]).exits(0).stdout.ends_with("  waits  cancelled\n"));

    let told = kept.session(&["list"]).exits(3).stderr;
    let hint = "there is no journal; nothing was recorded there; `switchboard session list --runs` lists the records of \
                runs (3)\n";
    assert!(told.ends_with(hint), "{told}");
    let told = kept.session(&["show", "zz"]).exits(3).stderr;
    assert!(told.ends_with("a to f; `switchboard session list --runs` names them\n"), "{told}");
    let other = if waits.starts_with('0') { "1" } else { "0" };
    let told = kept.home.run(&["run", "--resume", &format!("{other}{}", &waits[1..9])]).exits(3).stderr;
    assert!(told.contains(&format!("; near it: {}; `switchboard session list --runs`", &waits[..9])), "{told}");
}

#[test]
fn a_session_of_which_there_is_a_copy_is_found_once_one_says_where() {
    let kept = Kept::new();
    let id = &kept.ids[0];
    let (record, copy) = (kept.record("waits"), kept.directory().join("a-copy.db"));
    std::fs::copy(&record, &copy).unwrap();
    for arguments in [&["run", "--resume", id][..], &["session", "show", id], &["session", "rm", &id[..15]]] {
        let told = kept.home.run(arguments).exits(2).stderr;
        let expected = |one: &Path, other: &Path| {
            let (one, other) = (one.display(), other.display());
            format!("error: {id} is in 2 journals ({one}, {other}); give one with --journal FILE\n")
        };
        assert!(told == expected(&record, &copy) || told == expected(&copy, &record), "{told}");
    }
    for path in [&record, &copy] {
        kept.session(&["show", id, "--journal", path.to_str().unwrap()]).exits(0);
    }
}

#[test]
fn what_is_of_the_desk_or_a_child_is_no_run_and_it_is_said_how_it_goes_on() {
    let home = Home::new();
    let journal = home.path().join("home/.local/state/switchboard/journal.db");
    let journal = journal.to_str().unwrap();
    let left = home.run(&["run", "--code", "alc.llm('x')", "-o", "jsonl", "--journal", journal]).exits(6);
    let id = left.terminal()["session"].as_str().unwrap().to_owned();
    let told = home.run(&["run", "--resume", &id]).exits(2).stderr;
    let expected = format!("error: {id} is of the desk, not of a run; open the desk, or give --journal {journal}\n");
    assert_eq!(told, expected);
    home.run(&["run", "--resume", &id, "--journal", journal]).exits(6);

    home.file("lib/asks/init.lua", "return { run = function(ctx) return alc.llm('child?') end }");
    let forks = ["run", "--code", "return alc.fork({'asks'}, {})", "--lib", "lib", "-o", "jsonl"];
    let lines = home.run(&forks).exits(6).lines();
    let (parent, child) = (lines[0]["session"].as_str().unwrap(), lines.iter().find_map(|it| it["child"].as_str()));
    let told = home.run(&["run", "--resume", child.unwrap()]).exits(2).stderr;
    assert!(told.ends_with(&format!("it goes on with its parent: switchboard run --resume {parent}\n")), "{told}");

    let lines = home.run(&[&forks[..], &["--journal", "mine.db"]].concat()).exits(6).lines();
    let (parent, child) = (lines[0]["session"].as_str().unwrap(), lines.iter().find_map(|it| it["child"].as_str()));
    let told = home.run(&["run", "--resume", child.unwrap(), "--journal", "mine.db"]).exits(2).stderr;
    assert!(told.ends_with(&format!("switchboard run --resume {parent} --journal mine.db\n")), "{told}");
    let told = home.run(&["session", "rm", parent, "--journal", "mine.db"]).exits(5).stderr;
    assert!(told.ends_with(&format!("first switchboard session cancel {parent} --journal mine.db\n")), "{told}");
}

#[test]
fn only_runs_that_have_ended_and_are_meant_are_removed_with_their_files() {
    let kept = Kept::new();
    let files = || std::fs::read_dir(kept.directory()).unwrap().count();
    let before = files();
    let dry = kept.session(&["rm", "--runs", "--all", "--dry-run"]).exits(0);
    let lines: Vec<&str> = dry.stdout.lines().collect();
    assert!(lines[0].starts_with(&format!("would remove {}  done ", &kept.ids[1][..8])), "{lines:?}");
    assert!(lines[1].starts_with("would remove 1 run of ") && lines.len() == 2, "{lines:?}");
    assert_eq!(dry.stderr, "2 runs kept: not ended\n");
    assert_eq!((files(), kept.titles(&[])), (before, vec![json!("many"), json!("done"), json!("waits")]));

    assert_eq!(kept.session(&["rm", "--runs", "--where", "age>1h"]).exits(0).stdout, "");
    let nothing_of_what_is_not_meant = kept.session(&["rm", "--runs", "--where", "state:failed"]).exits(0);
    assert_eq!((&*nothing_of_what_is_not_meant.stdout, &*nothing_of_what_is_not_meant.stderr), ("", ""));
    let removed = kept.session(&["rm", "--runs", "--where", "age<1h", "-o", "jsonl"]).exits(0).lines();
    assert_eq!((removed.len(), &removed[0]["title"], &removed[0]["removed"]), (1, &json!("done"), &json!(true)));
    let path = removed[0]["run"].as_str().unwrap();
    assert!(files() < before);
    let left = std::fs::read_dir(kept.directory()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(left.filter(|file| file.to_str().unwrap().starts_with(path)).count(), 0, "nothing lies beside it");
    assert_eq!(kept.titles(&[]), ["many", "waits"]);
    kept.session(&["rm", "--runs"]).exits(2);
}

#[test]
fn processes_that_remove_the_same_runs_leave_nothing_behind() {
    let home = Home::new();
    for _ in 0..6 {
        home.run(&["run", "--code", "return 1"]).exits(0);
    }
    let all = ["session", "rm", "--runs", "--all", "-o", "jsonl"];
    let started: Vec<_> = (0..4).map(|_| home.switchboard(&all).spawn().unwrap()).collect();
    let removed: usize = started.into_iter().map(|child| Ended::of(child).exits(0).lines().len()).sum();
    // One that another was about to remove may have been kept.
    assert!(removed <= 6);
    let _ = home.run(&all).exits(0);
    let left = std::fs::read_dir(home.path().join("home/.local/state/switchboard/runs")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
    assert!(!left.iter().any(|file| file.extension().is_some_and(|extension| extension == "db")), "{left:?}");
}

#[test]
fn one_session_of_a_run_can_be_removed_and_its_file_goes_with_the_last() {
    let kept = Kept::new();
    let [waits, done, many] = &kept.ids;
    kept.session(&["rm", waits]).exits(5);
    assert_eq!(kept.session(&["rm", done]).exits(0).stdout, format!("removed {done}  done\n"));
    assert_eq!(kept.titles(&[]), ["many", "waits"]);
    let run = kept.session(&["list", "--runs", "--where", "title~many", "-o", "jsonl"]).exits(0).lines().remove(0);
    let mut sessions: Vec<String> = serde_json::from_value(run["sessions"].clone()).unwrap();
    assert!(sessions.contains(many));
    let last = sessions.pop().unwrap();
    for id in sessions {
        let _ = kept.session(&["cancel", &id]);
        kept.session(&["rm", &id]).exits(0);
        assert_eq!(kept.titles(&["--where", "title~many"]), ["many"]);
    }
    let _ = kept.session(&["cancel", &last]);
    kept.session(&["rm", &last]).exits(0);
    assert_eq!(kept.titles(&[]), ["waits"]);
}

#[test]
fn a_run_that_goes_on_says_where_and_is_not_removed() {
    let home = Home::new();
    let mut run = home
        .switchboard(&["run", "--code", "alc.llm('wait')", "--stdin", "-o", "jsonl"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let asked = lines.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let asked = asked.into_iter().find(|line| line["kind"] == "llm_call_begin").unwrap();
    let id = asked["session"].as_str().unwrap();
    let list = home.run(&["session", "list", "--runs"]).exits(0).stdout;
    assert!(list.contains(&format!("  goes on in pid {} on ", run.id())), "{list}");
    let kept = home.run(&["session", "rm", "--runs", "--all"]).exits(0);
    assert_eq!((&*kept.stdout, &*kept.stderr), ("", "1 run kept: held by another process\n"));
    home.run(&["session", "cancel", id]).exits(5);
    let told = home.run(&["run", "--resume", id]).exits(5).stderr;
    assert!(told.contains(&format!("is held by pid {} on ", run.id())), "{told}");
    signal(run.id(), "KILL");
    run.wait().unwrap();
    let kept = home.run(&["session", "rm", "--runs", "--all"]).exits(0);
    assert_eq!((&*kept.stdout, &*kept.stderr), ("", "1 run kept: not ended\n"));
    home.run(&["session", "cancel", id]).exits(0);
    home.run(&["session", "rm", "--runs", "--all"]).exits(0);
    assert_eq!(home.run(&["session", "list", "--runs"]).exits(0).stdout, "");
}

#[test]
fn a_record_that_was_only_begun_is_one_of_nothing_and_a_damaged_one_is_named() {
    let kept = Kept::new();
    // A process that ended while it made the tables leaves a page and what would undo it.
    let begun = kept.directory().join("begun.db");
    std::fs::write(&begun, std::fs::read(kept.record("waits")).unwrap().split_at(4096).0).unwrap();
    std::fs::write(kept.directory().join("begun.db-journal"), [0xd9, 0xd5, 0x05, 0xf9]).unwrap();
    let list = kept.session(&["list", "--runs"]).exits(0);
    assert_eq!(list.stderr, "");
    assert!(list.stdout.contains("  nothing was started\n"), "{}", list.stdout);
    std::fs::remove_file(begun).unwrap();

    let waits = kept.record("waits");
    let mut bytes = std::fs::read(&waits).unwrap();
    bytes[20..24].fill(0x55);
    std::fs::write(&waits, bytes).unwrap();
    for file in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{file}", waits.display()));
    }
    let list = kept.session(&["list", "--runs"]).exits(0);
    let told = list.stderr;
    assert!(told.starts_with(&format!("left out: {}: ", waits.display())) && told.lines().count() == 1, "{told}");
    let told = kept.home.run(&["run", "--resume", &kept.ids[0]]).exits(3).stderr;
    assert!(told.ends_with("`switchboard session list --runs` names them, and 1 that cannot be read\n"), "{told}");
    let removed = kept.session(&["rm", "--runs", "--all"]).exits(0).stdout;
    assert!(removed.contains("removed 1 run of ") && waits.exists(), "{removed}");
}

#[test]
fn without_a_place_for_runs_that_is_said() {
    let home = Home::new();
    let told = "error: there is no place for records of runs; set HOME or give --state-dir DIR\n";
    for arguments in
        [&["session", "list", "--runs"][..], &["session", "rm", "--runs", "--all"], &["run", "--resume", "ab"]]
    {
        let ended = home.switchboard(arguments).env_remove("HOME").output().unwrap();
        assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap()), (Some(2), told.to_owned()));
    }
    home.file("state/runs", "no directory");
    let told = home.run(&["session", "list", "--runs", "--state-dir", "state"]).exits(2).stderr;
    assert_eq!(told, "error: state/runs: it is not a directory; give one\n");

    std::fs::remove_file(home.path().join("state/runs")).unwrap();
    std::os::unix::fs::symlink("runs", home.path().join("state/runs")).unwrap();
    for arguments in [&["session", "list", "--runs"][..], &["run", "--resume", "ab"], &["session", "show", "ab"]] {
        let told = home.run(&[arguments, &["--state-dir", "state"]].concat()).exits(1).stderr;
        assert!(told.starts_with("error: state/runs: ") && told.lines().count() == 1, "{told}");
    }
}

#[test]
fn what_else_lies_among_the_runs_is_named_and_left_alone() {
    let kept = Kept::new();
    let foreign = kept.directory().join("notes.db");
    std::fs::write(&foreign, "notes").unwrap();
    std::fs::write(kept.directory().join("begun.db"), "").unwrap();
    let list = kept.session(&["list", "--runs"]).exits(0);
    let told = format!("left out: {}: this file is no journal; give another one with --journal\n", foreign.display());
    assert_eq!(list.stderr, told);
    assert!(list.stdout.contains("  nothing was started\n"), "{}", list.stdout);
    let removed = kept.session(&["rm", "--runs", "--all"]).exits(0);
    assert!(removed.stdout.contains("removed 2 runs of "), "{}", removed.stdout);
    assert!(foreign.exists());
    kept.session(&["show", &kept.ids[0]]).exits(0);
}

/// Changes a record behind the back of whoever writes it.
fn damage(record: &Path, how: &str) {
    rusqlite::Connection::open(record).unwrap().execute_batch(how).unwrap();
}

/// What has not ended cannot be read any more.
const UNREADABLE: &str = "DELETE FROM snapshots; UPDATE records SET body = zeroblob(length(body))
    WHERE place IN (SELECT place FROM sessions WHERE ended IS NULL)";

#[test]
fn a_run_of_which_something_cannot_be_read_has_not_ended() {
    let kept = Kept::new();
    let [many, waits] = ["many", "waits"].map(|title| kept.record(title));
    for record in [&many, &waits] {
        damage(record, UNREADABLE);
    }
    let list = kept.session(&["list", "--runs"]).exits(0).stdout;
    let is_shown = |start: &str, end: &str| list.lines().any(|line| line.starts_with(start) && line.ends_with(end));
    assert!(is_shown("-         damaged    20", "  what was started cannot be read"), "{list}");
    assert!(list.contains("  damaged    20") && is_shown("", "  many  (2 damaged, 1 done)"), "{list}");
    let runs = kept.session(&["list", "--runs", "-o", "jsonl"]).exits(0).lines();
    let shown = |record: &Path| runs.iter().find(|run| run["run"] == record.to_str().unwrap()).unwrap();
    assert_eq!([&many, &waits].map(|record| shown(record)["damaged"].clone()), [json!(2), json!(1)]);

    for arguments in [&["--dry-run"][..], &[]] {
        let removed = kept.session(&[&["rm", "--runs", "--all"], arguments].concat()).exits(0);
        assert!(removed.stdout.contains("remove") && removed.stdout.lines().count() == 2, "{}", removed.stdout);
        assert!(removed.stderr.contains("2 runs kept: damaged; "), "{}", removed.stderr);
        assert!(many.exists() && waits.exists());
    }
    let done = shown(&many)["sessions"][0].as_str().unwrap();
    let told = kept.session(&["rm", done]).exits(0);
    assert_eq!(told.stdout, format!("removed {done}  many\n"));
    assert!(many.exists(), "{}", told.stderr);
    let hint = format!("{} is damaged and stays, with all that lies beside it; ", many.display());
    assert!(told.stderr.contains(&hint), "{}", told.stderr);
}

#[test]
fn a_run_that_shows_its_damage_only_as_it_is_opened_is_kept_too() {
    let home = Home::new();
    let answers = home.file("a.jsonl", r#"{"match": "why", "response": "x"}"#);
    home.run(&["run", "--code", "return alc.llm('why?')", "--answers", answers.to_str().unwrap()]).exits(0);
    let list = ["session", "list", "--runs", "--where", "state:done", "-o", "jsonl"];
    let done = PathBuf::from(home.run(&list).exits(0).lines()[0]["run"].as_str().unwrap());
    // No session that is read has this text.
    damage(&done, "INSERT INTO texts (hash, text) VALUES (zeroblob(32), zeroblob(9))");
    assert_eq!(home.run(&list).exits(0).lines().len(), 1);
    for _ in 0..2 {
        let removed = home.run(&["session", "rm", "--runs", "--all"]).exits(0);
        assert_eq!(removed.stdout, "");
        assert!(removed.stderr.contains("1 run kept: damaged; "), "{}", removed.stderr);
        assert!(done.exists());
    }
}

/// A session, its child, which waits for a child of its own, and that, which asks. Their ids are `id` and those behind.
fn family(id: u64) -> (Life, Life, Life) {
    let below = |above: &Life, id, depth| {
        let parent = Parent { session: above.id(), fork: 1, index: 0, depth, budget: None };
        let mut life = Life::new(id, SessionSpec { parent: Some(parent), ..SessionSpec::run("return 1") });
        life.take(Command::Begin);
        life
    };
    let top = Life::begun(id);
    let child = below(&top, id + 1, 1);
    let mut grandchild = below(&child, id + 2, 2);
    grandchild.ask("whom?");
    (top, child, grandchild)
}

#[tokio::test]
async fn a_run_has_ended_with_what_stands_at_its_top() {
    let home = Home::new();
    let (mut top, child, grandchild) = family(1);
    for ends in [false, true] {
        if ends {
            top.finish();
        }
        let journal = open(&home.path().join("home/.local/state/switchboard/runs").join(format!("{ends}.db")));
        for life in [&top, &child, &grandchild] {
            life.write(&journal).await;
        }
        close(journal).await;
    }
    let list = home.run(&["session", "list", "--runs", "-o", "jsonl"]).exits(0).lines();
    let of = |name: &str| list.iter().find(|run| run["run"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!((&of("true.db")["states"], &of("true.db")["waits_for"]), (&json!({"done": 1}), &json!([])));
    assert_eq!(of("false.db")["waits_for"][0]["prompt"], "whom?");
    let removed = home.run(&["session", "rm", "--runs", "--all", "-o", "jsonl"]).exits(0);
    assert_eq!(removed.stderr, "1 run kept: not ended\n");
    assert!(removed.stdout.contains("true.db") && removed.stdout.lines().count() == 1, "{removed:#?}");
}

#[test]
fn what_a_session_has_forked_stays_until_that_has_ended_and_is_counted_once() {
    let home = Home::new();
    home.file("lib/quick/init.lua", "return { run = function(ctx) return 'quick' end }");
    home.file("lib/asks/init.lua", "return { run = function(ctx) return alc.llm('child?') end }");
    let forks = ["run", "--code", "return alc.fork({'quick', 'asks'}, {})", "--lib", "lib", "-o", "jsonl"];
    let parent = home.run(&forks).exits(6).lines()[0]["session"].as_str().unwrap().to_owned();
    let run = home.run(&["session", "list", "--runs", "-o", "jsonl"]).exits(0).lines().remove(0);
    let record = run["run"].as_str().unwrap();
    let sessions = home.run(&["session", "list", "--journal", record, "-o", "jsonl"]).exits(0).lines();
    let quick = sessions.iter().find(|session| session["state"] == "done").unwrap()["session"].as_str().unwrap();

    let told = home.run(&["session", "rm", quick]).exits(5).stderr;
    let expected =
        format!("error: {quick} is of {parent}, which has not ended; first switchboard session cancel {parent}\n");
    assert_eq!(told, expected);
    let all = ["session", "rm", "--all", "--journal", record];
    for arguments in [&["--dry-run"][..], &["--where", "state:done"], &[]] {
        let rest = if arguments.contains(&"--where") { &["session", "rm", "--journal", record][..] } else { &all };
        let kept = home.run(&[rest, arguments].concat()).exits(0);
        assert_eq!(kept.stdout, "");
        let expected = "1 session that it means is of one that has not ended and is kept\n";
        assert!(kept.stderr.ends_with(expected), "{}", kept.stderr);
    }
    let answers = home.file("a.jsonl", r#"{"match": "child", "response": "x"}"#);
    let ended = home.run(&["run", "--resume", &parent, "--answers", answers.to_str().unwrap(), "-o", "jsonl"]);
    assert_eq!(ended.exits(0).terminal()["state"], "done");

    let dry = home.run(&[&all[..], &["--dry-run", "-o", "jsonl"]].concat()).exits(0).lines();
    assert_eq!(dry.len(), 3, "{dry:?}");
    assert_eq!(home.run(&all).exits(0).stdout.lines().count(), 3);
    assert!(!Path::new(record).exists());
}

#[tokio::test]
async fn what_has_ended_at_its_top_is_removed_with_what_a_dead_process_left_below_it() {
    let home = Home::new();
    let runs = home.path().join("home/.local/state/switchboard/runs");
    for (path, stays) in [(runs.join("run.db"), false), (home.path().join("mine.db"), true)] {
        let (mut top, child, grandchild) = family(0x10_0000_0000);
        top.finish();
        let mut lives = vec![top, child, grandchild];
        if stays {
            // One of another family, of which the child has ended.
            let (above, mut ended, below) = family(0x20_0000_0000);
            ended.finish();
            lives.extend([above, ended, below]);
        }
        let journal = open(&path);
        for life in &lives {
            life.write(&journal).await;
        }
        close(journal).await;
        let named: &[&str] = if stays { &["--journal", "mine.db"] } else { &[] };
        for id in ["0000001000000000", "0000001000000001", "0000001000000002"] {
            let dry = home.run(&[&["session", "rm", id, "--dry-run", "-o", "jsonl"], named].concat()).exits(0);
            assert!(dry.lines().iter().any(|line| line["session"] == id), "{dry:#?}");
        }
        let removed = home.run(&[&["session", "rm", "0000001000000000"], named].concat()).exits(0);
        assert_eq!((removed.stdout.lines().count(), &*removed.stderr), (3, ""), "{removed:#?}");
        assert_eq!(path.exists(), stays);
        if stays {
            let left = home.run(&[&["session", "list", "-o", "jsonl"], named].concat()).exits(0).lines();
            assert_eq!(left.len(), 3, "{left:?}");
            let above = "0000002000000000";
            for id in ["0000002000000001", "0000002000000002"] {
                let told = home.run(&[&["session", "rm", id], named].concat()).exits(5).stderr;
                let how = format!("is of {above}, which has not ended; first switchboard session cancel {above}");
                assert_eq!(told, format!("error: {id} {how} --journal mine.db\n"));
            }
            home.run(&[&["session", "cancel", above], named].concat()).exits(0);
            home.run(&[&["session", "rm", "0000002000000001"], named].concat()).exits(0);
        }
    }
}
