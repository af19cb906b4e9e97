//! What `y` copies: whatever the pane shows, in its plainest form.

use super::app::{App, Focus, Layer, Tab};
use super::feed::Feed;
use super::msg::Cmd;
use super::words::sized;
use crate::domain::ExecutionState;

/// The longest text that is handed to a terminal: several cut off or refuse more than this.
const COPY_BYTES: usize = 74 << 10;

impl App {
    pub(super) fn copy(&mut self, cmds: &mut Vec<Cmd>) {
        let Some((what, text)) = self.copied() else {
            self.refuse("there is nothing to copy here");
            return;
        };
        if text.len() > COPY_BYTES {
            let (bytes, most) = (sized(text.len() as u64), sized(COPY_BYTES as u64));
            self.refuse(format!("not copied: {what} has {bytes}; terminals take {most}"));
            return;
        }
        self.say(format!("{what} copied, if the terminal lets us"));
        cmds.push(Cmd::Copy(text));
    }

    /// What would be copied, with its name.
    fn copied(&self) -> Option<(&'static str, String)> {
        if let Some(Layer::Details(details)) = &self.layer {
            return Some(("the event", details.json.clone()));
        }
        if let Some(Layer::Calls(pager)) = &self.layer {
            return pager.text_here().map(|text| ("the call", text.to_owned()));
        }
        if let Some(Layer::Diagnostics(layer)) = &self.layer {
            return Some(("the diagnostics", layer.pager.whole_text()));
        }
        if let Some(Layer::Beside(_)) = &self.layer {
            return None;
        }
        if let Some(line) = self.feed_here().and_then(Feed::line_here) {
            return Some(("the event", line.tells.json(line.session, self.top_of(line.session))));
        }
        let summary = self.selected_summary()?;
        if self.focus == Focus::List {
            return Some(("the id", summary.id.to_string()));
        }
        match self.tab {
            Tab::Questions if !summary.state.is_ended() => {
                self.shown_question().map(|prompt| ("the question", prompt.query.prompt.to_string()))
            }
            Tab::Feed => None,
            Tab::Timeline => self.text.text_here().map(|text| ("the moment", text.to_owned())),
            Tab::State => serde_json::to_string_pretty(&summary.state).ok().map(|json| ("the state", json)),
            Tab::Source => self.program_of(summary).code().map(|code| ("the program", code.to_owned())),
            Tab::Questions | Tab::Result => match &summary.state {
                ExecutionState::Done(done) => match &done.value {
                    serde_json::Value::String(text) => Some(("the result", text.clone())),
                    value => serde_json::to_string_pretty(value).ok().map(|json| ("the result", json)),
                },
                ExecutionState::Failed(failure) => Some(("the error", failure.message.clone())),
                ExecutionState::Running { .. } | ExecutionState::Paused(_) | ExecutionState::Cancelled(_) => None,
            },
        }
    }
}
