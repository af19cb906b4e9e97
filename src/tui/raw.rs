//! The raw verbs of the palette: the engine's own, past every guard of the desk, so that each error of the contract can
//! be met by hand.
//!
//! Pure: a line in, a verb or one clear fault out. Nothing is called here.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::config::parse_duration;
use crate::domain::{Answer, AnsweredBy, CancelCode, QueryId, ResumePayload, SessionId, TokenUsage};

/// A verb with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// Answer, whatever the state is.
    Resume {
        /// The session.
        session: SessionId,
        /// The answers.
        payload: ResumePayload,
    },
    /// Cancel at once.
    Cancel {
        /// The session.
        session: SessionId,
        /// The kind of reason.
        code: CancelCode,
        /// The words.
        detail: Option<String>,
    },
    /// Start a session.
    Spawn {
        /// Its program.
        program: Program,
        /// Whether it is held before its first instruction.
        held: bool,
    },
    /// Let held sessions begin, and suspended ones go on.
    Release {
        /// The sessions, each once.
        sessions: Arc<[SessionId]>,
    },
    /// Collect ended sessions.
    Collect {
        /// How long they must have been idle.
        ttl: Duration,
        /// How often they are looked for.
        interval: Duration,
    },
}

/// Where a program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A file.
    File(String),
    /// Its text.
    Code(String),
}

/// The verbs with their shapes, for the palette.
pub(super) const VERBS: [(&str, &str); 6] = [
    ("resume", "ID QUERY TEXT [--epoch N] [--usage P,C] [--json PAYLOAD]"),
    ("cancel", "ID [--code C] [--detail D]"),
    ("spawn", "FILE | --code 'LUA'"),
    ("hold", "FILE | --code 'LUA'"),
    ("release", "ID … | marked"),
    ("collect", "--ttl D --interval D"),
];

/// Whether a line is meant as a raw verb: it begins with one, which is complete.
pub(super) fn is_raw(line: &str) -> bool {
    let first = line.split_whitespace().next();
    VERBS.iter().any(|(verb, _)| first == Some(verb))
}

/// The verb, if a line is nothing else.
pub(super) fn verb_alone(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    words.next().filter(|_| words.next().is_none() && !line.ends_with(char::is_whitespace))
}

/// The shape of the verb that a line begins with.
pub(super) fn shape(line: &str) -> Option<String> {
    let verb = line.split_whitespace().next()?;
    VERBS.iter().find(|(name, _)| *name == verb).map(|(name, shape)| format!("{name} {shape}"))
}

/// Reads a line. `session` finds the session that a text names; `marked` are those that the person has marked.
pub(super) fn parse(
    line: &str,
    session: &dyn Fn(&str) -> Result<SessionId, String>,
    marked: &[SessionId],
) -> Result<Raw, String> {
    let words = words(line)?;
    let (verb, rest) = words.split_first().ok_or("nothing to do: name a verb")?;
    let mut args = Args::of(rest)?;
    let raw = match verb.as_str() {
        "resume" => {
            let session = session(&args.next("the session")?)?;
            Raw::Resume { session, payload: payload(&mut args)? }
        }
        "cancel" => {
            let session = session(&args.next("the session")?)?;
            let code = args.option("--code").map_or(Ok(CancelCode::User), |text| code(&text))?;
            Raw::Cancel { session, code, detail: args.option("--detail") }
        }
        "spawn" | "hold" => {
            let program = match args.option("--code") {
                Some(code) => Program::Code(code),
                None => Program::File(args.next("a file, or --code LUA")?),
            };
            Raw::Spawn { program, held: verb == "hold" }
        }
        "release" => Raw::Release { sessions: several(&mut args, session, marked)? },
        "collect" => {
            let mut time = |name: &str| {
                let text = args.option(name).ok_or(format!("{name} is missing, such as {name} 10s"))?;
                parse_duration(&text).map_err(|fault| format!("{name}: {fault}"))
            };
            Raw::Collect { ttl: time("--ttl")?, interval: time("--interval")? }
        }
        other => return Err(format!("{other} is no raw verb")),
    };
    args.nothing_left()?;
    Ok(raw)
}

/// The sessions that are named one behind the other. `marked` names all marked ones.
fn several(
    args: &mut Args,
    session: &dyn Fn(&str) -> Result<SessionId, String>,
    marked: &[SessionId],
) -> Result<Arc<[SessionId]>, String> {
    let mut sessions = Vec::new();
    let mut word = Some(args.next("the session")?);
    while let Some(named) = word {
        match &*named {
            "marked" if marked.is_empty() => return Err("nothing is marked".into()),
            "marked" => sessions.extend_from_slice(marked),
            one => sessions.push(session(one)?),
        }
        word = args.others.pop_front();
    }
    let mut seen = HashSet::new();
    sessions.retain(|id| seen.insert(*id));
    Ok(sessions.into())
}

fn payload(args: &mut Args) -> Result<ResumePayload, String> {
    if let Some(json) = args.option("--json") {
        let value: serde_json::Value = serde_json::from_str(&json).map_err(|fault| format!("--json: {fault}"))?;
        return match value {
            serde_json::Value::Array(answers) => {
                answers.into_iter().map(answer).collect::<Result<_, _>>().map(ResumePayload::Batch)
            }
            one => answer(one).map(ResumePayload::Single),
        };
    }
    let query: QueryId = args.next("the query")?.parse().map_err(|fault| format!("{fault}"))?;
    let text = args.rest("the text")?;
    let mut answer = Answer::new(query, text, AnsweredBy::Person);
    if let Some(epoch) = args.option("--epoch") {
        answer.epoch = Some(epoch.parse().map_err(|_| format!("--epoch: {epoch:?} is not a number"))?);
    }
    if let Some(usage) = args.option("--usage") {
        answer.usage = Some(tokens(&usage)?);
    }
    Ok(ResumePayload::Single(answer))
}

/// An answer as JSON has it; who answers need not be said.
fn answer(mut value: serde_json::Value) -> Result<Answer, String> {
    if let Some(fields) = value.as_object_mut() {
        fields.entry("by").or_insert_with(|| "person".into());
    }
    serde_json::from_value(value).map_err(|fault| format!("--json: {fault}"))
}

fn tokens(text: &str) -> Result<TokenUsage, String> {
    let wrong = || format!("--usage: {text:?} is not P,C: tokens of the prompt and of the completion");
    let (prompt, completion) = text.split_once(',').ok_or_else(wrong)?;
    let number = |text: &str| if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| wrong()) };
    Ok(TokenUsage { prompt_tokens: number(prompt)?, completion_tokens: number(completion)? })
}

fn code(text: &str) -> Result<CancelCode, String> {
    CancelCode::ALL.into_iter().find(|code| code.as_str() == text).ok_or_else(|| {
        let all: Vec<&str> = CancelCode::ALL.iter().map(|code| code.as_str()).collect();
        format!("--code: {text:?} is none of {}", all.join(", "))
    })
}

/// The words behind a verb: options by name, the others in order.
struct Args {
    options: Vec<(String, String)>,
    others: std::collections::VecDeque<String>,
}

impl Args {
    fn of(words: &[String]) -> Result<Self, String> {
        let mut args = Self { options: Vec::new(), others: std::collections::VecDeque::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word.starts_with("--") && word.len() > 2 {
                let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
                args.options.push((word.clone(), value.clone()));
            } else {
                args.others.push_back(word.clone());
            }
        }
        Ok(args)
    }

    fn option(&mut self, name: &str) -> Option<String> {
        let at = self.options.iter().position(|(option, _)| option == name)?;
        Some(self.options.remove(at).1)
    }

    fn next(&mut self, what: &str) -> Result<String, String> {
        self.others.pop_front().ok_or_else(|| format!("{what} is missing"))
    }

    /// What is left, as one text.
    fn rest(&mut self, what: &str) -> Result<String, String> {
        if self.others.is_empty() {
            return Err(format!("{what} is missing (\"\" is an empty one)"));
        }
        Ok(std::mem::take(&mut self.others).into_iter().collect::<Vec<_>>().join(" "))
    }

    fn nothing_left(&self) -> Result<(), String> {
        match (self.options.first(), self.others.front()) {
            (Some((option, _)), _) => Err(format!("{option} means nothing here")),
            (None, Some(word)) => {
                Err(format!("{word} is too much (a text with blanks or quotation marks stands in '…')"))
            }
            (None, None) => Ok(()),
        }
    }
}

/// The words of a line. Quotation marks of both kinds keep blanks together.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        None => return Err(format!("the quotation mark {c} is not closed")),
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => match chars.next() {
                            Some('n') => word.push('\n'),
                            Some(other) => word.push(other),
                            None => return Err("nothing behind the \\".into()),
                        },
                        Some(other) => word.push(other),
                    }
                }
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Raw, String> {
        let named = |text: &str| match text {
            "." => Ok(SessionId::from_bits(1)),
            _ => text.parse().map_err(|_| format!("no session {text}")),
        };
        parse(line, &named, &[SessionId::from_bits(1), SessionId::from_bits(3)])
    }

    #[test]
    fn each_verb_is_read_with_its_options_in_any_order() {
        let session = SessionId::from_bits(1);
        let mut one = Answer::new(QueryId::new(7), "two words", AnsweredBy::Person);
        one.epoch = Some(3);
        one.usage = Some(TokenUsage { prompt_tokens: Some(10), completion_tokens: None });
        let payload = ResumePayload::Single(one);
        assert_eq!(
            read("resume . q-7 two words --epoch 3 --usage 10,"),
            Ok(Raw::Resume { session, payload: payload.clone() })
        );
        assert_eq!(read("resume --usage 10, . --epoch 3 q-7 'two words'"), Ok(Raw::Resume { session, payload }));
        let detail = Some("so it is".into());
        assert_eq!(
            read("cancel . --code timeout --detail \"so it is\""),
            Ok(Raw::Cancel { session, code: CancelCode::Timeout, detail })
        );
        assert_eq!(read("spawn a.lua"), Ok(Raw::Spawn { program: Program::File("a.lua".into()), held: false }));
        assert_eq!(
            read("hold --code 'return 1'"),
            Ok(Raw::Spawn { program: Program::Code("return 1".into()), held: true })
        );
        let released =
            |bits: &[u64]| Ok(Raw::Release { sessions: bits.iter().copied().map(SessionId::from_bits).collect() });
        assert_eq!(read("release ."), released(&[1]));
        assert_eq!(read("release 0000000000000002 . 0000000000000002"), released(&[2, 1]));
        assert_eq!(read("release 0000000000000003 marked"), released(&[3, 1]));
        let (ttl, interval) = (Duration::from_secs(10), Duration::from_millis(250));
        assert_eq!(read("collect --interval 250ms --ttl 10s"), Ok(Raw::Collect { ttl, interval }));
        assert!(
            matches!(read("resume . --json '[]'"), Ok(Raw::Resume { payload: ResumePayload::Batch(none), .. }) if none.is_empty())
        );
        let hash = r#"resume . --json '{"query_id": "q-1", "response": "x", "prompt_hash": "0000000000000001"}'"#;
        assert!(
            matches!(read(hash), Ok(Raw::Resume { payload: ResumePayload::Single(one), .. }) if one.prompt_hash.is_some())
        );
    }

    #[test]
    fn each_fault_is_one_clear_line() {
        for (line, fault) in [
            ("resume", "the session is missing"),
            ("resume .", "the query is missing"),
            ("resume . q-1", "the text is missing (\"\" is an empty one)"),
            ("resume . first x", "\"first\" is not a query id (such as q-3)"),
            ("resume . q-1 x --epoch two", "--epoch: \"two\" is not a number"),
            ("resume . q-1 x --usage 3", "--usage: \"3\" is not P,C: tokens of the prompt and of the completion"),
            ("resume . q-1 'x", "the quotation mark ' is not closed"),
            ("resume nobody q-1 x", "no session nobody"),
            (
                "cancel . --code why",
                "--code: \"why\" is none of user, timeout, parent_dropped, system_shutdown, internal",
            ),
            ("cancel . more", "more is too much (a text with blanks or quotation marks stands in '…')"),
            (
                "hold --code return alc.llm(\"x\")",
                "alc.llm(x) is too much (a text with blanks or quotation marks stands in '…')",
            ),
            ("cancel . --epoch 3", "--epoch means nothing here"),
            ("collect --ttl 1s", "--interval is missing, such as --interval 10s"),
            ("release . --code", "--code needs a value"),
            ("release", "the session is missing"),
            ("release . nobody", "no session nobody"),
            ("cancel marked", "no session marked"),
            ("sing", "sing is no raw verb"),
        ] {
            assert_eq!(read(line), Err(fault.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_verb_is_raw_once_it_is_complete() {
        assert!(is_raw("cancel 12"));
        assert!(is_raw(" resume"));
        assert!(!is_raw("resum"));
        assert!(!is_raw("cancelled x"));
        assert_eq!(verb_alone(" cancel"), Some("cancel"));
        assert_eq!(verb_alone("cancel "), None);
        assert_eq!(verb_alone("cancel ."), None);
    }
}
