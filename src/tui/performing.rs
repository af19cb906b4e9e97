//! Does what `update` asks for: calls the registry, lends the terminal, starts sessions.
//!
//! What takes time is done beside the loop, and what comes of it is a message. Nothing is decided here.

use std::sync::Arc;

use super::acts;
use super::branching::BranchKind;
use super::editor::PASTE_BYTES;
use super::lending::{self, Loan};
use super::msg::{Cmd, Msg};
use super::options::Exit;
use super::run::Desk;
use super::starting::Start;
use super::transcript::transcript;
use crate::domain::{Answer, ObserverRecvError, QueryId, SessionId, SessionSpec};
use crate::engine::Registry;

impl Desk {
    pub(super) fn perform(&mut self, cmd: Cmd) {
        match cmd {
            Cmd::Answer { token, session, payload } => self.ask(move |registry| async move {
                Msg::Answered { token, result: registry.resume(session, payload).await }
            }),
            Cmd::Cancel { session, reason } => self.ask(move |registry| async move {
                let result = registry.cancel(session, reason.clone()).await;
                Msg::Cancelled { session, reason, result }
            }),
            Cmd::CancelAll { sessions, reason } => self.ask(|registry| async move {
                registry.beside(acts::cancel_all(registry.clone(), sessions, reason)).await
            }),
            Cmd::AnswerAll { answers } => {
                self.ask(|registry| async move { registry.beside(acts::answer_all(registry.clone(), answers)).await });
            }
            Cmd::Start(start) => self.start(start),
            Cmd::Complete { begun, wanted } => {
                let programs = Arc::clone(&self.programs);
                self.spawn(async move {
                    let look = begun.clone();
                    let offers = tokio::task::spawn_blocking(move || programs.complete(&look, wanted)).await;
                    Msg::Offers { begun, wanted, offers: offers.unwrap_or_default() }
                });
            }
            Cmd::Packages => self.ask(|registry| async move {
                let packages = tokio::task::spawn_blocking(move || registry.packages()).await;
                Msg::Packages(packages.unwrap_or_default())
            }),
            Cmd::Edit(text) => self.loan = Some(Loan::Edit(text)),
            Cmd::Page(session) => self.page(session),
            Cmd::Announce { bell, text } => {
                let announced = self.terminal.announce(bell, text.as_deref());
                self.drawn(&announced);
            }
            Cmd::Mouse(on) => {
                let done = self.terminal.mouse(on);
                self.drawn(&done);
            }
            Cmd::Observe { session, from } => self.observe(session, from),
            Cmd::Redraw => {
                let forgotten = self.terminal.forget();
                self.drawn(&forgotten);
            }
            // To everybody in the foreground, as the terminal itself would; it comes back to us as a signal.
            Cmd::Suspend => {
                let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
            }
            Cmd::Copy(text) => {
                let copied = super::terminal::copy(&text);
                self.drawn(&copied);
            }
            Cmd::Peek(wanted) => {
                let found = super::deeds::peek(&self.registry, &wanted);
                self.tell(Msg::Peeked(found));
            }
            Cmd::PeekBack(wanted) => self.ask(|registry| super::deeds::peek_back(registry, wanted)),
            Cmd::PastAnswers(wanted) => self.ask(|registry| super::deeds::past_answers(registry, wanted)),
            Cmd::Draft(wanted) => {
                let Some(drafts) = self.drafts.clone() else { return };
                let sender = self.sender.clone();
                self.tasks.spawn(async move {
                    let result = drafts.draft(wanted.clone()).await;
                    drop(sender.send(Msg::Drafted { wanted, result }).await);
                });
            }
            Cmd::Life { session, from, to } => self.ask(move |registry| async move {
                Msg::Life { session, from, items: super::deeds::read(&registry, session, from, to).await }
            }),
            Cmd::Module { session, name } => self.ask(move |registry| async move {
                Msg::Module { session, text: registry.module_text(session, &name).await }
            }),
            Cmd::PreviewBranch { session, at } => self.ask(move |registry| async move {
                Msg::BranchPreviewed { session, at, preview: registry.preview_branch(session, at).await }
            }),
            Cmd::Branch { kind, of, at, answer } => self.branch(kind, of, at, answer),
            Cmd::KeepDraft { session, query, text } => {
                if let Some(keeper) = &self.keeper {
                    keeper.keep_draft(session, query, text);
                }
            }
            Cmd::Raw(raw) => {
                let (registry, sender) = (self.registry.clone(), self.sender.clone());
                let (programs, now) = (Arc::clone(&self.programs), self.clock.now());
                self.tasks.spawn(async move {
                    for msg in super::deeds::call(&registry, &programs, raw, now).await {
                        drop(sender.send(msg).await);
                    }
                });
            }
            Cmd::Quit => self.exit = Some(Exit::Quit),
        }
    }

    /// Makes a branch, and shows it before it is said that it is there.
    fn branch(&self, kind: BranchKind, of: SessionId, at: QueryId, answer: Option<Answer>) {
        let (registry, sender) = (self.registry.clone(), self.sender.clone());
        self.tasks.spawn(async move {
            let branched = acts::branch(&registry, kind, of, at, answer).await;
            if let Some(made) = branched.result.as_ref().ok().and_then(|id| registry.summary(*id).ok()) {
                drop(sender.send(Msg::Changed(vec![made])).await);
            }
            drop(sender.send(Msg::Branched(branched)).await);
        });
    }

    fn start(&self, start: Start) {
        let (registry, programs) = (self.registry.clone(), Arc::clone(&self.programs));
        self.spawn(async move {
            let what = start.clone();
            let read = move || match what {
                Start::File(path) => programs.file(&path),
                Start::Code(code) => programs.code(&code),
                Start::Advice { strategy, task, opts } => programs.advice(&strategy, task, opts),
                Start::Eval { strategy, scenario, opts } => programs.eval(&strategy, &scenario, opts),
                Start::Again(spec) => Ok(SessionSpec::clone(&spec)),
            };
            let spec = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(error.to_string()));
            let result = match spec {
                Ok(spec) => {
                    let title = spec.display_title().to_owned();
                    registry.spawn(spec).await.map(|id| (id, title)).map_err(|error| error.to_string())
                }
                Err(why) => Err(why),
            };
            Msg::Started { start, result }
        });
    }

    /// Makes the transcript of a session and lends the terminal to the pager.
    fn page(&mut self, session: SessionId) {
        let read = || {
            let summary = self.registry.summary(session).map_err(|error| error.to_string())?;
            let mut observer = self.registry.observe(session, None).map_err(|error| error.to_string())?;
            let mut events = Vec::new();
            loop {
                match observer.try_recv() {
                    Ok(Some(event)) => events.push(event),
                    Err(ObserverRecvError::Gap { .. }) => {}
                    Ok(None) | Err(ObserverRecvError::Closed) => break,
                }
            }
            Ok(transcript(&summary, &events, self.clock.now()))
        };
        match read() {
            Ok(text) => self.loan = Some(Loan::Page(text)),
            Err(why) => self.tell(Msg::Paged(Err(why))),
        }
    }

    /// Lends the terminal to another program and waits until it ends.
    pub(super) fn lend(&mut self, loan: Loan) {
        self.terminal.hand_over();
        let msg = match loan {
            Loan::Edit(text) => Msg::Edited(lending::edit(&self.settings.editor, &text, PASTE_BYTES)),
            Loan::Page(text) => Msg::Paged(lending::page(&self.settings.pager, &text)),
        };
        let again = self.terminal.take_again();
        self.drawn(&again);
        self.tell(Msg::Time(self.clock.now()));
        self.tell(msg);
    }

    /// Asks the registry beside the loop.
    fn ask<F: Future<Output = Msg> + 'static + Send>(&self, ask: impl FnOnce(Registry) -> F) {
        self.spawn(ask(self.registry.clone()));
    }

    /// Does something beside the loop; what it says comes back as a message, unless the desk has ended by then.
    fn spawn(&self, work: impl Future<Output = Msg> + 'static + Send) {
        let sender = self.sender.clone();
        self.tasks.spawn(async move { drop(sender.send(work.await).await) });
    }

    fn observe(&mut self, session: SessionId, from: u64) {
        match self.registry.observe(session, Some(from)) {
            Ok(observer) => {
                self.observer = Some(observer);
                self.events_waiting = true;
            }
            Err(error) => {
                self.observer = None;
                self.tell(Msg::NotObserved(session, error.to_string()));
            }
        }
    }
}
