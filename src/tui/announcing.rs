//! Tells the world outside the desk that somebody waits: the bell, a notification of the terminal, the window's title.
//!
//! Texts of programs become one line without control characters before they come here out.

use super::app::App;
use super::msg::Cmd;
use super::sessions::Counts;
use super::text::cut;
use super::words::{first_line, live_parts};
use crate::config::DeskSettings;
use crate::domain::{ExecutionState, Timestamp};
use crate::engine::Summary;

/// Columns of a notification: what a desktop shows of one.
const COLUMNS: usize = 120;

/// What is told, and when it was told last.
#[derive(Debug, Default)]
pub(super) struct Announcing {
    bell: bool,
    notify: bool,
    every_ms: i64,
    last: Option<Timestamp>,
    /// Who began to wait since then, and the line about the first.
    untold: usize,
    line: String,
}

impl Announcing {
    pub(super) fn wanted(settings: &DeskSettings) -> Self {
        let every_ms = settings.notify_every.as_millis() as i64;
        Self { bell: settings.bell, notify: settings.notify, every_ms, ..Self::default() }
    }
}

impl App {
    /// Notes whether a session that changes begins to wait.
    pub(super) fn note_waiting(&mut self, summary: &Summary) {
        let announcing = &mut self.announcing;
        if !announcing.bell && !announcing.notify {
            return;
        }
        let ExecutionState::Paused(pause) = &summary.state else { return };
        let same =
            |state: &ExecutionState| matches!(state, ExecutionState::Paused(before) if before.epoch == pause.epoch);
        if self.sessions.get(summary.id).is_some_and(|before| same(&before.state)) {
            return;
        }
        announcing.untold += 1;
        if announcing.untold == 1 {
            let prompt = pause.pending().next().map_or("", |prompt| first_line(&prompt.query.prompt));
            announcing.line = format!("{} asks: {prompt}", summary.spec.display_title());
        }
    }

    /// Tells who began to wait, unless somebody was told a moment ago.
    pub(super) fn announce(&mut self, cmds: &mut Vec<Cmd>) {
        let announcing = &mut self.announcing;
        let soon = announcing.last.is_some_and(|last| self.now < last.saturating_add(announcing.every_ms));
        if announcing.untold == 0 || soon {
            return;
        }
        let others = match announcing.untold {
            1 => String::new(),
            n => format!("({} more) ", n - 1),
        };
        let text = cut(&format!("switchboard: {others}{}", announcing.line), COLUMNS);
        announcing.untold = 0;
        announcing.last = Some(self.now);
        cmds.push(Cmd::Announce { bell: announcing.bell, text: announcing.notify.then_some(text) });
    }

    /// When somebody is to be told who began to wait meanwhile.
    pub(super) fn next_announcement(&self) -> Option<Timestamp> {
        let announcing = &self.announcing;
        (announcing.untold > 0).then(|| announcing.last.map_or(self.now, |last| last + announcing.every_ms))
    }
}

/// The title of the terminal's window.
pub(super) fn title(counts: Counts) -> String {
    match (counts.waiting, counts.live()) {
        (0, 0) => "switchboard".to_owned(),
        (0, live) if live == counts.running => format!("switchboard: {live} running"),
        (0, _) => format!("switchboard: {}", live_parts(counts)),
        (waiting, _) => format!("({waiting}) switchboard: {}", live_parts(counts)),
    }
}
