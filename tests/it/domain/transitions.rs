//! The table of transitions, pair by pair.

use std::collections::BTreeSet;

use serde_json::json;
use switchboard::domain::{
    Command, EffectStep, FailureKind, Rejected, ResumeError, SeenAt, SessionId, StateName, Usage,
};

use super::{Life, answer, ask, cancel, finish, single};

/// Every state, with the two kinds of running.
const STATES: [&str; 6] = ["running, not begun", "running", "paused", "done", "cancelled", "failed"];

const COMMANDS: [&str; 14] = [
    "begin",
    "ask",
    "answer",
    "cancel",
    "finish",
    "fail",
    "log",
    "drop_logs",
    "progress",
    "stats",
    "note",
    "effect",
    "start_children",
    "end_child",
];

fn life_in(state: &str) -> Life {
    let mut life = Life::new();
    if state == "running, not begun" {
        return life;
    }
    life.take(Command::Begin).unwrap();
    let last = match state {
        "running" => return life,
        "paused" => ask("first"),
        "done" => finish(),
        "cancelled" => cancel(SeenAt::Running),
        "failed" => command("fail"),
        _ => unreachable!("{state}"),
    };
    life.take(last).unwrap();
    life
}

fn command(name: &str) -> Command {
    match name {
        "begin" => Command::Begin,
        "ask" => ask("next"),
        "answer" => Command::Answer(single(answer(1))),
        "cancel" => cancel(SeenAt::Running),
        "finish" => finish(),
        "fail" => Command::Fail { message: "no".into(), kind: FailureKind::LuaError, limit: None, traceback: None },
        "log" => Command::Log { level: "info".into(), source: "print".into(), message: "hello".into() },
        "drop_logs" => Command::DropLogs { n: 3 },
        "progress" => Command::Progress { step: 1, total: 2, message: None },
        "stats" => Command::Stats { key: "k".into(), value: json!(1) },
        "note" => Command::Note { title: None, content: "a limit is near".into() },
        "start_children" => Command::StartChildren {
            children: vec![(SessionId::from_bits(1), "a".into()), (SessionId::from_bits(2), "b".into())],
        },
        "end_child" => {
            let usage = Box::new(Usage::default());
            Command::EndChild { session: SessionId::from_bits(1), state: StateName::Done, usage }
        }
        "effect" => Command::Effect(EffectStep::Done { intent: 1, error: None }),
        _ => unreachable!("{name}"),
    }
}

/// What a command does in a state: the events and the state after, or how it is refused.
#[derive(Debug, PartialEq)]
enum Does {
    Causes(&'static [&'static str], StateName),
    Refused(Rejected),
}

fn expected(state: &str, command: &str) -> Does {
    use Does::{Causes, Refused};
    use StateName::{Cancelled, Done, Failed, Paused, Running};
    let now = match state {
        "running, not begun" | "running" => Running,
        "paused" => Paused,
        "done" => Done,
        "cancelled" => Cancelled,
        "failed" => Failed,
        _ => unreachable!("{state}"),
    };
    match (state, command) {
        ("done" | "failed" | "running" | "running, not begun", "answer") => {
            Refused(Rejected::Answer(ResumeError::NotPaused { actual: now }))
        }
        ("cancelled", "answer") => Refused(Rejected::Answer(ResumeError::AlreadyCancelled)),
        ("done" | "cancelled" | "failed", _) => Refused(Rejected::Ended(now)),

        ("running, not begun", "begin") => Causes(&["tick"], Running),
        ("running", "begin") => Refused(Rejected::OutOfTurn(Running)),
        ("running, not begun" | "running", "ask") => {
            Causes(&["state_transition", "pause_requested", "llm_call_begin"], Paused)
        }
        ("running, not begun" | "running", "finish") => Causes(&["state_transition"], Done),
        ("running, not begun" | "running", "log") => Causes(&["log"], Running),
        ("running, not begun" | "running", "drop_logs") => Causes(&["log_dropped"], Running),
        ("running, not begun" | "running", "progress") => Causes(&["progress"], Running),
        ("running, not begun" | "running", "stats") => Causes(&["stats"], Running),
        ("running, not begun" | "running", "start_children") => Causes(&["child_started", "child_started"], Running),
        ("running, not begun" | "running", "end_child") => Causes(&["child_ended"], Running),
        ("running, not begun" | "running", "effect") => Causes(&["effect"], Running),

        ("paused", "answer") => {
            Causes(&["answer_accepted", "llm_call_end", "state_transition", "resume_accepted"], Running)
        }
        (
            "paused",
            "begin" | "ask" | "finish" | "log" | "drop_logs" | "progress" | "stats" | "effect" | "start_children"
            | "end_child",
        ) => Refused(Rejected::OutOfTurn(Paused)),

        (_, "cancel") => Causes(&["cancel_requested", "state_transition"], Cancelled),
        (_, "fail") => Causes(&["state_transition"], Failed),
        (_, "note") => Causes(&["note"], now),
        _ => unreachable!("{state} and {command}"),
    }
}

#[test]
fn every_command_in_every_state_does_what_the_table_says() {
    let mut covered = BTreeSet::new();
    for state in STATES {
        for name in COMMANDS {
            let mut life = life_in(state);
            let before = life.session.clone();
            match (life.take(command(name)), expected(state, name)) {
                (Ok(events), Does::Causes(wanted, after)) => {
                    assert_eq!(events, wanted, "{name} while {state}");
                    assert_eq!(life.session.state().name(), after, "{name} while {state}");
                }
                (Err(rejected), Does::Refused(wanted)) => {
                    assert_eq!(rejected, wanted, "{name} while {state}");
                    assert_eq!(life.session, before, "{name} while {state} changed something");
                }
                (did, wanted) => panic!("{name} while {state}: {did:?}, and not {wanted:?}"),
            }
            covered.insert((state, name, kind_of(&command(name))));
        }
    }
    let kinds: BTreeSet<_> = covered.iter().map(|(_, _, kind)| *kind).collect();
    assert_eq!(covered.len(), STATES.len() * COMMANDS.len());
    assert_eq!(kinds.len(), COMMANDS.len(), "every variant of Command stands in the table");
}

/// Does not compile when a command is added: then the table above grows too.
fn kind_of(command: &Command) -> u8 {
    match command {
        Command::Begin => 0,
        Command::Ask { .. } => 1,
        Command::Answer(_) => 2,
        Command::Cancel { .. } => 3,
        Command::Finish { .. } => 4,
        Command::Fail { .. } => 5,
        Command::Log { .. } => 6,
        Command::DropLogs { .. } => 7,
        Command::Progress { .. } => 8,
        Command::Stats { .. } => 9,
        Command::Note { .. } => 10,
        Command::Effect(_) => 11,
        Command::StartChildren { .. } => 12,
        Command::EndChild { .. } => 13,
    }
}

#[test]
fn a_pause_is_announced_as_transition_then_request_then_the_beginning_of_each_call() {
    let mut life = Life::begun();
    assert_eq!(
        life.take(super::ask_batch(["a", "b", "c"])).unwrap(),
        ["state_transition", "pause_requested", "llm_call_begin", "llm_call_begin", "llm_call_begin"]
    );
}

#[test]
fn each_answer_is_accepted_then_ends_its_call_and_only_the_last_one_resumes() {
    let mut life = Life::begun();
    life.take(super::ask_batch(["a", "b", "c"])).unwrap();
    assert_eq!(
        life.take(Command::Answer(super::batch([answer(3), answer(1)]))).unwrap(),
        ["answer_accepted", "llm_call_end", "answer_accepted", "llm_call_end"]
    );
    assert_eq!(
        life.take(Command::Answer(single(answer(2)))).unwrap(),
        ["answer_accepted", "llm_call_end", "state_transition", "resume_accepted"]
    );
}
