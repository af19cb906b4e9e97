//! The chapter for people who write programs: its examples ask what it says and come to what it says.

use std::cell::RefCell;

use serde_json::Value;
use switchboard::domain::SessionSpec;

use super::driver::Session;

const CHAPTER: &str = include_str!("../../../assets/docs/programs.md");

/// An example: a program, and lines that begin with `?`, `>` or `=`.
struct Example {
    code: String,
    lines: Vec<(char, String)>,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = None;
    for line in CHAPTER.lines() {
        match (inside, line) {
            (None, "```lua run") => {
                inside = Some("code");
                examples.push(Example { code: String::new(), lines: Vec::new() });
            }
            (None, "```text") => inside = Some("lines"),
            (None, other) => assert!(!other.starts_with("```"), "{other}: every block is an example"),
            (Some(_), "```") => inside = None,
            (Some("code"), line) => {
                let code = &mut examples.last_mut().unwrap().code;
                code.push_str(line);
                code.push('\n');
            }
            (Some(_), line) => {
                let (sign, text) = line.split_at(1);
                let text = text.strip_prefix(' ').unwrap_or(text).to_owned();
                examples.last_mut().unwrap().lines.push((sign.chars().next().unwrap(), text));
            }
        }
    }
    examples
}

#[test]
fn its_examples_ask_and_end_as_it_says() {
    let examples = examples();
    assert!(examples.len() > 10, "the marks of the examples are gone");
    for Example { code, lines } in examples {
        let of = |sign: char| lines.iter().filter(move |it| it.0 == sign).map(|it| it.1.as_str());
        let prompts: Vec<&str> = of('?').collect();
        // One line is one answer, unless there is but one question.
        let answers: Vec<String> = if prompts.len() == 1 {
            vec![of('>').collect::<Vec<_>>().join("\n")]
        } else {
            of('>').map(str::to_owned).collect()
        };
        let answers = RefCell::new(answers.into_iter());
        let mut spec = SessionSpec::run(code.as_str());
        let ctx = code.lines().next().and_then(|line| line.strip_prefix("-- ctx: "));
        spec.ctx = ctx.map(|ctx| serde_json::from_str(ctx).unwrap());
        let mut session = Session::of(spec);
        let ended = session.finish(|_| answers.borrow_mut().next().expect("as many answers as questions"));
        assert_eq!(session.prompts(), prompts, "{code}");
        let result: Value = serde_json::from_str(of('=').next().unwrap()).unwrap();
        assert_eq!(ended, Ok(result), "{code}");
    }
}
