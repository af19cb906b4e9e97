//! The form that starts a session: its kind, and the fields that a session of this kind is made of.
//!
//! It holds what was typed and says what that means; nothing is started here. What is on disk comes in from outside:
//! the paths and packages that are offered.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tui_textarea::TextArea;

use super::editor::{paste, text_field, text_of};
use super::input::Key;
use super::keymap::{Context, Motion, Way};
use super::msg::Cmd;
use super::picker::fits;
use super::programs::Wanted;
use super::starting::Start;
use super::typing::type_key;
use crate::engine::Package;

/// The kinds of session that a person starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartKind {
    Run,
    Advice,
    Eval,
}

impl StartKind {
    pub(super) const ALL: [Self; 3] = [Self::Run, Self::Advice, Self::Eval];

    /// Its name, as specs write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Advice => "advice",
            Self::Eval => "eval",
        }
    }

    /// What it does.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Run => "a program: a file, or typed code",
            Self::Advice => "an installed package does a task",
            Self::Eval => "an installed package is tried on the cases of a scenario",
        }
    }
}

/// The fields of the form, in the order they can stand in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StartField {
    Kind,
    File,
    Code,
    Package,
    Scenario,
    Task,
    /// What the package says it needs.
    Needed(String),
    Options,
}

impl StartField {
    /// What the form calls it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Kind => "kind",
            Self::File => "file",
            Self::Code => "or code",
            Self::Package => "package",
            Self::Scenario => "scenario",
            Self::Task => "task",
            Self::Needed(name) => name,
            Self::Options => "options",
        }
    }

    /// Whether it is one line, over things to choose from.
    fn is_offered(&self) -> bool {
        matches!(self, Self::File | Self::Package | Self::Scenario)
    }
}

/// Something to choose in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) text: String,
    /// What it says of itself.
    pub(super) says: String,
}

/// The form.
#[derive(Debug)]
pub(super) struct StartForm {
    pub(super) kind: StartKind,
    /// The field that the keyboard is in.
    pub(super) field: StartField,
    texts: BTreeMap<StartField, TextArea<'static>>,
    /// Paths that begin as the one that is typed.
    paths: Vec<String>,
    packages: Vec<Package>,
    /// Which offer is chosen, counted from the top.
    pub(super) chosen: usize,
}

impl StartForm {
    pub(super) fn new() -> Self {
        Self {
            kind: StartKind::Run,
            field: StartField::File,
            texts: BTreeMap::new(),
            paths: Vec::new(),
            packages: Vec::new(),
            chosen: 0,
        }
    }

    /// What the keyboard does in the field that it is in.
    pub(super) fn context(&self) -> Context {
        match &self.field {
            StartField::Kind => Context::Choice,
            field if field.is_offered() => Context::Offers,
            _ => Context::Detail,
        }
    }

    /// The fields of the kind, in order.
    pub(super) fn fields(&self) -> Vec<StartField> {
        let mut fields = vec![StartField::Kind];
        match self.kind {
            StartKind::Run => fields.extend([StartField::File, StartField::Code]),
            StartKind::Advice => {
                fields.extend([StartField::Package, StartField::Task]);
                let needed = self.package().map_or(&[][..], |package| &package.required);
                fields.extend(needed.iter().filter(|name| *name != "task").cloned().map(StartField::Needed));
                fields.push(StartField::Options);
            }
            StartKind::Eval => fields.extend([StartField::Package, StartField::Scenario, StartField::Options]),
        }
        fields
    }

    pub(super) fn text(&self, field: &StartField) -> String {
        self.texts.get(field).map(text_of).unwrap_or_default()
    }

    /// The text field that the keyboard is in.
    pub(super) fn area(&self) -> Option<&TextArea<'static>> {
        self.texts.get(&self.field)
    }

    fn here(&mut self) -> &mut TextArea<'static> {
        self.texts.entry(self.field.clone()).or_insert_with(|| text_field(""))
    }

    /// Whether nothing is written in it.
    pub(super) fn is_blank(&self) -> bool {
        self.texts.values().all(|area| text_of(area).trim().is_empty())
    }

    /// The package that is named, if it is known.
    fn package(&self) -> Option<&Package> {
        let name = self.text(&StartField::Package);
        self.packages.iter().find(|package| package.name == name.trim())
    }

    pub(super) fn knows_packages(&self) -> bool {
        !self.packages.is_empty()
    }

    /// What may be chosen in the field that the keyboard is in.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let typed = self.text(&self.field);
        match &self.field {
            StartField::File | StartField::Scenario => {
                let paths = self.paths.iter().filter(|path| path.starts_with(&typed));
                paths.map(|path| Offer { text: path.clone(), says: String::new() }).collect()
            }
            StartField::Package => {
                // A name that is complete has been chosen: then the others are what one may want instead.
                let wanted = if self.package().is_some() { "" } else { &typed };
                let offer = |package: &Package| {
                    let says = package.summary.clone().unwrap_or_default();
                    Offer { text: package.name.clone(), says }
                };
                let (mut named, others): (Vec<&Package>, Vec<&Package>) = self
                    .packages
                    .iter()
                    .filter(|it| fits(&format!("{} {}", it.name, it.summary.as_deref().unwrap_or_default()), wanted))
                    .partition(|it| fits(&it.name, wanted));
                named.extend(others);
                // The one that is written out is the chosen one, as long as nothing else is chosen.
                named.sort_by_key(|it| it.name != typed.trim());
                named.into_iter().map(offer).collect()
            }
            StartField::Kind | StartField::Code | StartField::Task | StartField::Needed(_) | StartField::Options => {
                Vec::new()
            }
        }
    }

    /// Takes in what begins so.
    pub(super) fn take_paths(&mut self, begun: &str, wanted: Wanted, paths: Vec<String>) {
        if self.wanted() == Some(wanted) && self.text(&self.field) == begun {
            self.paths = paths;
            self.chosen = 0;
        }
    }

    pub(super) fn take_packages(&mut self, packages: Vec<Package>) {
        self.packages = packages;
    }

    /// Types a key. Says what to look for on disk, if that is another path now.
    pub(super) fn type_key(&mut self, key: Key) -> Option<Cmd> {
        if self.field == StartField::Kind || self.field.is_offered() && key.typed().is_some_and(char::is_control) {
            return None;
        }
        if type_key(self.here(), key) { self.typed() } else { None }
    }

    /// Puts a paste in. Says how many control characters were left out, and what to look for on disk.
    pub(super) fn paste(&mut self, text: &str) -> (usize, Option<Cmd>) {
        let text = if self.field.is_offered() { text.lines().next().unwrap_or_default() } else { text };
        (paste(self.here(), text), self.typed())
    }

    fn typed(&mut self) -> Option<Cmd> {
        self.chosen = 0;
        self.look()
    }

    /// What to look for on disk, where the field is a path.
    pub(super) fn look(&self) -> Option<Cmd> {
        self.wanted().map(|wanted| Cmd::Complete { begun: self.text(&self.field), wanted })
    }

    fn wanted(&self) -> Option<Wanted> {
        match self.field {
            StartField::File => Some(Wanted::Program),
            StartField::Scenario => Some(Wanted::Scenario),
            _ => None,
        }
    }

    /// Chooses another kind or another offer.
    pub(super) fn choose(&mut self, motion: Motion) {
        let (count, at) = match self.field {
            StartField::Kind => {
                (StartKind::ALL.len(), StartKind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or(0))
            }
            _ => (self.offers().len(), self.chosen),
        };
        let last = count.saturating_sub(1);
        let to = match motion {
            Motion::Down => (at + 1) % count.max(1),
            Motion::Up => at.checked_sub(1).unwrap_or(last).min(last),
            Motion::Top | Motion::HalfUp => 0,
            Motion::Bottom | Motion::HalfDown => last,
        };
        match self.field {
            StartField::Kind => self.kind = StartKind::ALL[to],
            _ => self.chosen = to,
        }
    }

    fn put(&mut self, text: &str) -> Option<Cmd> {
        *self.here() = text_field(text);
        self.typed()
    }

    /// Goes on with a path as far as all offers agree, and with a begun package to the chosen one; where there is
    /// nothing to go on with, to another field.
    pub(super) fn other_field(&mut self, way: Way) -> Option<Cmd> {
        if way == Way::Next {
            let begun = self.text(&self.field);
            let offers = self.offers();
            match self.field {
                StartField::File | StartField::Scenario => {
                    let agreed = agreed(&offers);
                    if agreed.len() > begun.len() && agreed.starts_with(&begun) {
                        return self.put(agreed);
                    }
                    // Which of them is meant is not known yet.
                    if !begun.is_empty() && offers.len() > 1 && offers.iter().all(|offer| offer.text != begun) {
                        self.chosen = (self.chosen + 1) % offers.len();
                        return None;
                    }
                }
                StartField::Package if self.package().is_none() && !begun.trim().is_empty() => {
                    if let Some(offer) = offers.get(self.chosen) {
                        self.put(&offer.text);
                    }
                }
                _ => {}
            }
        }
        self.go_to_other(way)
    }

    fn go_to_other(&mut self, way: Way) -> Option<Cmd> {
        let fields = self.fields();
        let at = fields.iter().position(|field| *field == self.field).unwrap_or(0);
        let to = match way {
            Way::Next => (at + 1) % fields.len(),
            Way::Previous => (at + fields.len() - 1) % fields.len(),
        };
        self.go_to(fields[to].clone())
    }

    /// Puts the keyboard into a field.
    pub(super) fn go_to(&mut self, field: StartField) -> Option<Cmd> {
        if self.field != field {
            self.paths.clear();
        }
        self.field = field;
        self.chosen = 0;
        self.look()
    }

    /// Takes the chosen offer; where none is left to take, goes on to the next field.
    pub(super) fn take_chosen(&mut self) -> Option<Cmd> {
        let chosen = self.offers().into_iter().nth(self.chosen).map(|offer| offer.text);
        match chosen.filter(|chosen| *chosen != self.text(&self.field)) {
            Some(chosen) => {
                let look = self.put(&chosen);
                if self.field == StartField::Package { self.go_to_other(Way::Next) } else { look }
            }
            None => self.go_to_other(Way::Next),
        }
    }

    /// What is to be started, or the field at fault and what is wrong with it.
    pub(super) fn start(&self) -> Result<Start, (StartField, String)> {
        let trimmed = |field: &StartField| self.text(field).trim().to_owned();
        match self.kind {
            StartKind::Run => {
                let (file, code) = (trimmed(&StartField::File), self.text(&StartField::Code));
                match (file.is_empty(), code.trim().is_empty()) {
                    (false, true) => Ok(Start::File(file)),
                    (true, false) => Ok(Start::Code(code)),
                    (false, false) => {
                        Err((self.field.clone(), "a file and code are both written: empty one of them".into()))
                    }
                    (true, true) if self.field == StartField::Code => {
                        Err((StartField::Code, "there is no code yet".into()))
                    }
                    (true, true) => Err((StartField::File, "no file is named yet".into())),
                }
            }
            StartKind::Advice => {
                let strategy = self.named_package()?;
                let task = self.text(&StartField::Task);
                let task = (!task.trim().is_empty()).then_some(task);
                let needed = self.package().map_or(&[][..], |package| &package.required);
                if task.is_none() && needed.iter().any(|name| name == "task") {
                    return Err((StartField::Task, format!("task is blank, and {strategy} needs it")));
                }
                let mut opts = self.options()?;
                for name in needed.iter().filter(|name| *name != "task") {
                    let field = StartField::Needed(name.clone());
                    let text = trimmed(&field);
                    if !text.is_empty() {
                        opts.insert(name.clone(), value(&text));
                    } else if !opts.contains_key(name) {
                        let fault = format!("{name} is blank, and {strategy} needs it (\"\" is an empty text)");
                        return Err((field, fault));
                    }
                }
                Ok(Start::Advice { strategy, task, opts: some(opts) })
            }
            StartKind::Eval => {
                let strategy = self.named_package()?;
                let scenario = trimmed(&StartField::Scenario);
                if scenario.is_empty() {
                    return Err((StartField::Scenario, "no scenario is named yet: a file, or a name".into()));
                }
                Ok(Start::Eval { strategy, scenario, opts: some(self.options()?) })
            }
        }
    }

    fn named_package(&self) -> Result<String, (StartField, String)> {
        let name = self.text(&StartField::Package).trim().to_owned();
        if name.is_empty() { Err((StartField::Package, "no package is chosen yet".into())) } else { Ok(name) }
    }

    fn options(&self) -> Result<Map<String, Value>, (StartField, String)> {
        let text = self.text(&StartField::Options);
        if text.trim().is_empty() {
            return Ok(Map::new());
        }
        let fault = |why: String| (StartField::Options, format!("options: {why}; write such as {{\"depth\": 2}}"));
        match serde_json::from_str(&text) {
            Ok(Value::Object(options)) => Ok(options),
            Ok(_) => Err(fault("not a JSON object".into())),
            Err(error) => Err(fault(format!("not JSON ({error})"))),
        }
    }
}

/// What a text stands for: the JSON that it is, else itself.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn some(options: Map<String, Value>) -> Option<Value> {
    (!options.is_empty()).then_some(Value::Object(options))
}

/// The beginning that all of these have.
fn agreed(offers: &[Offer]) -> &str {
    let Some((first, others)) = offers.split_first() else { return "" };
    let first = &first.text;
    let same = |other: &Offer| first.bytes().zip(other.text.bytes()).take_while(|(a, b)| a == b).count();
    let bytes = others.iter().map(same).min().unwrap_or(first.len());
    &first[..first.floor_char_boundary(bytes)]
}
