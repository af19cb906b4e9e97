//! The one table of actions.

use std::collections::{HashMap, HashSet};

use switchboard::tui::{Action, Chord, Context, GROUPS, Key, Keymap, TABLE, TEXT_KEYS};

#[test]
fn no_key_is_bound_twice_in_a_context() {
    let mut bound = HashSet::new();
    for row in TABLE {
        for key in row.keys {
            let key: Chord = key.parse().unwrap();
            for context in row.contexts {
                assert!(bound.insert((*context, key)), "{key} in {context:?}");
            }
        }
    }
}

#[test]
fn rule_5_one_key_has_one_action_name_in_every_pane() {
    let mut names: HashMap<Chord, &str> = HashMap::new();
    // A yes/no question is no pane: it takes two letters and nothing else.
    for row in TABLE.iter().filter(|row| row.contexts != [Context::Question]) {
        for key in row.keys {
            let key: Chord = key.parse().unwrap();
            assert_eq!(*names.entry(key).or_insert(row.name), row.name, "{key}");
        }
    }
}

#[test]
fn every_action_is_documented_once() {
    let mut names = HashSet::new();
    let mut actions = HashSet::new();
    for row in TABLE {
        assert!(names.insert(row.name), "{}", row.name);
        assert!(actions.insert(row.action), "{}", row.name);
        assert!(!row.keys.is_empty() && !row.contexts.is_empty() && row.description.len() > 1, "{}", row.name);
        assert!(GROUPS.contains(&row.group), "{}", row.name);
    }
}

#[test]
fn keys_are_shown_as_they_are_written() {
    for row in TABLE {
        for key in row.keys {
            assert_eq!(key.parse::<Chord>().unwrap().to_string(), *key);
        }
    }
}

#[test]
fn rule_5_letters_typed_in_a_text_are_text() {
    let keymap = Keymap::default();
    for context in Context::ALL.into_iter().filter(|context| context.takes_text()) {
        for c in ' '..='~' {
            assert_eq!(keymap.action(context, Key::char(c)), None, "{c} in {context:?}");
        }
        // Where one line is typed, Enter takes it.
        let lines = matches!(context, Context::Editor | Context::Detail);
        for (key, _) in TEXT_KEYS.iter().filter(|_| lines) {
            assert_eq!(keymap.action(context, key.parse().unwrap()), None, "{key} in {context:?}");
        }
    }
}

#[test]
fn nothing_is_sent_or_confirmed_by_a_key_that_comes_by_itself() {
    let keymap = Keymap::default();
    for context in Context::ALL {
        for key in ["Enter", "Esc", "Space", "Tab", "Shift-Tab", "Ctrl-C"] {
            let action = keymap.action(context, key.parse().unwrap());
            assert!(!matches!(action, Some(Action::Send | Action::Yes | Action::Cancel | Action::Quit)), "{key}");
        }
    }
}
