//! Lives and branches, as the desk reads and makes them of a session that runs.

use super::{desk_on, open_answer, quit};

#[test]
fn a_life_shows_questions_answers_and_the_state_then() {
    let mut desk = desk_on("return alc.llm('First?') .. alc.llm('Second?')");
    desk.counts("1 waiting");
    desk.keys("<Enter>6");
    desk.shows("waits: q-1 “First?”");
    open_answer(&mut desk);
    desk.keys("an answer<C-s>");
    desk.mode("SENT");
    desk.keys("<Esc>");
    desk.mode("SESSION");
    desk.keys("6");
    desk.shows("q-1 answered by person");
    desk.keys("G");
    desk.shows("q-2 waiting: “Second?”");
    desk.keys("g");
    desk.shows("the state behind event 1");
    desk.keys("q");
    desk.mode("LIST");
    quit(desk);
}

#[test]
fn a_fork_takes_another_answer_and_stands_beside_what_it_goes_on_from() {
    let mut desk = desk_on("return alc.llm('First?') .. alc.llm('Second?')");
    open_answer(&mut desk);
    desk.keys("one<C-s>");
    desk.shows("pause 2");
    desk.mode("SENT");
    desk.keys("<Esc>");
    desk.mode("LIST");
    desk.keys("B");
    desk.shows("1 left behind");
    desk.keys("two<C-s>");
    desk.shows("#2; q-1 answered");
    desk.counts("2 waiting");
    desk.keys("|");
    desk.shows("≠ person: two");
    desk.keys("q");
    desk.mode("LIST");
    desk.keys("q");
    assert_eq!(desk.ends().exit_code(), 0, "the journal keeps both, so nothing is asked");
    desk.is_as_it_was();
}
