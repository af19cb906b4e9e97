//! Runs keep a record, and go on with it: after they were left waiting, after a signal, after a `kill -9`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use serde_json::{Value, json};
use switchboard::domain::{Command, SessionId, SessionSpec};
use switchboard::engine::{Durability, Journal, Record, Stored};
use switchboard::store::journal::SqliteJournal;

use super::home::{Ended, Home, signal};
use crate::store::{Life, close, open};

const ASKS_TWICE: &str = "local a = alc.llm('first?') local b = alc.llm('second ' .. a) return a .. b";

/// Answers one question and no other.
fn answers(home: &Home, pattern: &str, response: &str) -> String {
    let line = json!({"match": pattern, "response": response});
    home.file(&format!("{response}.jsonl"), line.to_string()).to_str().unwrap().to_owned()
}

fn runs(home: &Home) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(home.path().join("home/.local/state/switchboard/runs")) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "db")).collect()
}

#[test]
fn a_run_that_was_left_waiting_goes_on_where_it_stood() {
    let home = Home::new();
    let first = answers(&home, "^first", "one");
    let left = home.run(&["run", "--code", ASKS_TWICE, "--answers", &first, "-o", "jsonl"]).exits(6);
    let terminal = left.terminal();
    assert_eq!((&terminal["state"], &terminal["pending"][0]["prompt"]), (&json!("waiting"), &json!("second one")));
    let id = terminal["session"].as_str().unwrap();
    let last_seq = left.lines().iter().filter_map(|line| line["seq"].as_u64()).max().unwrap();
    assert_eq!(runs(&home).len(), 1);

    let again = home.run(&["run", "--resume", &id[..6], "-o", "jsonl"]).exits(6);
    assert_eq!(again.terminal()["pending"], terminal["pending"], "it still waits");
    assert_eq!(again.lines().len(), 1, "nothing has happened");
    let second = answers(&home, "^second", "two");
    let text = home.run(&["run", "--resume", id, "--answers", &second]).exits(0).stdout;
    assert_eq!(text, "? q-2 second one\n> q-2 file: two\ndone: \"onetwo\"\n");
    assert_eq!(runs(&home).len(), 1);

    let journal = runs(&home).remove(0);
    let journal = journal.to_str().unwrap();
    let events = home.run(&["session", "tail", id, "-o", "jsonl", "--journal", journal]).exits(0).lines();
    let seqs: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert!(seqs.len() as u64 > last_seq);
    let asked = events.iter().filter(|event| event["kind"] == "pause_requested").count();
    assert_eq!(asked, 2, "no question is asked twice");
    let ended = home.run(&["run", "--resume", id, "-o", "jsonl"]).exits(0);
    assert_eq!(ended.terminal()["value"], "onetwo");
}

#[tokio::test]
async fn of_a_journal_that_others_share_only_the_session_that_was_asked_for_goes_on() {
    let home = Home::new();
    let path = home.path().join("shared.db");
    let file = path.to_str().unwrap();
    let left = home.run(&["run", "--code", ASKS_TWICE, "--journal", file, "-o", "jsonl"]).exits(6);
    let id = left.terminal()["session"].as_str().unwrap().to_owned();
    let how = format!("it goes on with: switchboard run --resume {} --journal {file}\n", &id[..8]);
    assert_eq!(left.stderr, how);
    let running = Life::begun(77);
    let journal = open(&path);
    running.write(&journal).await;
    close(journal).await;
    let all = answers(&home, "", "one");
    let text = home.run(&["run", "--resume", &id[..8], "--answers", &all, "--journal", file]).exits(0).stdout;
    assert!(text.ends_with("done: \"oneone\"\n"), "{text}");
    let journal = open(&path);
    let records = journal.records(running.id()).get().await.unwrap();
    assert_eq!(records.unwrap().len(), running.records.len(), "nothing of it has run");
    close(journal).await;
}

#[test]
fn a_run_that_was_killed_goes_on_with_every_answer_it_had_acknowledged() {
    let home = Home::new();
    let code = "local n = 0 while true do local a = alc.llm('q') if a == 'stop' then return n end n = n + 1 end";
    let mut run = home.switchboard(&[
        "run",
        "--code",
        code,
        "-o",
        "jsonl",
        "--answerer",
        r#"while read line; do echo '{"response":"a"}'; done"#,
    ]);
    let mut child = run.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut accepted = 0;
    let mut id = String::new();
    while accepted < 20 {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        id = line["session"].as_str().unwrap().to_owned();
        accepted += u64::from(line["kind"] == "answer_accepted");
    }
    signal(child.id(), "KILL");
    child.wait().unwrap();
    let stop = answers(&home, "q", "stop");
    let ended = home.run(&["run", "--resume", &id, "--answers", &stop, "-o", "jsonl"]).exits(0);
    let value = ended.terminal()["value"].as_u64().unwrap();
    assert!(value >= accepted, "{value} of {accepted} answers are there");
    let journal = runs(&home).remove(0);
    let events =
        home.run(&["session", "tail", &id, "-o", "jsonl", "--journal", journal.to_str().unwrap()]).exits(0).lines();
    let answered = events.iter().filter(|event| event["kind"] == "answer_accepted").count() as u64;
    assert_eq!(answered, value + 1);
    assert!(events.iter().map(|event| event["seq"].as_u64().unwrap()).eq(1..=events.len() as u64));
}

#[test]
fn a_signal_leaves_sessions_in_their_record() {
    let home = Home::new();
    let mut child = home
        .switchboard(&["run", "--code", "alc.llm('wait') return 1", "--stdin", "-o", "jsonl"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let asked = std::iter::from_fn(|| lines.next())
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
        .find(|line| line["kind"] == "llm_call_begin");
    let id = asked.unwrap()["session"].as_str().unwrap().to_owned();
    signal(child.id(), "TERM");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    Ended::of(child).exits(143);
    assert!(rest.last().unwrap().contains(r#""state":"waiting""#), "{rest:?}");
    let answer = format!("{}\n", json!({"query_id": "q-1", "response": "x"}));
    let ended = home.run_with_input(&["run", "--resume", &id, "--stdin", "-o", "jsonl"], &answer).exits(0);
    assert_eq!(ended.terminal()["value"], 1);
}

#[test]
fn children_of_a_run_go_on_with_it() {
    let home = Home::new();
    home.file("lib/asks/init.lua", "return { run = function(ctx) ctx.result = alc.llm('child?') return ctx end }");
    let code = "local r = alc.fork({'asks', 'asks'}, {}) return #r";
    let left = home.run(&["run", "--code", code, "--lib", "lib", "-o", "jsonl"]).exits(6);
    let id = left.terminal()["session"].as_str().unwrap().to_owned();
    let again = home.run(&["run", "--resume", &id, "-o", "jsonl"]).exits(6).terminal();
    let asked = |terminal: &Value| -> Vec<String> {
        let pending = terminal["pending"].as_array().unwrap().iter();
        let mut asked: Vec<_> = pending.map(|prompt| prompt["query_id"].as_str().unwrap().to_owned()).collect();
        asked.sort();
        asked
    };
    assert_eq!(asked(&again), ["f-0-1", "f-1-1"], "what its children still wait for");
    assert_eq!(asked(&again), asked(&left.terminal()));
    let all = answers(&home, "child", "yes");
    let ended = home.run(&["run", "--resume", &id, "--answers", &all, "-o", "jsonl"]).exits(0);
    assert_eq!(ended.terminal()["value"], 2);
    assert_eq!(ended.lines().iter().filter(|line| line["kind"] == "child_ended").count(), 2);
}

const FORKS: &str = "return alc.fork({'nests', 'asks'}, {})[1].result";

/// A run whose children wait, one of them for a child of its own. Gives its id.
fn forked(home: &Home, journal: &str) -> String {
    home.file("lib/asks/init.lua", "return { run = function(ctx) return alc.llm('child?') end }");
    home.file("lib/nests/init.lua", "return { run = function() return alc.fork({'asks'}, {})[1].result end }");
    let left = home.run(&["run", "--code", FORKS, "--lib", "lib", "--journal", journal, "-o", "jsonl"]).exits(6);
    left.terminal()["session"].as_str().unwrap().to_owned()
}

#[test]
fn to_cancel_a_run_from_outside_ends_what_it_has_forked() {
    let home = Home::new();
    let (first, second) = (forked(&home, "forks.db"), forked(&home, "forks.db"));
    home.run(&["session", "cancel", &first, "--journal", "forks.db"]).exits(0);
    let states = |state: &str| {
        let all = home.run(&["session", "list", "--journal", "forks.db", "-o", "jsonl"]).exits(0).lines();
        all.iter().filter(|session| session["state"] == state).count()
    };
    assert_eq!((states("cancelled"), states("running"), states("paused")), (4, 2, 2));
    home.run(&["run", "--resume", &second, "--journal", "forks.db"]).exits(6);
    // Also what an earlier cancel has left behind.
    home.run(&["session", "cancel", "--where", "state:running", "--journal", "forks.db"]).exits(0);
    assert_eq!(states("cancelled"), 8);
}

#[test]
fn a_run_waits_for_what_a_fork_ends_that_gives_up() {
    let home = Home::new();
    home.file("lib/asks/init.lua", "return { run = function(ctx) return alc.llm('child?') end }");
    home.file("lib/fails/init.lua", "return { run = function(ctx) alc.llm('first?') error('no luck') end }");
    home.file("first.jsonl", r#"{"match": "first", "response": "x"}"#);
    let code = "return select(2, pcall(alc.fork, {'asks', 'fails', 'asks'}, {}, {on_error = 'abort'}))";
    for _ in 0..5 {
        let ended = home.run(&["run", "--code", code, "--lib", "lib", "--answers", "first.jsonl"]).exits(0);
        assert!(ended.stdout.contains("done: \"alc.fork: strategy 'fails' failed: "), "{ended:#?}");
    }
}

async fn stored(journal: &SqliteJournal) -> Vec<Stored> {
    journal.stored(0, 100).get().await.unwrap().sessions.clone()
}

#[tokio::test]
async fn a_child_whose_process_died_twice_goes_on_when_its_run_is_asked_for() {
    let home = Home::new();
    let spins =
        "alc.log('info', 'up') while not alc.state.get('flag:go') do for i = 1, 100000 do end end return 'went'";
    home.file("lib/spins/init.lua", format!("return {{ run = function() {spins} end }}"));
    let code = "return alc.fork({'spins'}, {})[1].result";
    let common = ["--journal", "spins.db", "--home", "h"];
    let start = [&["run", "--code", code, "--lib", "lib", "-o", "jsonl"][..], &common].concat();
    let mut child = home.switchboard(&start).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let up = lines.find(|line| line.as_ref().unwrap().contains("\"up\"")).unwrap().unwrap();
    signal(child.id(), "KILL");
    child.wait().unwrap();
    let up: Value = serde_json::from_str(&up).unwrap();
    let journal = open(&home.path().join("spins.db"));
    let child: SessionId = up["child"].as_str().unwrap().parse().unwrap();
    let died = [Record::Resumed { unclean: true, at: 2000 }];
    journal.append(child, &died, Durability::Acknowledged).get().await.unwrap();
    close(journal).await;
    home.file("h/state/flag/go.json", "true");
    let resume = [&["run", "--resume", up["session"].as_str().unwrap()][..], &common].concat();
    let ended = home.run(&resume).exits(0);
    assert!(ended.stdout.ends_with("done: \"went\"\n"), "{ended:#?}");
}

#[tokio::test]
async fn a_session_that_is_held_begins_when_it_is_resumed() {
    let home = Home::new();
    let held = Life::new(1, SessionSpec { held: true, ..SessionSpec::run("return 'begun'") });
    let journal = open(&home.path().join("held.db"));
    journal.append(held.id(), &held.records, Durability::Acknowledged).get().await.unwrap();
    close(journal).await;
    let ended = home.run(&["run", "--resume", &held.id().to_string(), "--journal", "held.db"]).exits(0);
    assert!(ended.stdout.ends_with("done: \"begun\"\n"), "{ended:#?}");
}

#[tokio::test]
async fn a_run_that_cannot_go_on_says_so_and_what_to_do() {
    let home = Home::new();
    let id = forked(&home, "whole.db");
    let (whole, part) = (open(&home.path().join("whole.db")), open(&home.path().join("part.db")));
    let mut gone = Vec::new();
    for stored in stored(&whole).await {
        let session = &stored.session;
        // Of its own children the second is lost.
        if session.spec().parent.as_ref().is_some_and(|parent| parent.depth == 1 && parent.index == 1) {
            gone.push(session.id());
            continue;
        }
        let records = whole.records(session.id()).get().await.unwrap().unwrap();
        part.append(session.id(), &records, Durability::Acknowledged).get().await.unwrap();
    }
    close(whole).await;
    close(part).await;
    let ended = home.run(&["run", "--resume", &id, "--journal", "part.db", "-o", "jsonl"]).exits(6);
    assert_eq!(ended.terminal()["state"], "waiting");
    let short = &id[..8];
    let told = format!(
        "{short} cannot go on: its child {} has not come back; it is tried again when it is resumed, or end it: \
         switchboard session cancel {short} --journal part.db\n",
        gone[0]
    );
    assert!(ended.stderr.starts_with(&told), "{ended:#?}");
    home.run(&["session", "cancel", short, "--journal", "part.db"]).exits(0);
    home.run(&["run", "--resume", short, "--journal", "part.db"]).exits(8);
}

#[test]
fn a_run_finds_its_library_again_wherever_it_goes_on() {
    let home = Home::new();
    home.file("lib/late/init.lua", "return { run = function(text) return text .. '!' end }");
    let code = "local a = alc.llm('which?') return require('late').run(a)";
    let left = home.run(&["run", "--code", code, "--lib", "lib", "-o", "jsonl"]).exits(6);
    let id = left.terminal()["session"].as_str().unwrap().to_owned();
    let one = answers(&home, "which", "one");
    let ended = home.run(&["run", "--resume", &id, "--answers", &one, "-o", "jsonl"]).exits(0);
    assert_eq!(ended.terminal()["value"], "one!");
}

#[tokio::test]
async fn a_run_whose_process_died_twice_goes_on_when_it_is_asked_for() {
    let home = Home::new();
    let path = home.path().join("died.db");
    let mut running = Life::begun(77);
    running.records.push(Record::Resumed { unclean: true, at: 2000 });
    let journal = open(&path);
    running.write(&journal).await;
    close(journal).await;
    let all = answers(&home, "", "one");
    let resume = ["run", "--resume", &running.id().to_string(), "--answers", &all, "--journal", "died.db"];
    assert!(home.run(&resume).exits(0).stdout.ends_with("done: \"one\"\n"));
}

#[test]
fn a_named_journal_is_used_and_one_that_is_held_is_not() {
    let home = Home::new();
    let left = home.run(&["run", "--code", "alc.llm('x')", "-o", "jsonl", "--journal", "mine.db"]).exits(6);
    let id = left.terminal()["session"].as_str().unwrap().to_owned();
    assert_eq!(runs(&home), Vec::<PathBuf>::new());
    let listed = home.switchboard(&["session", "list"]).env("SWITCHBOARD_JOURNAL", "mine.db").output().unwrap();
    assert!(String::from_utf8(listed.stdout).unwrap().starts_with(&id[..8]));
    let journal = open(&home.path().join("mine.db"));
    let resume = &["run", "--resume", &id, "--journal", "mine.db"];
    for (arguments, end) in [
        (
            &["run", "--code", "return 1", "--journal", "mine.db"][..],
            "; leave it there, or name another with --journal\n",
        ),
        (resume, &*format!("; {id} can go on there\n")),
    ] {
        let told = home.run(arguments).exits(5).stderr;
        let expected = format!("error: mine.db is held by pid {} on ", std::process::id());
        assert!(told.starts_with(&expected) && told.ends_with(end) && told.lines().count() == 1, "{told}");
    }
    drop(journal);
    let told = home.run(&["run", "--resume", &id]).exits(3).stderr;
    assert!(told.starts_with(&format!("error: no session {id} in ")), "{told}");
    assert!(told.ends_with("; `switchboard session list --runs` names them\n"), "{told}");
    home.run(&["run", "--resume", &id, "--journal", "mine.db"]).exits(6);
}

#[test]
fn an_ephemeral_run_keeps_nothing() {
    let home = Home::new();
    let ended = home.run(&["run", "--code", "alc.llm('x')", "-o", "jsonl", "--ephemeral"]).exits(6);
    assert_eq!(ended.terminal()["state"], "waiting");
    assert_eq!(runs(&home), Vec::<PathBuf>::new());
    home.run(&["run", "--resume", "00", "--ephemeral"]).exits(2);
    home.run(&["run", "--resume", "00", "--code", "return 1"]).exits(2);
}

#[test]
fn a_run_keeps_a_record_of_its_own_also_where_another_had_its_second_and_its_number() {
    let home = Home::new();
    let now = jiff::Timestamp::now().as_second();
    let seconds: Vec<String> = (now..now + 180)
        .map(|at| jiff::Timestamp::from_second(at).unwrap().strftime("%Y%m%dT%H%M%S").to_string())
        .collect();
    let taken = "mkdir -p state/runs && for at in $1; do echo taken > state/runs/$at-$$.db; done && exec \"$0\"";
    let run = format!("{taken} run --code 'return alc.llm(1)' -o jsonl --state-dir state");
    let mut command = home.command("sh");
    command.args(["-c", &run, env!("CARGO_BIN_EXE_switchboard"), &seconds.join(" ")]);
    let ended = Ended::of(command.spawn().unwrap()).exits(6);
    let terminal = ended.terminal();
    let id = terminal["session"].as_str().unwrap();
    assert!(ended.stderr.starts_with("it goes on with: ") && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    let entries = std::fs::read_dir(home.path().join("state/runs")).unwrap();
    let names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| name.ends_with(".2.db")).count(), 1, "{names:?}");
    home.run(&["run", "--resume", id, "--state-dir", "state"]).exits(6);
}

#[test]
fn a_journal_that_another_process_is_just_making_is_held() {
    let home = Home::new();
    let lock = std::fs::File::create(home.path().join("new.db.lock")).unwrap();
    lock.lock().unwrap();
    let told = home.run(&["run", "--code", "return 1", "--journal", "new.db"]).exits(5).stderr;
    assert_eq!(told, "error: new.db: it is held by another process, and nothing is recorded there yet; try again\n");
}

/// Starts a run that waits, moves `from` to `to` in the shell, and gives its short id and what it has said at its end.
fn moved(home: &Home, journal: &[&str], from: &str, to: &str) -> (String, String) {
    let arguments = [&["run", "--code", "alc.llm('x')", "--stdin", "-o", "jsonl"], journal].concat();
    let mut child = home.switchboard(&arguments).stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let asked = lines.find(|line| line.as_ref().unwrap().contains("\"pause_requested\"")).unwrap().unwrap();
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert!(home.command("sh").args(["-c", &format!("mv {from} {to}")]).status().unwrap().success());
    drop(child.stdin.take());
    assert!(lines.last().unwrap().unwrap().contains("\"waiting\""));
    (asked["session"].as_str().unwrap()[..8].to_owned(), Ended::of(child).exits(6).stderr)
}

#[test]
fn a_run_whose_journal_is_moved_says_how_it_goes_on_there() {
    let home = Home::new();
    let (short, told) = moved(&home, &["--journal", "j.db"], "j.db", "moved.db");
    let how = format!(
        "j.db is gone; if it was moved, move j.db-wal too, as FILE-wal; then it goes on with: \
         switchboard run --resume {short} --journal FILE\n"
    );
    assert!(told.ends_with(&how), "{told}");
    std::fs::rename(home.path().join("j.db-wal"), home.path().join("moved.db-wal")).unwrap();
    home.run(&["run", "--resume", &short, "--journal", "moved.db"]).exits(6);
}

#[test]
fn a_run_whose_own_record_is_moved_says_how_it_goes_on_there() {
    let home = Home::new();
    let records = "home/.local/state/switchboard/runs";
    let (short, told) = moved(&home, &[], &format!("{records}/*"), ".");
    let here = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut found = here.filter(|path| path.extension().is_some_and(|extension| extension == "db"));
    let record = found.next().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let how = format!("is gone; if it was moved, it goes on with: switchboard run --resume {short} --journal FILE\n");
    assert!(told.ends_with(&format!("{records}/{record} {how}")), "{told}");
    home.run(&["run", "--resume", &short, "--journal", &record]).exits(6);
}

#[test]
fn a_run_whose_record_lies_elsewhere_names_it() {
    let home = Home::new();
    let left = home.run(&["run", "--code", "alc.llm('x')", "--state-dir", "state"]).exits(6).stderr;
    let how = left.strip_prefix("it goes on with: switchboard ").unwrap();
    home.run(&how.split_whitespace().collect::<Vec<_>>()).exits(6);
}

#[test]
fn a_file_that_is_no_journal_is_a_mistake_and_nothing_is_left_beside_it() {
    let home = Home::new();
    home.file("two.lua", "return 2");
    let told = home.run(&["run", "two.lua", "--journal", "two.lua"]).exits(2).stderr;
    assert_eq!(told, "error: two.lua: this file is no journal; give another one with --journal\n");
    assert!(!home.path().join("two.lua.lock").exists());
}

#[test]
fn a_run_whose_record_cannot_be_kept_goes_on_and_says_so() {
    let home = Home::new();
    home.file("file", "no directory");
    let ended = home.run(&["run", "--code", "return 1", "--state-dir", "file", "--log-file", "log"]).exits(0);
    assert!(ended.stderr.starts_with("no record of this run is kept: "), "{}", ended.stderr);
}

#[tokio::test]
async fn an_answer_that_cannot_be_recorded_is_told_and_no_way_is_advised_that_leads_nowhere() {
    let home = Home::new();
    // Its record tells of another program.
    let mut other = Life::new(5, SessionSpec::run("return 'nothing to ask'"));
    other.take(Command::Begin);
    other.ask("why?");
    let journal = open(&home.path().join("other.db"));
    other.write(&journal).await;
    close(journal).await;
    let (id, all) = (other.id().short(), answers(&home, "", "one"));
    home.file("answerer.sh", "while read -r q; do echo '{\"response\": \"one\"}'; done");
    let resume = ["run", "--resume", &id, "--journal", "other.db"];
    let last = format!(
        "it is tried again when it is resumed, or end it: switchboard session cancel {id} --journal other.db\n"
    );
    let line = "{\"query_id\": \"q-1\", \"response\": \"one\"}\n";
    for (source, named, input) in [
        (&["--answers", &all][..], format!("answers file: q-1 of session {id}: not recorded: "), ""),
        (
            &["--answerer", "sh answerer.sh"],
            "answerer “sh answerer.sh”: the answer to q-1 was not recorded: ".into(),
            "",
        ),
        (&["--stdin"], format!("standard input, line 1: q-1 of session {id}: not recorded: "), line),
    ] {
        let ended = home.run_with_input(&[&resume[..], source].concat(), input).exits(6);
        assert_eq!(ended.stdout, "? q-1 why?\nwaiting: q-1 why?\n");
        let told: Vec<_> = ended.stderr.lines().collect();
        assert_eq!(told.len(), 2, "{ended:#?}");
        let why = told[0].strip_prefix(&named).unwrap_or_else(|| panic!("{ended:#?}"));
        assert_eq!(format!("{}\n", told[1]), format!("{id} cannot go on: {why}; {last}"));
    }
    // Nobody has tried it.
    let ended = home.run(&resume).exits(6);
    assert_eq!(ended.stderr, format!("it goes on with: switchboard run --resume {id} --journal other.db\n"));
    home.run(&["session", "cancel", &id, "--journal", "other.db"]).exits(0);
}

#[test]
fn an_answer_of_a_file_that_a_full_disk_refuses_is_told() {
    let home = Home::new();
    let all = answers(&home, "", "one");
    let code = "for n = 1, 400 do alc.llm(n .. ('x'):rep(200)) end";
    let run = "trap '' XFSZ; ulimit -f 500; exec \"$0\" \"$@\"";
    let arguments = ["-c", run, env!("CARGO_BIN_EXE_switchboard"), "run", "--code", code, "--answers", &all];
    let ended = Ended::of(home.command("sh").args(arguments).args(["--journal", "full.db"]).spawn().unwrap()).exits(6);
    let told: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(told.len(), 2, "{ended:#?}");
    assert!(told[0].starts_with("answers file: q-") && told[0].contains(": not recorded: full.db: "), "{ended:#?}");
    let (_, resume) = told[1].split_once("it goes on with: switchboard ").unwrap();
    home.run(&[&resume.split(' ').collect::<Vec<_>>()[..], &["--answers", &all]].concat()).exits(0);
}
