//! The forms and yes/no questions that lie over the panes: the cancel form, and "the same answer for the rest".
//!
//! A form belongs to one session, whatever is selected later. Nothing here sends anything.

use std::sync::Arc;

use tui_textarea::TextArea;

use super::bulk::Bulk;
use super::editor::text_field;
use super::keymap::{Context, Motion};
use crate::domain::{CancelCode, QueryId, SessionId};

/// The fields of the cancel form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Code,
    Detail,
}

/// The form that asks why a session is cancelled.
#[derive(Debug)]
pub(super) struct CancelForm {
    pub(super) session: SessionId,
    /// A set of sessions that is meant instead of the one.
    pub(super) bulk: Option<Bulk>,
    /// How many sessions below the one end with it.
    pub(super) below: usize,
    pub(super) code: CancelCode,
    pub(super) detail: TextArea<'static>,
    pub(super) field: Field,
}

impl CancelForm {
    pub(super) fn new(session: SessionId) -> Self {
        Self { session, bulk: None, below: 0, code: CancelCode::User, detail: text_field(""), field: Field::Detail }
    }

    pub(super) fn context(&self) -> Context {
        match self.field {
            Field::Code => Context::Choice,
            Field::Detail => Context::Detail,
        }
    }

    pub(super) fn other_field(&mut self) {
        self.field = match self.field {
            Field::Code => Field::Detail,
            Field::Detail => Field::Code,
        };
    }

    pub(super) fn turn_code(&mut self, motion: Motion) {
        let codes = CancelCode::ALL;
        let at = codes.iter().position(|code| *code == self.code).unwrap_or_default();
        self.code = match motion {
            Motion::Up => codes[(at + codes.len() - 1) % codes.len()],
            Motion::Down => codes[(at + 1) % codes.len()],
            Motion::Top | Motion::HalfUp => codes[0],
            Motion::Bottom | Motion::HalfDown => codes[codes.len() - 1],
        };
    }
}

/// The question whether one text is the answer to several queries. The set is frozen when it is asked.
#[derive(Debug)]
pub(super) struct SameAnswer {
    pub(super) session: SessionId,
    pub(super) epoch: u32,
    pub(super) text: Arc<str>,
    pub(super) queries: Vec<QueryId>,
}
