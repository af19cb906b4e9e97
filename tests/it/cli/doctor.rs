//! What the program finds out about the machine, and that it survives being killed.

use super::home::Home;

#[test]
fn what_holds_here_is_a_line_each() {
    let lines = Home::new().run(&["doctor"]).exits(0).stdout;
    assert!(lines.contains("ok   pairs visits keys in one order"), "{lines}");
}

/// The process is killed at points that depend on the machine; whatever they are, nothing may be lost.
#[test]
fn a_process_that_is_killed_again_and_again_loses_no_answer() {
    let home = Home::new();
    let lines = home.run(&["doctor", "--crash-test", "--kills", "12", "--seed", "7"]).exits(0).stdout;
    assert!(lines.contains("ok   crash test: killed 12 times"), "{lines}");
    home.run(&["doctor", "--kills", "3"]).exits(2);
}
