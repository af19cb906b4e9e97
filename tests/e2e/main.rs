//! The whole program on a real pseudo-terminal, as a person uses it.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic, also in a function it calls")]

mod day;
mod life;
mod outside;
mod panicking;
mod terminal;

use terminal::Terminal;

/// A home with a program in it.
fn home_with(name: &str, code: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(name), code).unwrap();
    home
}

/// Starts the desk on one program.
fn desk_on(code: &str) -> Terminal {
    let home = home_with("program.lua", code);
    Terminal::start_in(home, &["program.lua"], 120, 36)
}

/// Opens the editor for the first question of the only session, once it waits.
fn open_answer(desk: &mut Terminal) {
    desk.counts("1 waiting");
    desk.keys("a");
    desk.shows("Answer q-1");
}

/// Sends what is written there, the last answer of the only session, and shows the result in the list.
fn send_the_last(desk: &mut Terminal) {
    desk.keys("<C-s>");
    desk.mode("SENT");
    desk.counts("1 done");
    desk.keys("<Enter>4");
    desk.mode("LIST");
}

/// Leaves the desk from the list, where nothing lives any more, so that nothing is asked.
fn leave(desk: &mut Terminal) {
    desk.mode("LIST");
    desk.counts("1 done");
    desk.keys("q");
    assert_eq!(desk.ends().exit_code(), 0);
    desk.is_as_it_was();
}

/// Leaves the desk from the list, and asserts that the terminal is as it was.
fn quit(mut desk: Terminal) {
    desk.mode("LIST");
    desk.keys("qy");
    assert_eq!(desk.ends().exit_code(), 0);
    desk.is_as_it_was();
}

#[test]
fn a_single_answer_reaches_the_program_and_its_result_is_shown() {
    let mut desk = desk_on("return 'you said ' .. alc.llm('How are you?')");
    desk.shows("How are you?");
    open_answer(&mut desk);
    desk.keys("fine, thanks");
    desk.shows("fine, thanks");
    send_the_last(&mut desk);
    desk.shows("you said fine, thanks");
    leave(&mut desk);
}

#[test]
fn enter_is_a_new_line_and_alt_enter_sends() {
    let mut desk = desk_on("local a = alc.llm('Two lines, please') return (a:gsub('\\n', '/'))");
    open_answer(&mut desk);
    desk.keys("one<Enter>two<A-Enter>");
    desk.mode("SENT");
    desk.shows("one/two");
    desk.keys("<Esc>");
    leave(&mut desk);
}

#[test]
fn a_batch_is_answered_in_part_and_then_to_the_end() {
    let mut desk =
        desk_on("return table.concat(alc.llm_batch({{prompt='first'}, {prompt='second'}, {prompt='third'}}), '+')");
    open_answer(&mut desk);
    desk.keys("1<C-s>");
    desk.shows("Answer q-2");
    desk.keys("<A-n>");
    desk.shows("Answer q-3");
    desk.keys("3<C-s>");
    desk.shows("Answer q-2");
    desk.shows("2 of 3");
    desk.keys("2");
    send_the_last(&mut desk);
    desk.shows("1+2+3");
    leave(&mut desk);
}

#[test]
fn what_a_raw_verb_says_begins_with_what_was_typed() {
    let mut desk = desk_on("alc.llm('Still here?')");
    desk.counts("1 waiting");
    for verb in ["hold", "spawn"] {
        desk.keys(":");
        desk.mode("PALETTE");
        desk.paste(&format!("{verb} nowhere.lua"));
        desk.keys("<C-s>");
        desk.shows(&format!("! {verb}: "));
    }
    desk.keys(":");
    desk.mode("PALETTE");
    desk.paste("hold --code 'return 1'");
    desk.keys("<C-s>");
    desk.shows("is held; release lets it begin");
    quit(desk);
}

#[test]
fn a_cancel_keeps_the_reason_that_was_typed() {
    let mut desk = desk_on("while true do end");
    desk.counts("1 running");
    desk.keys("c");
    desk.mode("CANCEL");
    desk.keys("wrong branch<C-s>");
    // Whoever leaves while the desk still starts what it was opened for is asked.
    desk.counts("1 cancelled");
    desk.mode("LIST");
    desk.keys("4");
    desk.shows("detail: wrong branch");
    desk.keys("q");
    assert_eq!(desk.ends().exit_code(), 0);
    desk.is_as_it_was();
}

#[test]
fn a_paste_with_newlines_in_the_editor_is_text_and_sends_nothing() {
    let mut desk = desk_on("local a = alc.llm('Paste here') return #a");
    open_answer(&mut desk);
    desk.paste("first\nq\ny\nlast");
    desk.shows("last");
    desk.shows("Answer q-1");
    send_the_last(&mut desk);
    desk.shows("14");
    leave(&mut desk);
}

#[test]
fn a_paste_without_brackets_elsewhere_does_nothing_and_says_so() {
    let mut desk = desk_on("alc.llm('Still here?')");
    desk.counts("1 waiting");
    // Enough for several reads. Each of these letters would do something, the last would leave the desk.
    desk.keys(&"N?Arcoq".repeat(2_000));
    desk.shows("paste ignored");
    desk.shows("Still here?");
    desk.mode("LIST");
    // A key that is no text ends it, however soon it comes.
    desk.keys("<C-c>");
    desk.shows("does nothing here");
    quit(desk);
}

#[test]
fn a_paste_elsewhere_does_nothing_and_says_so() {
    let mut desk = desk_on("alc.llm('Still here?')");
    desk.counts("1 waiting");
    desk.paste("qyqyqy");
    desk.shows("paste ignored");
    desk.shows("Still here?");
    quit(desk);
}

#[test]
fn quitting_names_how_many_sessions_end_and_no_is_an_answer() {
    let mut desk = desk_on("while true do end");
    desk.counts("1 running");
    desk.keys("q");
    desk.mode("QUIT?");
    desk.shows("1 session waits in the journal");
    desk.shows("(0 waiting, 1 running)");
    desk.keys("n");
    desk.mode("LIST");
    desk.counts("1 running");
    quit(desk);
}

#[test]
fn a_draft_survives_esc() {
    let mut desk = desk_on("return alc.llm('Think about it')");
    open_answer(&mut desk);
    desk.keys("half a thought");
    desk.shows("half a thought");
    desk.keys("<Esc>");
    desk.mode("LIST");
    desk.keys("a");
    desk.shows("Answer q-1");
    desk.shows("half a thought");
    desk.keys(", and the rest");
    desk.shows("half a thought, and the rest");
    send_the_last(&mut desk);
    desk.shows("half a thought, and the rest");
    leave(&mut desk);
}

#[test]
fn every_size_down_to_one_by_one_is_drawn_and_left_again() {
    let mut desk = desk_on("alc.llm('Small?')");
    desk.counts("1 waiting");
    for (columns, rows) in [(80, 24), (40, 10), (20, 5), (3, 2), (1, 1), (200, 60)] {
        desk.resize(columns, rows);
    }
    desk.resize(120, 36);
    desk.shows("Small?");
    quit(desk);
}

#[test]
fn a_key_and_a_change_of_size_that_come_in_the_same_instant_are_both_seen() {
    let mut desk = desk_on("alc.llm('Both?')");
    desk.counts("1 waiting");
    for n in 0..40 {
        let columns = 120 - n % 2;
        desk.resize(columns, 36);
        desk.keys("?");
        desk.shows("this help");
        desk.resize(columns - 2, 36);
        desk.keys("q");
        desk.hides("this help");
    }
    desk.resize(100, 36);
    desk.wait("the picture of the last size", |screen| screen.contents_between(0, 96, 0, 100) == "LIST");
    quit(desk);
}

#[test]
fn the_demo_shows_a_dozen_sessions_in_their_states() {
    let mut desk = Terminal::start(&["demo"], 120, 36);
    desk.shows("12 sessions");
    desk.counts("2 failed");
    desk.shows("paused");
    desk.keys("?");
    desk.shows("this help");
    desk.keys("G");
    desk.shows("Yes/no");
    // An Esc and the key behind it in one read would be an Alt key.
    desk.keys("<Esc>");
    desk.hides("Yes/no");
    quit(desk);
}

#[test]
fn escape_sequences_of_a_program_never_reach_the_terminal() {
    let mut desk =
        desk_on("alc.log('info', '\\27]0;owned\\7\\27[31mred') alc.llm('\\27[2J\\27]52;c;aGk=\\7 sly \\u{202e}')");
    desk.shows("sly");
    desk.counts("1 waiting");
    desk.keys("2");
    desk.shows("[31mred");
    let raw = desk.raw();
    for sequence in ["\x1b]0;owned", "\x1b]52;", "\x1b[2J\x1b]52", "\u{202e}"] {
        assert!(!raw.contains(sequence), "{sequence:?} reached the terminal");
    }
    quit(desk);
}

#[test]
fn ctrl_c_does_nothing_destructive() {
    let mut desk = desk_on("alc.llm('Safe?')");
    desk.counts("1 waiting");
    desk.keys("<C-c><C-c>");
    desk.shows("Ctrl-C does nothing here");
    quit(desk);
}

fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_signal_ends_the_desk_and_leaves_the_terminal_as_it_was() {
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let mut desk = desk_on("alc.llm('Until the signal')");
        desk.shows("Until the signal");
        signal(desk.pid(), name);
        assert_eq!(desk.ends().exit_code(), code, "SIG{name}");
        desk.is_as_it_was();
    }
}

#[test]
fn a_lost_terminal_ends_the_desk() {
    let mut desk = desk_on("alc.llm('Hello?')");
    desk.shows("Hello?");
    desk.hang_up();
    let status = desk.ends();
    assert_eq!((status.exit_code(), status.signal()), (129, None), "it ends in order");
}

#[test]
fn a_second_desk_on_the_same_journal_follows_the_first_and_takes_over_when_that_has_gone() {
    let shared = tempfile::tempdir().unwrap();
    let journal = shared.path().join("shared.db").display().to_string();
    let home = home_with("program.lua", "return alc.llm('First?') .. alc.llm('Second?')");
    let mut first = Terminal::start_in(home, &["--journal", &journal, "program.lua"], 120, 36);
    first.counts("1 waiting");
    let mut second = Terminal::start(&["--journal", &journal], 120, 36);
    second.shows("First?");
    second.shows("has the journal");
    second.shows("follows pid");
    first.keys("a");
    first.shows("Answer q-1");
    first.keys("by the first<C-s>");
    second.shows("Second?");
    second.keys("a");
    second.shows("it is answered there");
    first.shows("pause 2");
    first.keys("<Esc>");
    first.mode("LIST");
    first.keys("q");
    assert_eq!(first.ends().exit_code(), 0);
    second.wait("a desk that has the journal", |screen| {
        let shown = screen.contents();
        shown.contains("1 waiting") && shown.contains("Second?") && !shown.contains("follows pid")
    });
    second.keys("a");
    second.shows("Answer q-2");
    // What the other desk has sent is there to be written again.
    second.keys("<C-r>");
    second.shows("│by the first");
    second.keys("<Enter>");
    second.shows("the answer is here again");
    second.keys("<C-s>");
    second.shows("by the firstby the first");
    second.mode("SENT");
    second.keys("<Esc>");
    leave(&mut second);
}

#[test]
fn a_desk_begins_on_an_empty_screen_also_where_one_that_was_killed_has_left_its_own() {
    let desk = desk_on("return alc.llm('Well?')");
    desk.shows("Well?");
    let raw = desk.raw();
    let (before, _) = raw.split_once("switchboard").expect("the header has the name");
    let (_, taken) = before.split_once("\x1b[?1049h").expect("the screen is taken first");
    assert!(taken.contains("\x1b[2J"), "{before:?}");
    quit(desk);
}

#[test]
fn a_closed_desk_leaves_nothing_in_the_terminal_but_its_words() {
    let desk = desk_on("alc.llm('x')");
    desk.shows("waiting");
    quit(desk);
}
