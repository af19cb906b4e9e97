//! Reads a query. What cannot be read is a [`Fault`] with its place, so that a screen can underline it while somebody
//! goes on typing.

use std::ops::Range;
use std::str::FromStr;

use super::expr::{Compare, Expr, Pattern, Standing, Test, Word};
use super::value;
use crate::domain::StateName;

/// How deep parentheses and minus signs may nest: nobody writes more, and a text must not use up the stack.
const DEEPEST: usize = 64;

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    /// One line that says what is wrong and what to write.
    pub what: String,
    /// Where, in bytes of the text. Never outside it, and empty only at its end.
    pub span: Range<usize>,
}

impl FromStr for Expr {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let mut parser = Parser { text, at: 0 };
        let expr = parser.any(0)?;
        parser.skip_blanks();
        match parser.rest().chars().next() {
            None => Ok(expr.unwrap_or(Self::EVERYTHING)),
            // The only sign that ends a query before its text does.
            Some(c) => Err(parser.fault(parser.at..parser.at + c.len_utf8(), "there is no ( for this )")),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fault(&self, span: Range<usize>, what: impl Into<String>) -> Fault {
        let start = span.start.min(self.text.len());
        Fault { what: what.into(), span: start..span.end.clamp(start, self.text.len()) }
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// `all { "or" all }`; `None` where nothing stands.
    fn any(&mut self, depth: usize) -> Result<Option<Expr>, Fault> {
        let Some(first) = self.all(depth)? else {
            return match self.take("or") {
                Some(or) => Err(self.fault(or, "or needs something before it; quote it to search for the word")),
                None => Ok(None),
            };
        };
        let mut ways = vec![first];
        while let Some(or) = self.take("or") {
            match self.all(depth)? {
                Some(way) => ways.push(way),
                None => return Err(self.fault(or, "or needs something behind it")),
            }
        }
        Ok(Some(if ways.len() == 1 { ways.remove(0) } else { Expr::Any(ways) }))
    }

    /// `part { [ "and" ] part }`; `None` where nothing stands.
    fn all(&mut self, depth: usize) -> Result<Option<Expr>, Fault> {
        let Some(first) = self.part(depth)? else {
            return match self.take("and") {
                Some(and) => Err(self.fault(and, "and needs something before it; quote it to search for the word")),
                None => Ok(None),
            };
        };
        let mut parts = vec![first];
        loop {
            let and = self.take("and");
            match (self.part(depth)?, and) {
                (Some(part), _) => parts.push(part),
                (None, Some(and)) => return Err(self.fault(and, "and needs something behind it")),
                (None, None) => break,
            }
        }
        Ok(Some(if parts.len() == 1 { parts.remove(0) } else { Expr::All(parts) }))
    }

    /// A word of the language, if it stands here by itself.
    fn take(&mut self, word: &str) -> Option<Range<usize>> {
        self.skip_blanks();
        let behind = self.rest().strip_prefix(word)?;
        if behind.chars().next().is_some_and(|c| !ends_a_word(c)) {
            return None;
        }
        let start = self.at;
        self.at += word.len();
        Some(start..self.at)
    }

    fn part(&mut self, depth: usize) -> Result<Option<Expr>, Fault> {
        self.skip_blanks();
        let start = self.at;
        if depth > DEEPEST {
            return Err(self.fault(start..self.text.len(), "this nests too deep"));
        }
        match self.rest().chars().next() {
            None | Some(')') => Ok(None),
            Some('-') => {
                self.at += 1;
                if self.rest().starts_with(|c: char| c.is_whitespace() || c == ')') || self.rest().is_empty() {
                    return Err(self.fault(start..self.at, "- needs what it turns round right behind it"));
                }
                match self.part(depth + 1)? {
                    Some(part) => Ok(Some(Expr::Not(Box::new(part)))),
                    None => Err(self.fault(start..self.at, "- needs what it turns round right behind it")),
                }
            }
            Some('(') => {
                self.at += 1;
                let inner = self.any(depth + 1)?;
                self.skip_blanks();
                if !self.rest().starts_with(')') {
                    return Err(self.fault(start..start + 1, "there is no ) for this ("));
                }
                self.at += 1;
                match inner {
                    Some(inner) => Ok(Some(inner)),
                    None => Err(self.fault(start..self.at, "nothing stands between the parentheses")),
                }
            }
            Some('"') => {
                let word = self.quoted(Escapes::All)?;
                if word.is_empty() {
                    return Err(self.fault(start..self.at, "nothing stands between the quotes"));
                }
                Ok(Some(Expr::Test(Test::Word(Word::new(word)))))
            }
            Some(_) => {
                let mut ahead = Self { text: self.text, at: self.at };
                let is_joint = ahead.take("or").or_else(|| ahead.take("and")).is_some();
                if is_joint { Ok(None) } else { self.test().map(Some) }
            }
        }
    }

    fn test(&mut self) -> Result<Expr, Fault> {
        let start = self.at;
        let rest = self.rest();
        let name = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_').len();
        let sign = rest[name..].chars().next().filter(|c| matches!(c, ':' | '~' | '>' | '<'));
        let (Some(sign), true) = (sign, name > 0) else {
            return Ok(Expr::Test(Test::Word(Word::new(self.plain()))));
        };
        self.at += name + 1;
        let field = rest[..name].to_ascii_lowercase();
        let field = &*field;
        let test = match (field, sign) {
            ("state", ':') => self.state()?,
            ("is", ':') => self.standing()?,
            ("tag", ':') => Test::Tag(self.value("tag: needs a key, a value or key=value, such as tag:ci")?.0),
            ("id", ':') => self.id()?,
            ("title", '~') => Test::Title(self.pattern("title~")?),
            ("prompt", '~') => Test::Prompt(self.pattern("prompt~")?),
            ("age", '>' | '<') => Test::Age(compare(sign), self.duration(field, sign)?),
            ("wait", '>' | '<') => Test::Wait(compare(sign), self.duration(field, sign)?),
            ("tokens", '>' | '<') => Test::Tokens(compare(sign), self.number()?),
            _ => return Err(self.no_field(field, start)),
        };
        Ok(Expr::Test(test))
    }

    fn no_field(&self, field: &str, start: usize) -> Fault {
        let rest = &self.text[start..];
        let end = start + rest.find(|c: char| c.is_whitespace() || c == ')').unwrap_or(rest.len());
        let written = match field {
            "state" | "is" | "tag" | "id" => format!("write {field}: and a value"),
            "title" | "prompt" => format!("write {field}~ and a pattern"),
            "age" | "wait" | "tokens" => format!("write {field}> or {field}<"),
            _ => {
                "fields are state: is: tag: id: title~ prompt~ age> wait> tokens>; quote it to search for it".to_owned()
            }
        };
        self.fault(start..end, format!("{} is no field; {written}", &self.text[start..=start + field.len()]))
    }

    fn state(&mut self) -> Result<Test, Fault> {
        const STATES: [StateName; 5] =
            [StateName::Paused, StateName::Running, StateName::Done, StateName::Failed, StateName::Cancelled];
        let needs = "a state is paused, running, done, failed or cancelled";
        let (value, span) = self.value(needs)?;
        let found = STATES.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(&value));
        found.map(Test::State).ok_or_else(|| match standing(&value) {
            Some(standing) => self.fault(span, format!("{needs}; write is:{}", standing.as_str())),
            None => self.fault(span, needs),
        })
    }

    fn standing(&mut self) -> Result<Test, Fault> {
        let needs = "is: needs held or suspended; states stand behind state:";
        let (value, span) = self.value(needs)?;
        standing(&value).map(Test::Is).ok_or_else(|| self.fault(span, needs))
    }

    fn id(&mut self) -> Result<Test, Fault> {
        let needs = "an id is at most sixteen digits 0-9 a-f, and may be shortened to its beginning";
        let (value, span) = self.value(needs)?;
        let digits = value.to_ascii_lowercase();
        if digits.len() <= 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Test::Id(digits))
        } else {
            Err(self.fault(span, needs))
        }
    }

    fn duration(&mut self, field: &str, sign: char) -> Result<u64, Fault> {
        let needs = format!("{field}{sign} needs a duration, such as {field}{sign}5m (ms, s, m, h or d)");
        let (value, span) = self.value(&needs)?;
        value::duration(&value).ok_or_else(|| self.fault(span, needs))
    }

    fn number(&mut self) -> Result<u64, Fault> {
        let needs = "tokens are compared with a whole number, such as tokens>1000 or tokens>20k";
        let (value, span) = self.value(needs)?;
        value::number(&value).ok_or_else(|| self.fault(span, needs))
    }

    fn pattern(&mut self, field: &str) -> Result<Pattern, Fault> {
        let start = self.at;
        let text = if self.rest().starts_with('"') { self.quoted(Escapes::Quotes)? } else { self.plain() };
        if text.is_empty() {
            let span = start.saturating_sub(field.len())..self.at;
            return Err(self.fault(span, format!("{field} needs a pattern, such as {field}review")));
        }
        Pattern::new(&text).map_err(|error| self.fault(start..self.at, format!("not a regular expression: {error}")))
    }

    /// A value, and where it stands.
    fn value(&mut self, needs: &str) -> Result<(String, Range<usize>), Fault> {
        let start = self.at;
        let text = if self.rest().starts_with('"') { self.quoted(Escapes::All)? } else { self.plain() };
        if text.is_empty() {
            // The field itself is underlined: behind it there is nothing to underline.
            let field = self.text[..start].rfind(|c: char| c.is_whitespace() || matches!(c, '(' | '-'));
            return Err(self.fault(field.map_or(0, |before| before + 1)..self.at, needs));
        }
        Ok((text, start..self.at))
    }

    /// Text up to the next blank, parenthesis or quote.
    fn plain(&mut self) -> String {
        let rest = self.rest();
        let text = &rest[..rest.find(ends_a_word).unwrap_or(rest.len())];
        self.at += text.len();
        text.to_owned()
    }

    fn quoted(&mut self, escapes: Escapes) -> Result<String, Fault> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                '\\' => match (chars.next(), escapes) {
                    (Some((_, '"')), _) => text.push('"'),
                    (Some((_, '\\')), Escapes::All) => text.push('\\'),
                    (Some((_, other)), _) => text.extend(['\\', other]),
                    (None, _) => break,
                },
                c => text.push(c),
            }
        }
        Err(self.fault(start..self.text.len(), "the quote is not closed"))
    }
}

/// What a backslash means inside quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// `\"` is a quote and `\\` a backslash.
    All,
    /// Only `\"` is a quote; every other pair is the pattern's own.
    Quotes,
}

fn standing(value: &str) -> Option<Standing> {
    Standing::ALL.into_iter().find(|standing| standing.as_str().eq_ignore_ascii_case(value))
}

fn ends_a_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"')
}

fn compare(sign: char) -> Compare {
    if sign == '>' { Compare::More } else { Compare::Less }
}
