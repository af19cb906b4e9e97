//! `switchboard demo`: the desk with the bundled example sessions.

use serde_json::{Value, json};

use super::exit::{CliError, Exit};
use super::open;
use super::programs::OnDisk;
use crate::config::{Keeping, Settings};
use crate::domain::{SessionKind, SessionSpec};

/// One example session.
struct Example {
    title: &'static str,
    /// The name of its script, which its errors show.
    script: &'static str,
    code: &'static str,
    ctx: fn() -> Value,
}

macro_rules! example {
    ($title:literal, $script:literal) => {
        example!($title, $script, json!({}))
    };
    ($title:literal, $script:literal, $ctx:expr) => {
        Example {
            title: $title,
            script: $script,
            code: include_str!(concat!("../../assets/demo/", $script)),
            ctx: || $ctx,
        }
    };
}

/// In the order a newcomer meets them: what waits first, then what runs, then what ends. Titles fit the narrow list.
static EXAMPLES: &[Example] = &[
    example!("patch review", "reviewer.lua"),
    example!("20 questions", "asks_again.lua"),
    example!("four judges", "judges.lua"),
    example!("tabs or spaces", "debate.lua", json!({ "topic": "Tabs are better than spaces", "rounds": 2 })),
    example!("careful caller", "pcall.lua"),
    example!("budget of 3", "budget.lua", json!({ "budget": { "max_llm_calls": 3 } })),
    example!("漢字 🙂 text", "hostile_text.lua"),
    example!("prime counting", "long_computation.lua"),
    example!("endless loop", "endless_loop.lua"),
    example!("never asks", "never_asks.lua"),
    example!("fails, line 4", "fails.lua"),
    example!("memory bomb", "memory_bomb.lua"),
];

/// Opens the desk with every example.
pub(super) fn demo(settings: &Settings) -> Result<Exit, CliError> {
    open::check_terminal(settings)?;
    let starts = open::Starts { programs: OnDisk::default(), answerer: None };
    // The examples are no work of anybody's: they go into no journal unless one is named for them.
    let keeping = if settings.paths.named_journal().is_some() { settings.keeping } else { Keeping::Nothing };
    let settings = Settings { keeping, ..settings.clone() };
    open::show(&settings, &[], examples(), starts)
}

/// What the demo starts, in its order.
pub fn examples() -> Vec<SessionSpec> {
    EXAMPLES.iter().map(Example::spec).collect()
}

impl Example {
    fn spec(&self) -> SessionSpec {
        let mut spec = SessionSpec::run(self.code);
        if let SessionKind::Run { name, .. } = &mut spec.kind {
            *name = Some(self.script.to_owned());
        }
        spec.ctx = Some((self.ctx)());
        spec.title = Some(self.title.to_owned());
        spec.tags.insert("demo".to_owned(), self.script.trim_end_matches(".lua").to_owned());
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_can_start_and_begins_with_two_lines_for_its_reader() {
        for example in EXAMPLES {
            assert_eq!(example.spec().check(), Ok(()), "{}", example.script);
            let comments = example.code.lines().take_while(|line| line.starts_with("-- ")).count();
            assert_eq!(comments, 2, "{}", example.script);
        }
    }

    #[test]
    fn no_example_is_forgotten() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo");
        let files = std::fs::read_dir(directory).unwrap().count();
        assert_eq!(files, EXAMPLES.len());
    }
}
