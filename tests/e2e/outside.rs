//! What the desk does with other programs and with its terminal: editor, pager, title, suspending.

use super::terminal::Terminal;
use super::{home_with, leave, open_answer, quit, send_the_last};

/// A desk on one program, with a shell script in the place of another program.
fn desk_with(code: &str, variable: &str, script: &str) -> Terminal {
    let home = home_with("program.lua", code);
    std::fs::write(home.path().join("other.sh"), script).unwrap();
    Terminal::start_with(home, &["program.lua"], &[(variable, "sh other.sh")])
}

/// Opens an answer, writes a draft and opens the editor with it, until that has the terminal and says `EDITOR HERE`.
fn open_editor(desk: &mut Terminal, draft: &str) {
    open_answer(desk);
    desk.keys(draft);
    desk.keys("<C-x>");
    desk.shows("Ctrl-X, then Ctrl-E");
    desk.keys("<C-e>");
    desk.shows("EDITOR HERE");
}

#[test]
fn a_draft_goes_to_the_editor_and_what_comes_back_is_the_draft() {
    let script = "cat \"$1\"; printf 'EDITOR HERE'; read line; printf 'second %s' \"$line\" >> \"$1\"";
    let mut desk = desk_with("return alc.llm('Write, please')", "EDITOR", script);
    open_editor(&mut desk, "first line");
    // The editor has the terminal: the screen is its own, and so are the keys, also those that mean something here.
    desk.hides("Answer q-1");
    desk.keys("qyc<Enter>");
    desk.shows("Answer q-1");
    desk.shows("second qyc");
    desk.shows("nothing was sent");
    send_the_last(&mut desk);
    desk.shows("first line\\nsecond qyc");
    leave(&mut desk);
}

#[test]
fn ctrl_z_in_the_editor_stops_the_desk_with_it_and_fg_brings_the_editor_back() {
    let home = home_with("program.lua", "return alc.llm('Write, please')");
    let editor = "printf 'EDITOR HERE'; read line; printf 'got %s' \"$line\" > \"$1\"";
    std::fs::write(home.path().join("other.sh"), editor).unwrap();
    let script = "EDITOR='sh other.sh' \"$0\" program.lua; echo \"shell again\"; fg; echo \"over with $?\"";
    let mut desk = Terminal::start_shell(home, script);
    open_editor(&mut desk, "");
    desk.keys("<C-z>");
    desk.shows("shell again");
    // It says what it brings back.
    desk.shows("program.lua");
    desk.keys("more<Enter>");
    desk.shows("Answer q-1");
    desk.shows("got more");
    desk.keys("<Esc>");
    desk.mode("LIST");
    desk.keys("qy");
    desk.shows("over with 0");
    desk.ends();
    desk.is_as_it_was();
}

/// The keys whose signals go to everybody on the terminal, and what the signals are called.
const FATAL_KEYS: [(&str, &str); 2] = [("<C-c>", "INT"), ("<C-\\>", "QUIT")];

#[test]
fn ctrl_c_and_the_like_are_the_own_keys_of_an_editor_that_takes_them_and_the_text_comes_back() {
    for (key, name) in FATAL_KEYS {
        let script = "printf 'EDITOR HERE'; while ! read line; do :; done; printf 'got %s' \"$line\" > \"$1\"";
        let script = format!("trap 'printf NOTED' {name}; {script}");
        let mut desk = desk_with("return alc.llm('Write, please')", "EDITOR", &script);
        open_editor(&mut desk, "precious");
        desk.keys(key);
        desk.shows("NOTED");
        desk.keys("more<Enter>");
        desk.shows("nothing was sent");
        desk.shows("got more");
        send_the_last(&mut desk);
        leave(&mut desk);
    }
}

#[test]
fn ctrl_c_and_the_like_end_an_editor_that_does_not_take_them_and_the_draft_is_as_it_was() {
    for (key, _) in FATAL_KEYS {
        let script = "ulimit -c 0; printf 'EDITOR HERE'; read line";
        let mut desk = desk_with("return alc.llm('Write, please')", "EDITOR", script);
        open_editor(&mut desk, "precious");
        desk.keys(key);
        desk.shows("was ended by a signal; the draft is as it was");
        desk.shows("precious");
        desk.keys("<Esc>");
        quit(desk);
    }
}

#[test]
fn an_editor_that_fails_leaves_the_draft_as_it_was() {
    let mut desk = desk_with("return alc.llm('Write, please')", "VISUAL", "printf lost > \"$1\"; exit 3");
    open_answer(&mut desk);
    desk.keys("precious<C-x><C-e>");
    desk.shows("ended with 3; the draft is as it was");
    desk.shows("precious");
    desk.keys("<Esc>");
    quit(desk);
}

#[test]
fn the_transcript_is_read_in_the_pager() {
    let mut desk = desk_with("return alc.llm('Read me')", "PAGER", "cat \"$1\"; printf 'PAGER HERE'; read line");
    desk.counts("1 waiting");
    desk.keys("e");
    desk.shows("PAGER HERE");
    desk.shows("asks");
    desk.shows("    Read me");
    desk.hides("Sessions");
    desk.keys("<Enter>");
    desk.shows("Sessions");
    quit(desk);
}

#[test]
fn ctrl_s_stops_no_other_program_and_the_terminal_is_as_before() {
    let mut desk = desk_with("return alc.llm('Read me')", "PAGER", "stty -a | tr ' ' '\\n' | grep ixon; read line");
    desk.counts("1 waiting");
    desk.keys("e");
    desk.shows("-ixon");
    desk.keys("<Enter>");
    desk.shows("Sessions");
    quit(desk);
}

#[test]
fn the_title_of_the_window_says_how_many_wait_and_is_given_back() {
    let home = home_with("program.lua", "return alc.llm('Look up')");
    let mut desk = Terminal::start_in(home, &["program.lua"], 120, 36);
    open_answer(&mut desk);
    desk.keys("x<C-s>");
    // Behind a sent answer q does nothing; Esc goes back to the list.
    desk.mode("SENT");
    desk.keys("<Esc>");
    leave(&mut desk);
    desk.writes("\x1b[23;0t");
    let raw = desk.raw();
    let (_, waited) = raw.split_once("\x1b]0;(1) switchboard: 1 waiting, 0 running\x07").expect("it waited");
    assert!(waited.contains("\x1b]0;switchboard\x07"), "nothing waits any more");
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_brings_the_desk_back() {
    let home = home_with("program.lua", "return alc.llm('Suspend me')");
    let script = "\"$0\" program.lua; echo \"shell again\"; read line; fg > /dev/null; echo \"over with $?\"";
    let mut desk = Terminal::start_shell(home, script);
    open_answer(&mut desk);
    desk.keys("half");
    desk.shows("half");
    desk.keys("<C-z>");
    desk.shows("shell again");
    desk.hides("Suspend me");
    desk.keys("<Enter>");
    desk.shows("Suspend me");
    desk.shows("half");
    desk.keys("<Esc>");
    desk.mode("LIST");
    desk.keys("qy");
    desk.shows("over with 0");
    desk.ends();
    desk.is_as_it_was();
}

#[test]
fn a_package_is_started_from_the_form_with_what_it_says_it_needs() {
    let home = home_with("program.lua", "return alc.llm('Here already')");
    std::fs::create_dir_all(home.path().join("lib/greeter")).unwrap();
    let package = "--- greeter: greets in any tone.\n\
                   local M = { spec = { entries = { run = {\n\
                     input = T.shape({\n\
                       task = T.string,\n\
                       tone = T.string,\n\
                     }),\n\
                   } } } }\n\
                   function M.run(ctx) ctx.result = alc.llm(ctx.task .. ' in a tone ' .. ctx.tone) return ctx end\n\
                   return M\n";
    let package =
        format!("local T = setmetatable({{}}, {{ __index = function() return function() end end }})\n{package}");
    // What it says of itself stands in its first line.
    let package = package.replacen("local T", "--- greeter: greets in any tone.\nlocal T", 1);
    std::fs::write(home.path().join("lib/greeter/init.lua"), package).unwrap();
    let mut desk = Terminal::start_in(home, &["--lib", "lib", "program.lua"], 120, 36);
    desk.counts("1 waiting");
    desk.keys("N");
    desk.mode("NEW");
    desk.keys("<S-Tab>");
    desk.shows("[run]");
    desk.keys("<Right>");
    desk.shows("[advice]");
    desk.keys("<Tab>");
    desk.shows("greets in any tone.");
    desk.keys("<Enter>");
    desk.shows("▸ task");
    desk.paste("Say hello");
    desk.keys("<C-s>");
    desk.shows("tone is blank, and greeter needs it");
    desk.paste("of joy");
    desk.keys("<C-s>");
    desk.shows("greeter is started");
    desk.counts("2 sessions · 2 waiting");
    // Whoever starts a session stands on it.
    desk.shows("Say hello in a tone of joy");
    quit(desk);
}

#[test]
fn an_answerer_that_wants_the_terminal_is_told_that_it_has_none_and_the_run_goes_on() {
    let answerers = [
        "while read -r query; do read -r answer < /dev/tty; echo \"{\\\"response\\\": \\\"$answer\\\"}\"; done",
        "stty -echo < /dev/tty; cat",
        "cat > /dev/null | head -n 1 < /dev/tty; true",
    ];
    for answerer in answerers {
        let args = ["run", "--code", "return alc.llm('Who?')", "--answerer", answerer];
        let mut run = Terminal::start_in(tempfile::tempdir().unwrap(), &args, 160, 24);
        assert_eq!(run.ends().exit_code(), 6, "{}", run.contents());
        run.writes("given up at q-1: it wants the terminal");
        run.writes("waiting: q-1 Who?");
        assert!(!run.raw().contains("is started again"), "{}", run.contents());
    }
}
