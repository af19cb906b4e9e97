//! The loop of the desk: waits for what happens, hands it to [`update`](update()), does what that asks for, draws.
//!
//! One `select!`, whose arms only build a value. What is ready is drained before a picture is drawn; a picture is drawn
//! only when something changed, and not more often than every 16 ms. Changes of sessions are taken once a picture, so
//! that ten thousand log lines a second cost no more than sixty looks. Nothing here decides anything; what `update` asks
//! for is done in `performing`.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use super::app::App;
use super::diagnosing::Diagnosis;
use super::frames::Frames;
use super::input::from_terminal;
use super::keymap::Keymap;
use super::lending::Loan;
use super::msg::{FeedItem, Msg};
use super::outside::{Drafts, Keeper};
use super::programs::Programs;
use super::terminal::{Extras, Guard, HangUp, Reader};
use super::theme::Look;
use super::update::update;
use crate::config::{DeskSettings, Keeping};
use crate::domain::{ObserverRecvError, SessionId};
use crate::engine::{ChangeCursor, Clock, Draft, Entropy, Observer, Registry};

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

/// What the desk needs from outside.
pub struct TuiOptions {
    /// How it looks.
    pub look: Look,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives the random bits that make answer ids unique.
    pub entropy: Arc<dyn Entropy>,
    /// What the person wants.
    pub settings: DeskSettings,
    /// What the keys are.
    pub keymap: Keymap,
    /// Reads programs to start.
    pub programs: Arc<dyn Programs>,
    /// Drafts answers, if somebody is configured to.
    pub drafts: Option<Arc<dyn Drafts>>,
    /// Keeps sessions and drafts beyond the desk; without one they end with it.
    pub keeper: Option<Arc<dyn Keeper>>,
    /// What was typed before and not sent.
    pub unsent: Vec<Draft>,
}

/// Why the desk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The person quit.
    Quit,
    /// SIGINT asked for it.
    Interrupted,
    /// SIGTERM asked for it.
    Terminated,
    /// The terminal is gone, or SIGHUP said so.
    TerminalLost,
    /// What another process kept is free, and the person does nothing at the moment: a desk opened now has it.
    KeptIsFree,
}

/// Why there is no desk, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The terminal could not be taken.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] io::Error),
    /// Signals cannot be listened to.
    #[error("signals cannot be listened to: {0}")]
    Signals(#[source] io::Error),
}

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
    let reader = Reader::start().map_err(TuiError::Terminal)?;
    let (sender, outcomes) = mpsc::channel(OUTCOMES);
    let mut app = App::new(options.look, options.entropy.bits(), options.clock.now());
    app.furnish(&options.settings, options.keymap);
    if options.drafts.is_some() {
        app = app.with_answerer();
    }
    if options.keeper.is_some() {
        app = app.keeping(Keeping::Journal);
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
        loan: None,
        terminal,
        cursor: ChangeCursor::default(),
        observer: None,
        tasks: TaskTracker::new(),
        sender,
        dirty: true,
        changes_waiting: true,
        changed: Vec::new(),
        events_waiting: false,
        exit: None,
        frames: Frames::default(),
    };
    desk.tell(Msg::Unsent(options.unsent));
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
    if let Some(farewell) = farewell.filter(|_| !matches!(exit, Exit::TerminalLost | Exit::KeptIsFree)) {
        // Who reads it no more has gone.
        drop(writeln!(io::stdout(), "{farewell}"));
    }
    Ok(exit)
}

/// The signals that end the desk, and the one after which it must draw itself anew.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    stop: Signal,
    continued: Signal,
    /// The terminal library tells of changes of size too, but may hold one back until the next key.
    resized: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            continued: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    /// Forgets Ctrl-C that was pressed while another program had the terminal: it was meant for that.
    fn forget_interrupts(&mut self) {
        while self.interrupt.recv().now_or_never().flatten().is_some() {}
    }

    /// The next signal. Cancel-safe.
    async fn next(&mut self) -> Happening {
        tokio::select! {
            _ = self.terminate.recv() => Happening::Ended(Exit::Terminated),
            _ = self.interrupt.recv() => Happening::Ended(Exit::Interrupted),
            _ = self.hang_up.recv() => Happening::Ended(Exit::TerminalLost),
            _ = self.stop.recv() => Happening::Stopped,
            _ = self.continued.recv() => Happening::Continued,
            _ = self.resized.recv() => Happening::Resized,
        }
    }
}

/// What the loop waited for.
enum Happening {
    Read(Option<io::Result<Vec<crossterm::event::Event>>>),
    Outcome(Option<Msg>),
    Changes,
    Feed(FeedItem),
    Tick,
    Look,
    Draw,
    /// Nothing happens, and there is work to do.
    Idle,
    HungUp,
    Ended(Exit),
    Stopped,
    Continued,
    Resized,
}

impl Happening {
    /// Whether it is something to be shown.
    fn is_news(&self) -> bool {
        match self {
            Self::Read(_) | Self::Outcome(_) | Self::Changes | Self::Feed(_) | Self::Tick | Self::Resized => true,
            Self::Look | Self::Draw | Self::Idle | Self::HungUp | Self::Ended(_) | Self::Stopped | Self::Continued => {
                false
            }
        }
    }
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
    /// Sessions that changed and were not looked at yet.
    pub(super) changed: Vec<SessionId>,
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
            if let Some(exit) = self.exit {
                if exit == Exit::TerminalLost {
                    reader.abandon();
                }
                return exit;
            }
            if let Some(loan) = self.loan.take() {
                // Its thread would take the other program's keys.
                drop(reader);
                self.lend(loan);
                signals.forget_interrupts();
                match Reader::start() {
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
                Happening::Read(Some(Ok(events))) => {
                    self.read(events);
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
                Happening::Resized => {
                    if let Ok((width, height)) = self.terminal.size() {
                        self.tell(Msg::Resize(width, height));
                    }
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
            self.exit = Some(Exit::KeptIsFree);
            return;
        }
        let trouble = if free {
            Some("the journal is free now; back in the list this desk takes it".to_owned())
        } else {
            self.keeper.as_ref().and_then(|keeper| keeper.trouble())
        };
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

    fn read(&mut self, events: Vec<crossterm::event::Event>) {
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
        let rest = self.changed.len().saturating_sub(CHANGES_AT_ONCE);
        for id in self.changed.split_off(rest) {
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

/// The next thing the observer reads. Cancel-safe.
async fn next_item(observer: Option<&mut Observer>) -> FeedItem {
    match observer {
        Some(observer) => match observer.recv().await {
            Ok(event) => FeedItem::Event(event),
            Err(instead) => FeedItem::Instead(instead),
        },
        None => std::future::pending().await,
    }
}
