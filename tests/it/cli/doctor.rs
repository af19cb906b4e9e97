//! What the program finds out about the machine, and that it survives being killed.

use super::home::Home;

#[test]
fn what_holds_here_is_a_line_each() {
    let lines = Home::new().run(&["doctor"]).exits(0).stdout;
    assert!(lines.contains("ok   pairs visits keys in one order"), "{lines}");
}

#[test]
fn where_no_journal_can_be_made_it_says_so() {
    let home = Home::new();
    let file = home.file("a file", "");
    let inside = file.join("journal.db");
    let inside = inside.to_str().unwrap();
    let lines = home.run(&["doctor", "--journal", inside]).exits(1).stdout;
    assert!(
        lines.contains("BAD  ") && lines.contains("none can be made") && lines.contains("--journal FILE"),
        "{lines}"
    );
    let told = home.run(&["run", "--code", "return 1", "--journal", inside]).exits(1).stderr;
    assert!(told.contains("--journal FILE names another") && told.lines().count() == 1, "{told}");
}

/// The process is killed at points that depend on the machine; whatever they are, nothing may be lost.
#[test]
fn a_process_that_is_killed_again_and_again_loses_no_answer() {
    let home = Home::new();
    let lines = home.run(&["doctor", "--crash-test", "--kills", "12", "--seed", "7"]).exits(0).stdout;
    assert!(lines.contains("ok   crash test: killed 12 times"), "{lines}");
    home.run(&["doctor", "--kills", "3"]).exits(2);
}
