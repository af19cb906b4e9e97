//! A working day at the desk: twenty programs at once, and what people do to them and to themselves.

use std::path::Path;

use super::terminal::Terminal;

/// Twelve ask one thing, four ask three things at once, one asks twice, one asks when `signal.lua` appears, two never end.
fn write_programs(home: &Path) -> Vec<String> {
    let single = |n: u32| format!("return 'said: ' .. alc.llm('Question of s{n:02}?')");
    let batch = "local a = alc.llm_batch({{prompt='first'}, {prompt='second'}, {prompt='third'}}) \
                 return table.concat(a, '+')";
    let twice = "return alc.llm('Once?') .. alc.llm('Twice?')";
    let late = "repeat local there = pcall(require, 'signal') until there return alc.llm('A late question')";
    let programs = (1..=20).map(|n| {
        let code = match n {
            1..=12 => single(n),
            13..=16 => batch.to_owned(),
            17 => twice.to_owned(),
            18 => late.to_owned(),
            _ => "while true do end".to_owned(),
        };
        let name = format!("s{n:02}.lua");
        std::fs::write(home.join(&name), code).unwrap();
        name
    });
    programs.collect()
}

/// Shows only the sessions that match, and goes to the first of them.
fn filter(desk: &mut Terminal, query: &str, shown: &str) {
    desk.keys("/");
    desk.mode("FILTER");
    // The filter before, if there was one, is there to be changed.
    desk.keys("<C-a><C-k>");
    // Keys that come as fast as these would be taken for a paste, and the Enter behind them for its end.
    desk.paste(query);
    // The list may have been as long before.
    desk.shows(query);
    desk.shows(&format!(" {shown} "));
    desk.keys("<Enter>");
    desk.mode("LIST");
}

/// One step back. An Esc and a key behind it in one read would be an Alt key, so it is waited for.
fn back_to_list(desk: &mut Terminal) {
    desk.keys("<Esc>");
    desk.mode("LIST");
}

#[test]
fn a_working_day() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_owned();
    let programs = write_programs(&path);
    let mut args = vec!["--lib", "."];
    args.extend(programs.iter().map(String::as_str));
    let mut desk = Terminal::start_in(home, &args, 120, 36);
    desk.counts("20 sessions · 17 waiting");
    desk.counts("3 running");

    // One answer, and from there on from question to question: the next that waits, whoever asks.
    filter(&mut desk, "title~s0[1-4]", "4 of 20");
    desk.keys("a");
    for done in 1..=4 {
        desk.shows("Answer q-1");
        desk.keys("an answer<C-s>");
        desk.counts(&format!("{done} done"));
        desk.mode("SENT");
        desk.keys("<A-n>");
    }
    desk.shows("no other shown session waits, the filter hides those that do");
    back_to_list(&mut desk);

    // A batch, one by one; another with one answer for the rest.
    filter(&mut desk, "title~s13", "1 of 20");
    desk.keys("a");
    for question in 1..=3 {
        desk.shows(&format!("Answer q-{question}"));
        desk.keys(&format!("{question}<C-s>"));
    }
    desk.counts("5 done");
    desk.mode("SENT");
    back_to_list(&mut desk);
    filter(&mut desk, "title~s14", "1 of 20");
    desk.keys("<Enter>a");
    desk.shows("Answer q-1");
    desk.keys("the same<C-s>");
    desk.shows("Answer q-2");
    desk.keys("<Esc>");
    desk.mode("SESSION");
    desk.keys("=");
    desk.shows("Give this answer to 2 questions?");
    desk.keys("y");
    desk.counts("6 done");
    desk.shows("the same+the same+the same");
    back_to_list(&mut desk);

    // Half an answer is written, and somebody else answers: the text stays, and is used for another question.
    filter(&mut desk, "title~s15", "1 of 20");
    desk.keys("a");
    desk.shows("Answer q-1");
    desk.keys("half a thought");
    desk.shows("half a thought");
    back_to_list(&mut desk);
    desk.keys(":");
    desk.mode("PALETTE");
    desk.keys("resume . q-1 elsewhere<C-s>");
    desk.shows("draft of q-1, not sent: “half a thought”");
    desk.mode("LIST");
    desk.keys("a");
    desk.shows("Answer q-2");
    desk.keys("<A-o>");
    desk.shows("the draft of q-1 is here now");
    desk.keys("<C-s>");
    desk.shows("Answer q-3");
    desk.keys("last<C-s>");
    desk.counts("7 done");
    desk.shows("elsewhere+half a thought+last");
    back_to_list(&mut desk);

    // A question appears while somebody types another answer.
    filter(&mut desk, "title~s05 or title~s18", "2 of 20");
    desk.keys("a");
    desk.shows("Answer q-1");
    desk.keys("I am wri");
    desk.shows("I am wri");
    std::fs::write(path.join("signal.lua"), "return true").unwrap();
    desk.shows("“A late");
    desk.counts("2 running");
    desk.mode("ANSWER");
    desk.keys("ting<C-s>");
    desk.counts("8 done");
    desk.shows("said: I am writing");
    back_to_list(&mut desk);

    // A paste that was meant for another window.
    desk.paste("qyc\nrm -rf /\nqy");
    desk.shows("paste ignored");
    desk.shows("20 sessions");
    desk.mode("LIST");

    // What is left is cancelled at once, most of it hidden by then.
    filter(&mut desk, "-state:done", "12 of 20");
    desk.keys("*");
    desk.shows("12 sessions marked");
    filter(&mut desk, "state:running", "2 of 20");
    desk.keys("c");
    desk.shows("Cancel 12 sessions");
    desk.shows("Exactly these 12. The list hides 10 of them.");
    desk.keys("the day is over<C-s>");
    desk.counts("8 done · 12 cancelled");

    // The window is closed.
    desk.hang_up();
    desk.ends();
}
