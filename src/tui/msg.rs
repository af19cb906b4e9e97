//! What reaches the desk ([`Msg`]) and what it asks for ([`Cmd`]). Values only; nothing here does anything.

use std::sync::Arc;

use super::branching::{BranchKind, Branched};
use super::diagnosing::Diagnosis;
use super::input::Input;
use super::opening::Far;
use super::programs::Wanted;
use super::raw::Raw;
use super::starting::Start;
use crate::domain::{
    Answer, CancelError, CancelReason, ExecutionState, ObserverRecvError, Query, QueryId, ResumeError, ResumeOutcome,
    ResumePayload, Seq, SessionId, StateError, Timestamp,
};
use crate::engine::{
    BranchError, BranchPreview, Call, Draft, EventRef, Inspection, ModuleText, Package, Recovery, Summary,
};

/// What reaches the desk.
#[derive(Debug, Clone)]
pub enum Msg {
    /// Everything that was read from the terminal at once.
    Input(Vec<Input>),
    /// The terminal has so many columns and rows.
    Resize(u16, u16),
    /// It is now.
    Time(Timestamp),
    /// When the next input was read, on a clock that stands while there is anything to read.
    ReadAt(Timestamp),
    /// These texts were typed before the desk opened, and not sent.
    Unsent(Vec<Draft>),
    /// So far is the desk with what it was opened for.
    Opening(Far),
    /// These things should be known of how the desk was started, a line each.
    Notices(Vec<String>),
    /// Why answers cannot be recorded, if so.
    Trouble(Option<String>),
    /// Which other process has what is kept, if one does: this desk shows what that one does.
    Follows(Option<String>),
    /// How far the sessions of the journal have come back.
    Recovery(Recovery),
    /// These sessions are new or changed.
    Changed(Vec<Summary>),
    /// These sessions are no longer known.
    Gone(Vec<SessionId>),
    /// This happened in an observed session, in order.
    Feed(SessionId, Vec<FeedItem>),
    /// A session could not be observed.
    NotObserved(SessionId, String),
    /// What became of the answers of [`Cmd::Answer`].
    Answered {
        /// The command's number.
        token: u64,
        /// What became of it.
        result: Result<ResumeOutcome, ResumeError>,
    },
    /// What became of a [`Cmd::CancelAll`].
    CancelledAll {
        /// The sessions that are ended now.
        done: Vec<SessionId>,
        /// How many of them had ended before.
        before: usize,
        /// The others.
        refused: Vec<(SessionId, CancelError)>,
    },
    /// What became of a [`Cmd::AnswerAll`].
    AnsweredAll {
        /// The sessions that took their answers.
        taken: Vec<SessionId>,
        /// The others.
        refused: Vec<(SessionId, ResumeError)>,
    },
    /// What became of a [`Cmd::Start`].
    Started {
        /// What was to be started.
        start: Start,
        /// The session and what people call it, or why there is none.
        result: Result<(SessionId, String), String>,
    },
    /// Paths for a [`Cmd::Complete`].
    Offers {
        /// What they begin with.
        begun: String,
        /// What was looked for.
        wanted: Wanted,
        /// The paths.
        offers: Vec<String>,
    },
    /// The packages on the library path.
    Packages(Vec<Package>),
    /// What an editor made of the text of a [`Cmd::Edit`], or why it did not.
    Edited(Result<String, String>),
    /// What became of a [`Cmd::Page`].
    Paged(Result<(), String>),
    /// There is time for a portion of the work that [`App::has_work`](super::App::has_work) speaks of.
    Work,
    /// What the engine knows of a session beside its summary.
    Inspected(SessionId, Result<Inspection, StateError>),
    /// The last verbs that were called, oldest first.
    Calls(Vec<Arc<Call>>),
    /// What engine and desk do right now.
    Diagnosed(Box<Diagnosis>),
    /// What [`Cmd::Peek`] or [`Cmd::PeekBack`] found, by session.
    Peeked(Vec<(SessionId, Vec<FeedItem>)>),
    /// The texts that [`Cmd::PastAnswers`] found, the newest last.
    PastAnswers(Vec<Arc<str>>),
    /// What became of a [`Cmd::Draft`].
    Drafted {
        /// What was asked for.
        wanted: DraftWanted,
        /// The text, or why there is none.
        result: Result<String, String>,
    },
    /// What [`Cmd::Life`] has read, in order; nothing where there is no more.
    Life {
        /// The session.
        session: SessionId,
        /// The first event that was wanted.
        from: Seq,
        /// The events.
        items: Vec<FeedItem>,
    },
    /// The text of the module of a [`Cmd::Module`], or why there is none.
    Module {
        /// The session.
        session: SessionId,
        /// The text.
        text: Result<ModuleText, String>,
    },
    /// What a branch would keep and leave behind.
    BranchPreviewed {
        /// The session.
        session: SessionId,
        /// The query that would be open again.
        at: QueryId,
        /// What it would keep, or why there can be none.
        preview: Result<BranchPreview, BranchError>,
    },
    /// What became of a [`Cmd::Branch`].
    Branched(Branched),
    /// What became of a [`Cmd::Raw`], in words.
    RawDone {
        /// The verb.
        raw: Raw,
        /// What came of it, in a line.
        result: Result<String, String>,
    },
    /// These sessions were let go.
    Released(Vec<SessionId>),
    /// What became of a [`Cmd::Cancel`].
    Cancelled {
        /// The session.
        session: SessionId,
        /// The reason given.
        reason: CancelReason,
        /// The state the session is in now.
        result: Result<ExecutionState, CancelError>,
    },
}

/// One thing that an observer reads.
#[derive(Debug, Clone)]
pub enum FeedItem {
    /// An event.
    Event(EventRef),
    /// Events that are no longer kept, or the end of the feed.
    Instead(ObserverRecvError),
}

/// A question that the configured answerer is to draft an answer to.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftWanted {
    /// The session that a person started: itself, or the one at the top of its family.
    pub top: SessionId,
    /// The session.
    pub session: SessionId,
    /// The pause.
    pub epoch: u32,
    /// The question.
    pub query: Arc<Query>,
}

/// Events of one session that are to be read once, without observing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peek {
    /// The session.
    pub session: SessionId,
    /// The first event wanted.
    pub from: Seq,
    /// The last.
    pub to: Seq,
}

/// What the desk asks for. Each is done by its owner, the loop, and comes back as a [`Msg`].
#[derive(Debug, Clone, PartialEq)]
pub enum Cmd {
    /// Give these answers.
    Answer {
        /// The number that the outcome comes back with.
        token: u64,
        /// The session.
        session: SessionId,
        /// The answers.
        payload: ResumePayload,
    },
    /// Cancel a session.
    Cancel {
        /// The session.
        session: SessionId,
        /// Why.
        reason: CancelReason,
    },
    /// Cancel all of these.
    CancelAll {
        /// The sessions.
        sessions: Arc<[SessionId]>,
        /// Why.
        reason: CancelReason,
    },
    /// Give each of these sessions its answers.
    AnswerAll {
        /// The answers.
        answers: Vec<(SessionId, ResumePayload)>,
    },
    /// Start a session.
    Start(Start),
    /// Look what begins so.
    Complete {
        /// The beginning.
        begun: String,
        /// What it is to become.
        wanted: Wanted,
    },
    /// Look which packages there are.
    Packages,
    /// Let the person's editor edit this text.
    Edit(String),
    /// Show the transcript of a session in the person's pager.
    Page(SessionId),
    /// Ring the bell, and let the terminal show this text.
    Announce {
        /// Whether to ring.
        bell: bool,
        /// What to show.
        text: Option<String>,
    },
    /// Take the mouse, or give it back.
    Mouse(bool),
    /// Observe this session, from this event on, instead of any other.
    Observe {
        /// The session.
        session: SessionId,
        /// The first event wanted.
        from: Seq,
    },
    /// Read these events, and no others.
    Peek(Vec<Peek>),
    /// Read these events, and no others, also from the journal.
    PeekBack(Vec<Peek>),
    /// Look for answers of people in these events, of the first sessions first, also in the journal.
    PastAnswers(Vec<Peek>),
    /// Ask the configured answerer.
    Draft(DraftWanted),
    /// Read these events once, also from the journal.
    Life {
        /// The session.
        session: SessionId,
        /// The first event wanted.
        from: Seq,
        /// The last.
        to: Seq,
    },
    /// Read the text of a module that a session runs.
    Module {
        /// The session.
        session: SessionId,
        /// The name of the module.
        name: String,
    },
    /// Look what a branch would keep.
    PreviewBranch {
        /// The session.
        session: SessionId,
        /// The query that would be open again.
        at: QueryId,
    },
    /// Make a session that goes on from another one.
    Branch {
        /// What becomes of the other.
        kind: BranchKind,
        /// The other.
        of: SessionId,
        /// The query that is open again.
        at: QueryId,
        /// What to answer it at once.
        answer: Option<Answer>,
    },
    /// Let the journal keep this text for a query; `None`: nothing any more.
    KeepDraft {
        /// The session.
        session: SessionId,
        /// The query.
        query: QueryId,
        /// Everything that was written for it and not sent.
        text: Option<Arc<str>>,
    },
    /// Call a verb past the desk's guards.
    Raw(Raw),
    /// Copy a text, by way of the terminal.
    Copy(String),
    /// Draw everything anew.
    Redraw,
    /// Give the terminal back and stop until continued.
    Suspend,
    /// End the desk.
    Quit,
}
