//! Keeps what a program reports of itself, its progress and its figures, from filling its record.
//!
//! Behind each pause the first reports are kept one by one, up to a limit; of more only every second, of more than twice
//! as many every fourth, and so on: of a million some thousands are left. A long report counts as several. What was held
//! back last, of figures under each name, is said before the program asks or ends, so that what is shown then is right.
//!
//! All of this follows from what the program does and from no clock, so that a replay leaves out the same.

use crate::domain::Command;

/// So many bytes count as one report more.
const UNIT: usize = 256;

/// Figures of so many names are held back at once; of more names the oldest is left out.
const NAMES: usize = 64;

/// The reports of a program since its last pause.
#[derive(Default)]
pub(super) struct Reports {
    progress: Thinned,
    figures: Thinned,
    held_progress: Option<Command>,
    held_figures: Vec<Command>,
    /// Neither kept nor held back.
    left_out: u64,
}

/// What a row of reports weighs so far, and what it weighed with the last one that was kept.
#[derive(Default)]
struct Thinned {
    all: u64,
    kept: u64,
}

impl Thinned {
    /// Whether the next one is kept, which weighs so much.
    fn keeps(&mut self, weight: u64, limit: u64) -> bool {
        self.all = self.all.saturating_add(weight);
        if limit == 0 {
            return false;
        }
        let one_in = self.all.div_ceil(limit).checked_next_power_of_two().unwrap_or(u64::MAX);
        let keeps = self.all - self.kept >= weight.saturating_mul(one_in);
        if keeps {
            self.kept = self.all;
        }
        keeps
    }
}

impl Reports {
    /// Takes a report of so many bytes; gives it back if it is kept now.
    pub(super) fn take(&mut self, report: Command, bytes: usize, limit: u64) -> Option<Command> {
        let weight = 1 + (bytes / UNIT) as u64;
        let Command::Stats { key, .. } = &report else {
            let is_kept = self.progress.keeps(weight, limit);
            let (kept, held) = if is_kept { (Some(report), None) } else { (None, Some(report)) };
            self.left_out += u64::from(std::mem::replace(&mut self.held_progress, held).is_some());
            return kept;
        };
        let same =
            self.held_figures.iter().position(|held| matches!(held, Command::Stats { key: it, .. } if it == key));
        if let Some(same) = same {
            self.held_figures.remove(same);
            self.left_out += 1;
        }
        if self.figures.keeps(weight, limit) {
            return Some(report);
        }
        if self.held_figures.len() >= NAMES {
            self.held_figures.remove(0);
            self.left_out += 1;
        }
        self.held_figures.push(report);
        None
    }

    /// What was held back, and a note of what is left out: the last that is said before a pause.
    pub(super) fn settle(self, limit: u64) -> impl Iterator<Item = Command> {
        let left_out = self.left_out;
        let note = (left_out > 0).then(|| Command::Note {
            title: Some("reports left out".into()),
            content: format!(
                "{left_out} of its progress reports and figures are not kept: of more than {limit} between two pauses only \
                 every second, fourth and so on is"
            ),
        });
        self.held_progress.into_iter().chain(self.held_figures).chain(note)
    }
}
