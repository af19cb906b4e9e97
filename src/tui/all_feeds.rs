//! The feed over all sessions: what happens anywhere, a key away and a line each.
//!
//! What was there before it opened is read of the journal, too. It observes nobody, so that it holds back no collection and costs nothing while it is closed: of every session that
//! changed, the loop reads what is new in it, bounded, and a gap line says what was skipped.

use super::app::App;
use super::feed::Feed;
use super::msg::{Cmd, FeedItem, Peek};
use crate::domain::{ObserverRecvError, Seq, SessionId};
use crate::engine::Summary;

/// Sessions whose last events are there when it opens: those that changed last.
const SESSIONS_AT_FIRST: usize = 100;

/// Events of each of them.
const EVENTS_AT_FIRST: Seq = 20;

/// New events of one session that are read for one picture; a screen shows fewer.
const EVENTS_AT_ONCE: Seq = 64;

/// Sessions that are read for one picture.
const SESSIONS_AT_ONCE: usize = 256;

impl App {
    pub(super) fn open_all_feeds(&mut self, cmds: &mut Vec<Cmd>) {
        if self.all_feeds.take().is_some() {
            return;
        }
        self.all_feeds = Some(Box::default());
        let mut newest: Vec<(i64, SessionId, Seq)> =
            self.sessions.iter().map(|summary| (summary.last_at, summary.id, summary.last_seq)).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        newest.truncate(SESSIONS_AT_FIRST);
        let peek = |(_, session, last): &(i64, SessionId, Seq)| Peek {
            session: *session,
            from: last.saturating_sub(EVENTS_AT_FIRST) + 1,
            to: *last,
        };
        cmds.push(Cmd::PeekBack(newest.iter().filter(|(_, _, last)| *last > 0).map(peek).collect()));
    }

    /// Asks for what is new in sessions that are about to be taken in.
    pub(super) fn peek_at(&mut self, summaries: &[Summary], cmds: &mut Vec<Cmd>) {
        let Some(all) = &mut self.all_feeds else { return };
        let mut peeks = Vec::new();
        for summary in summaries {
            let seen = self.sessions.get(summary.id).map_or(0, |before| before.last_seq);
            let (from, to) = (seen + 1, summary.last_seq);
            if from > to {
                continue;
            }
            if peeks.len() >= SESSIONS_AT_ONCE {
                all.take(summary.id, vec![FeedItem::Instead(ObserverRecvError::Gap { from, to })]);
                continue;
            }
            let start = from.max((to + 1).saturating_sub(EVENTS_AT_ONCE));
            if start > from {
                let gap = ObserverRecvError::Gap { from, to: start - 1 };
                all.take(summary.id, vec![FeedItem::Instead(gap)]);
            }
            peeks.push(Peek { session: summary.id, from: start, to });
        }
        if !peeks.is_empty() {
            cmds.push(Cmd::Peek(peeks));
        }
    }

    /// Takes in what was read, in the order it happened.
    pub(super) fn peeked(&mut self, items: Vec<(SessionId, Vec<FeedItem>)>) {
        let Some(all) = &mut self.all_feeds else { return };
        let mut lines: Vec<(i64, SessionId, FeedItem)> = Vec::new();
        for (session, items) in items {
            let mut at = i64::MIN;
            for item in items {
                if let FeedItem::Event(event) = &item {
                    at = event.at;
                }
                lines.push((at, session, item));
            }
        }
        // Stable: what one session did at the same time stays in its order.
        lines.sort_by_key(|(at, _, _)| *at);
        for (_, session, item) in lines {
            all.take(session, vec![item]);
        }
    }

    /// The feed of all sessions, if it is open.
    pub(super) fn all_feeds(&self) -> Option<&Feed> {
        self.all_feeds.as_deref()
    }
}
