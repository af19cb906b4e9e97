//! Switchboard: a terminal desk for people who watch over many running Lua programs that stop to ask questions.
//!
//! # The one idea
//!
//! **A session is a fold over its journal.** A Lua program is deterministic but for what it gets from outside: answers,
//! time, random seeds, module texts. Everything that crosses that border goes through one door ([`engine::Door`]) and
//! is recorded. Replay, recovery and branches follow from this alone, so nothing may go around the door.
//!
//! # A turn, from key to program
//!
//! ```text
//!  key ──► tui: Msg ─► update ─► Cmd ──► Registry::resume ──► the session's inbox (bounded)
//!                                                                     │
//!          the session's task, its only writer:   decide ─► record ─► apply ─► publish ─► act
//!                                                 (domain)  (journal)           (feed)    (step the VM)
//!                                                                                 │
//!  frame ◄── view(&App) ◄── Msg ◄── changes, summaries, observers ◄───────────────┘
//! ```
//!
//! # The house
//!
//! | module | what it is | what it may import |
//! |---|---|---|
//! | [`domain`] | ids, spec, states, events, the transition table; pure | nothing |
//! | [`engine`] | registry, one task per live session, feeds, recovery, branches, collection; the ports | `domain` |
//! | [`lua`] | the VM behind the port: a sandboxed Lua state, stepped | `engine`, `domain` |
//! | [`store`] | the journal on SQLite; files: modules, state, cards, scenarios | `engine`, `domain` |
//! | [`tui`] | the screen: guard, loop, `Msg` / `update` / `view`, the action table | `engine`, `domain` |
//! | [`config`] | defaults < file < environment < flags, merged once; keymap and theme files | `domain` |
//! | [`desk`] | the one place that wires all of them together | everything |
//! | [`cli`] | arguments, one file per subcommand, exit codes | everything |
//!
//! `tests/it/structure.rs` reads the sources and refuses other imports.
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | session | one Lua program in its own state, from spawn to its end |
//! | query | one question of a program, `q-1`, `q-2`, … |
//! | pause, epoch | the program waits for one query or a batch; the number of the pause |
//! | answer | what a person, a rule, a file or a command gives for one query |
//! | event, `seq` | what happened, and its number within the session |
//! | command | a wish, in the imperative; [`domain::decide`] says which events it causes or why it is refused |
//! | turn | decide → record → apply → publish → act |
//! | slice, step | the time a program runs before others get theirs; one run of it |
//! | door | the one way in and out of a program |
//! | effect | what the session does for its program outside the slice: modules, state, cards, children |
//! | intent | an effect's write before it happens, durable: what a recovery finishes or finds in conflict |
//! | child, parent, fork | a session that another has forked; the one that did; its call of `alc.fork` |
//! | package, strategy | a module that is installed; one with a `run(ctx)` |
//! | scenario | cases that a strategy is evaluated against |
//! | feed, observer | the published events of a session; a reader of them |
//! | journal | where records are kept: a file, or memory where nothing is to be kept |
//! | snapshot | what the first rows of a session in a journal amount to, so that they need not be folded |
//! | salvage | saving what is intact of a damaged journal into a new file |
//! | branch | a session that goes on from another one's record, with one query open again |
//! | replay | running a program again from its record |
//! | summary | what lists show of a session |
//!
//! # Invariants
//!
//! - **One writer per session.** Its task owns the [`domain::Session`] and the VM; everybody else sends it requests.
//! - **Recorded before acknowledged, published before delivered.** An answer that was acknowledged is in the journal;
//!   a program that asks again at once is seen paused, never running with a question outstanding.
//! - **An ended session never changes.** The rule is one line of the table.
//! - **No Lua value leaves its VM.** Every handle locks the state, even when it is dropped; what leaves is plain data.
//! - **Nothing waits without a bound.** Every channel is bounded, every task is tracked by its owner (but for blocking
//!   work that is bounded by itself: one file read, one heap given back), and none is killed: a cancelled program is
//!   never stepped again and dropped.
//! - **No lock across an await**, and no clock, randomness or IO in `domain`.
//!
//! # Where this differs from what was planned
//!
//! - A session's state and its ring of events stand behind one short mutex instead of an atomic snapshot beside a
//!   feed: whoever has read event *n* then sees a state at least as new without further rules, and publishing costs
//!   no allocation.
//! - The [`engine::Door`] goes into a VM by value and comes back with the step: functions of the program hold it
//!   meanwhile, and a borrow could only be handed to them by `unsafe` code, of which there is one module, [`lua`]'s `preempt`.
//! - [`domain::ResumeOutcome`] has no `Terminal`: an answer is acknowledged before the program goes on, so no end can
//!   be its outcome.
//! - The events of a turn are one shared allocation ([`engine::Turn`]), of which readers get references: answering a
//!   question makes seven events, and an allocation for each was a quarter of its cost.
//! - A child's end is an event of its parent too (`child_ended`), which adds the child's usage to the parent's; and the
//!   events of children name them as `id`, since `session` says whose an event is wherever events are printed.
//! - A branch, and the event `branched`, name the query as `query_id`: in every event `at` is the time.
//! - The scenario of a file is taken into the spec before the session is made: a replay needs no file.
//! - What a program gets of an effect is one kind of record, [`engine::Performed`], for modules, state, cards and children
//!   alike; only writes are events besides.
//! - The registry's `list` takes no filter: filtering belongs to [`domain::query`], which asks about one session at a
//!   time, so that a change of a session costs one question.
//! - An answer to a session that sleeps is recorded once its program has been run again up to the question, not before:
//!   one that cannot come back keeps its question, says why, and takes no answer that it could never act on.
//! - A branch has a copy of the other's record up to its question, not a link to it: everything that reads a record
//!   reads it like any other, and either can be removed.
//! - Whether a session took the process down is counted by the runs since it last paused, each written down before it
//!   begins ([`engine::Record::Resumed`]): a session that ran as two processes died waits for a person, also one that only
//!   happened to run.
//! - A replay that differs makes no event, since the next replay could not derive it: it stands in the session's
//!   [`engine::Presence`].
//! - A rewind's branch stands under the session it goes on from, which is dim, instead of taking its row: nothing
//!   vanishes from under whoever looks at it, and forks stand in the same way.
//! - Ids are not searched fuzzily but by their beginning, as people shorten them: any few digits are found somewhere.
//! - What a program sees of clocks is recorded with a count where it sees the same again, each clock by itself, and one
//!   that looks at its CPU time all the time sees it in steps; of its seeds only the first is recorded.
//! - Of very many progress reports and figures between two pauses ever fewer are kept, by count and not by time: what a
//!   replay could not leave out alike would renumber the events behind it.
//! - A key is shown at once, not only at the next picture: pictures of other changes keep their 16 ms.
//! - Programs are interrupted on demand from the first version on (a timer per worker whose ticks are signals to that
//!   thread): a standing hook made hot Lua 1.5 to 4 times slower. The hook remains where a system has no such timers.
//! - A `note` says that a limit of pauses or queries is near, and never that a section straggles or that time or memory
//!   runs low: those differ from run to run, and an event that a replay cannot derive would renumber those behind it.
//! - The journal's writer takes everything that waits in the order it came, not commands before what other sessions
//!   derived: one commit takes all of it, so an order among it would gain nothing. What nobody waits for goes with the
//!   next commit that somebody waits for, or after ten milliseconds.
//! - A row of the journal is one append and not one event: it is there whole or not at all, and has one checksum.
//! - Of a damaged journal, salvage reads pages and not tables: a row is found whatever became of the tree above it.
//! - A run of which nobody wants the record (`--ephemeral`), and the demo, keep nothing and end with the program.
//! - A desk on a journal that another process writes, or that it may not write, runs and answers nothing: it shows what is
//!   recorded there, and takes the journal over once it can have it and the person has begun nothing here.
//! - `q` asks, also over a journal, while a program runs: it is interrupted, and `q` is "back" everywhere else.
//! - A session that the person has started is selected, if the keyboard is in the list and nothing else was selected
//!   meanwhile. What comes by itself still selects nothing.
//! - Behind an `a` that opened no editor, letters that follow within a second do nothing: they were meant for an answer.
//!   Each other letter goes on with that text, the same one again does not. Where the journal is only read, it is one
//!   second in all.
//! - One letter again and again in one read is a key that is held down over a slow line, and no paste.
//! - `answer_accepted` carries the response, so that a journal of events alone can be replayed, and the transition
//!   into an ended state carries the end.

pub mod cli;
pub mod config;
pub mod desk;
pub mod domain;
pub mod engine;
pub mod lua;
pub mod store;
pub mod tui;
