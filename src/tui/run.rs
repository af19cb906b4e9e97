//! The loop of the desk: waits for what happens, hands it to [`update`](update()), does what that asks for, draws.
//!
//! One `select!`, whose arms only build a value. What is ready is drained before a picture is drawn; a picture is drawn
//! only when something changed, and not more often than every 16 ms. Changes of sessions are taken once a picture, so
//! that ten thousand log lines a second cost no more than sixty looks. Nothing here decides anything; what `update` asks
//! for is done in `performing`.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use super::app::App;
use super::diagnosing::Diagnosis;
use super::frames::Frames;
use super::happening::{Happening, Signals, next_item};
use super::input::from_terminal;
use super::lending::Loan;
use super::msg::{FeedItem, Msg};
use super::opening::Opening;
use super::options::{Exit, TuiError, TuiOptions};
use super::outside::{Drafts, Keeper};
use super::programs::Programs;
use super::terminal::{Extras, Guard, HangUp, Read, Reader};
use super::update::update;
use crate::config::{DeskSettings, Keeping};
use crate::domain::{ObserverRecvError, SessionId};
use crate::engine::{ChangeCursor, Clock, Observer, Registry};

/// The shortest time between two pictures: sixty a second, as fast as screens are. What a key did does not wait for the
/// picture of other changes: it has a sixty a second of its own, else a busy desk would answer a frame late.
pub(super) const FRAME: Duration = Duration::from_millis(16);

/// Events of the selected session that are taken between two pictures: 30 000 a second, and a key never waits for more.
const EVENTS_PER_FRAME: usize = 512;

/// Changed sessions that are looked at between two keys: a few milliseconds' worth.
const CHANGES_AT_ONCE: usize = 2_000;

/// Outcomes that may wait for the loop. A command takes a key, so there are never many.
const OUTCOMES: usize = 64;

/// How often it is asked whether answers can be recorded. A person is told soon enough, and whoever answers at once.
const LOOK: Duration = Duration::from_secs(1);

/// How long answers and cancels under way may take when the desk ends: they are acknowledged within milliseconds.
const LAST_OUTCOMES: Duration = Duration::from_secs(2);

/// Runs the desk until somebody quits, a signal comes, or the terminal is gone. The terminal is as before then.
///
/// To be run on a current-thread runtime of its own, on the main thread, while the sessions run on another: so no
/// program can make a key wait. Nothing is shut down here; what becomes of the sessions is the caller's to say. The
/// signals it listened to stay with the runtime: they do not end the process by themselves afterwards.
///
/// # Errors
/// [`TuiError`] if there is no usable terminal.
pub async fn run(registry: Registry, options: TuiOptions) -> Result<Exit, TuiError> {
    let signals = Signals::listen().map_err(TuiError::Signals)?;
    let extras = Extras { mouse: options.settings.mouse, title: options.settings.title };
    let terminal = Guard::take(extras).map_err(TuiError::Terminal)?;
    let size = terminal.size().map_err(TuiError::Terminal)?;
    let reader = Reader::start(options.clock.now()).map_err(TuiError::Terminal)?;
    let (sender, outcomes) = mpsc::channel(OUTCOMES);
    let mut app = App::new(options.look, options.entropy.bits(), options.clock.now());
    app.furnish(&options.settings, options.keymap);
    if options.drafts.is_some() {
        app = app.with_answerer();
    }
    if options.keeper.is_some() {
        app = app.keeping(Keeping::Journal);
    }
    if let Some(stand) = options.stand {
        app.stand_as(stand);
    }
    drop(update(&mut app, Msg::Resize(size.0, size.1)));
    let mut desk = Desk {
        app,
        registry,
        clock: options.clock,
        settings: options.settings,
        programs: options.programs,
        drafts: options.drafts,
        keeper: options.keeper,
        opening: options.opening,
        loan: None,
        terminal,
        cursor: ChangeCursor::default(),
        observer: None,
        tasks: TaskTracker::new(),
        sender,
        dirty: true,
        changes_waiting: true,
        changed: VecDeque::new(),
        events_waiting: false,
        exit: None,
        frames: Frames::default(),
    };
    desk.tell(Msg::Unsent(options.unsent));
    desk.tell(Msg::Notices(options.notices));
    desk.inquire();
    let exit = desk.run(reader, outcomes, signals).await;
    for cmd in desk.app.drafts_to_keep() {
        desk.perform(cmd);
    }
    // An answer that was sent must not be lost because somebody quit right behind it.
    desk.tasks.close();
    drop(tokio::time::timeout(LAST_OUTCOMES, desk.tasks.wait()).await);
    let farewell = desk.app.farewell();
    // The terminal is as before from here on.
    drop(desk);
    if let Some(farewell) = farewell.filter(|_| !matches!(exit, Exit::TerminalLost | Exit::KeptIsFree(_))) {
        // Who reads it no more has gone.
        drop(writeln!(io::stdout(), "{farewell}"));
    }
    Ok(exit)
}

/// The loop and what it holds.
pub(super) struct Desk {
    pub(super) app: App,
    pub(super) registry: Registry,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: DeskSettings,
    pub(super) programs: Arc<dyn Programs>,
    pub(super) drafts: Option<Arc<dyn Drafts>>,
    pub(super) keeper: Option<Arc<dyn Keeper>>,
    pub(super) opening: Arc<Opening>,
    /// What the terminal is to be lent for next.
    pub(super) loan: Option<Loan>,
    pub(super) terminal: Guard,
    pub(super) cursor: ChangeCursor,
    pub(super) observer: Option<Observer>,
    pub(super) tasks: TaskTracker,
    pub(super) sender: mpsc::Sender<Msg>,
    /// Whether the picture is not what the desk knows.
    pub(super) dirty: bool,
    /// Whether sessions changed that were not looked at.
    pub(super) changes_waiting: bool,
    /// Sessions that changed and were not looked at yet, in the order in which they did.
    pub(super) changed: VecDeque<SessionId>,
    /// Whether the observer has events that were not taken.
    pub(super) events_waiting: bool,
    pub(super) exit: Option<Exit>,
    /// What is measured of all this.
    pub(super) frames: Frames,
}

impl Desk {
    async fn run(&mut self, mut reader: Reader, mut outcomes: mpsc::Receiver<Msg>, mut signals: Signals) -> Exit {
        let hang_up = HangUp::watch();
        let mut drawn_at = Instant::now();
        let mut shown_at = drawn_at;
        let mut look_at = drawn_at;
        loop {
            if let Some(exit) = self.exit.take() {
                if exit == Exit::TerminalLost {
                    reader.abandon();
                }
                return exit;
            }
            if let Some(loan) = self.loan.take() {
                // Its thread would take the other program's keys.
                drop(reader);
                signals.keys_are_of_another();
                self.lend(loan);
                signals.keys_are_ours();
                match Reader::start(self.clock.now()) {
                    Ok(again) => reader = again,
                    Err(_) => return Exit::TerminalLost,
                }
                continue;
            }
            let draws = self.dirty || self.changes_waiting || self.events_waiting;
            let tick = self.app.next_tick().map(|at| self.after(at));
            let observing = self.observer.is_some() && !self.events_waiting;
            let happening = tokio::select! {
                biased;
                happening = signals.next() => happening,
                () = hang_up.gone() => Happening::HungUp,
                read = reader.read() => Happening::Read(read),
                outcome = outcomes.recv() => Happening::Outcome(outcome),
                () = sleep_until(drawn_at + FRAME), if draws => Happening::Draw,
                () = self.registry.changed(self.cursor), if !self.changes_waiting => Happening::Changes,
                () = self.registry.recovery_changed(self.app.recovery()), if !draws => Happening::Tick,
                item = next_item(self.observer.as_mut()), if observing => Happening::Feed(item),
                () = sleep_until(look_at), if self.keeper.is_some() => Happening::Look,
                () = sleep_until(tick.unwrap_or(drawn_at)), if tick.is_some() && !draws => Happening::Tick,
                () = std::future::ready(()), if self.has_work() => Happening::Idle,
            };
            if happening.is_news() {
                self.frames.wanted();
            }
            match happening {
                Happening::Read(Some(Ok(read))) => {
                    self.read(read);
                    self.inquire();
                    // What a key did is shown at once, however soon behind a picture of other changes.
                    if shown_at.elapsed() >= FRAME && self.loan.is_none() {
                        self.draw();
                        shown_at = Instant::now();
                        drawn_at = shown_at;
                    }
                }
                Happening::Read(Some(Err(_)) | None) | Happening::HungUp => self.exit = Some(Exit::TerminalLost),
                Happening::Outcome(Some(msg)) => self.tell(msg),
                // The desk itself holds a sender.
                Happening::Outcome(None) => {}
                Happening::Changes => self.changes_waiting = true,
                Happening::Feed(item) => self.took(item),
                Happening::Tick => self.dirty = true,
                Happening::Look => {
                    look_at = Instant::now() + LOOK;
                    self.look();
                }
                Happening::Idle => self.work(),
                Happening::Draw => {
                    self.catch_up();
                    self.draw();
                    drawn_at = Instant::now();
                }
                Happening::Ended(exit) => self.exit = Some(exit),
                Happening::Stopped => {
                    let back = self.terminal.stop();
                    self.drawn(&back);
                    self.dirty = true;
                }
                Happening::Continued => {
                    let again = self.terminal.continued();
                    self.drawn(&again);
                    self.dirty = true;
                }
            }
        }
    }

    /// Asks whether answers can be recorded.
    fn look(&mut self) {
        let free = self.keeper.as_ref().is_some_and(|keeper| keeper.is_free());
        if free && self.app.is_at_rest() {
            self.exit = Some(Exit::KeptIsFree(Box::new(self.app.stand())));
            return;
        }
        let follows = self.keeper.as_ref().and_then(|keeper| keeper.follows());
        let trouble = if free {
            Some("the journal is free now; back in the list this desk takes it".to_owned())
        } else {
            // That it is recorded elsewhere is no trouble.
            self.keeper.as_ref().filter(|_| follows.is_none()).and_then(|keeper| keeper.trouble())
        };
        if follows.as_deref() != self.app.follows() {
            self.tell(Msg::Follows(follows));
        }
        if trouble.as_deref() != self.app.trouble() {
            self.tell(Msg::Trouble(trouble));
        }
    }

    /// When on the loop's own clock it is `at` on the desk's.
    fn after(&self, at: i64) -> Instant {
        let ms = at.saturating_sub(self.clock.now()).max(0);
        Instant::now() + Duration::from_millis(ms as u64)
    }

    pub(super) fn tell(&mut self, msg: Msg) {
        let cmds = update(&mut self.app, msg);
        self.dirty = true;
        for cmd in cmds {
            self.perform(cmd);
        }
    }

    fn read(&mut self, Read { events, at }: Read) {
        self.terminal.is_in_use();
        self.tell(Msg::Time(self.clock.now()));
        let mut inputs = Vec::new();
        for event in events {
            if let crossterm::event::Event::Resize(width, height) = event {
                self.tell(Msg::Resize(width, height));
            } else {
                inputs.extend(from_terminal(event));
            }
        }
        if !inputs.is_empty() {
            self.frames.key();
            self.tell(Msg::ReadAt(at));
            self.tell(Msg::Input(inputs));
        }
    }

    /// Takes in what changed since the last picture.
    fn catch_up(&mut self) {
        self.tell(Msg::Time(self.clock.now()));
        if self.changes_waiting {
            self.changes_waiting = false;
            self.take_changes();
        }
        let recovery = self.registry.recovery();
        if recovery != *self.app.recovery() {
            self.tell(Msg::Recovery(recovery));
        }
        self.inquire();
        if let Some(observer) = &mut self.observer {
            let session = observer.session();
            let mut items = Vec::new();
            self.events_waiting = true;
            while items.len() < EVENTS_PER_FRAME && self.events_waiting {
                match observer.try_recv() {
                    Ok(Some(event)) => items.push(FeedItem::Event(event)),
                    Ok(None) => self.events_waiting = false,
                    Err(ObserverRecvError::Closed) => {
                        self.observer = None;
                        self.events_waiting = false;
                        break;
                    }
                    Err(gap @ ObserverRecvError::Gap { .. }) => items.push(FeedItem::Instead(gap)),
                }
            }
            if !items.is_empty() {
                self.frames.took(&items);
                self.tell(Msg::Feed(session, items));
            }
        }
    }

    /// Asks for what the picture shows and nobody announces.
    fn inquire(&mut self) {
        let faults = self.opening.take_faults();
        if !faults.is_empty() {
            self.tell(Msg::Notices(faults));
        }
        let far = self.opening.far();
        if far != self.app.opening() {
            self.tell(Msg::Opening(far));
        }
        if let Some(session) = self.app.wants_facts() {
            let facts = self.registry.inspect(session);
            self.tell(Msg::Inspected(session, facts));
        }
        if self.app.wants_calls() {
            let calls = self.registry.calls();
            self.tell(Msg::Calls(calls));
        }
        if self.app.wants_diagnosis() {
            let diagnosis = Diagnosis { engine: self.registry.diagnostics(), desk: self.frames.figures() };
            self.tell(Msg::Diagnosed(Box::new(diagnosis)));
        }
    }

    fn take_changes(&mut self) {
        let changes = self.registry.changes(self.cursor);
        self.cursor = changes.cursor;
        if changes.overflowed {
            self.changed = self.registry.list().into_iter().map(|summary| summary.id).collect();
        } else {
            self.changed.extend(changes.sessions);
        }
        self.look_at_changed();
    }

    fn has_work(&self) -> bool {
        !self.changed.is_empty() || self.app.has_work()
    }

    /// Does a portion of what is to be done.
    fn work(&mut self) {
        if self.changed.is_empty() {
            self.tell(Msg::Work);
        } else {
            self.look_at_changed();
        }
    }

    /// Looks at some of the sessions that changed; a key never waits for all of them.
    fn look_at_changed(&mut self) {
        let mut summaries = Vec::new();
        let mut gone = Vec::new();
        for id in self.changed.drain(..CHANGES_AT_ONCE.min(self.changed.len())) {
            match self.registry.summary(id) {
                Ok(summary) => summaries.push(summary),
                Err(_) => gone.push(id),
            }
        }
        self.frames.changes += summaries.len() as u64;
        if !summaries.is_empty() {
            self.tell(Msg::Changed(summaries));
        }
        if !gone.is_empty() {
            self.tell(Msg::Gone(gone));
        }
    }

    /// Takes in what the observer woke the loop with; the rest waits for the next picture.
    fn took(&mut self, item: FeedItem) {
        let Some(observer) = &self.observer else { return };
        let session = observer.session();
        match item {
            FeedItem::Instead(ObserverRecvError::Closed) => self.observer = None,
            FeedItem::Event(_) | FeedItem::Instead(ObserverRecvError::Gap { .. }) => {
                self.events_waiting = true;
                let items = vec![item];
                self.frames.took(&items);
                self.tell(Msg::Feed(session, items));
            }
        }
    }

    fn draw(&mut self) {
        self.dirty = false;
        let began = Instant::now();
        let drawn = self.terminal.title(|| self.app.title()).and_then(|()| self.terminal.draw(&self.app));
        self.frames.drawn(began);
        self.drawn(&drawn);
    }

    /// A terminal that takes no picture is gone.
    pub(super) fn drawn(&mut self, done: &io::Result<()>) {
        if done.is_err() {
            self.exit = Some(Exit::TerminalLost);
        }
    }
}
