//! `switchboard keys`: every action of the desk, its keys and what it does; where the keymap file has a mistake, with the
//! keys that are built in, and then the mistake.

use serde_json::{Value, json};

use super::args::{Format, KeysArgs};
use super::exit::{CliError, Exit};
use super::{files, output};
use crate::config::Settings;
use crate::tui::{GROUPS, Keymap, Row, TABLE, TEXT_GROUP, TEXT_KEYS};

/// Prints the table.
pub(super) fn keys(settings: &Settings, args: KeysArgs) -> Result<Exit, CliError> {
    // Who has to mend a keymap file needs the table most.
    let (keymap, fault) = match files::keymap(settings) {
        Ok(keymap) => (keymap, None),
        Err(fault) => (Keymap::default(), Some(fault)),
    };
    let text = match args.output {
        Format::Text => GROUPS.iter().map(|group| table(group, &keymap)).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let rows: Vec<Value> = objects(&keymap).collect();
            format!("{:#}\n", json!({ "keys": rows }))
        }
        Format::Jsonl => objects(&keymap).map(|row| row.to_string() + "\n").collect(),
    };
    output::data(text)?;
    fault.map_or(Ok(Exit::Ok), Err)
}

fn table(group: &str, keymap: &Keymap) -> String {
    let rows = TABLE.iter().filter(|row| row.group == group);
    let rows = rows.map(|row| (keymap.written(row.action), row.name, row.description));
    // Those of the text fields have no name: they cannot be changed.
    let text_keys = TEXT_KEYS.iter().filter(|_| group == TEXT_GROUP).map(|(key, does)| ((*key).to_owned(), "", *does));
    rows.chain(text_keys)
        .fold(format!("{group}\n"), |text, (keys, name, does)| text + &format!("  {keys:<17} {name:<18} {does}\n"))
}

/// Every action, and the keys of text fields, which are none.
fn objects(keymap: &Keymap) -> impl Iterator<Item = Value> {
    let text_keys = TEXT_KEYS
        .iter()
        .map(|(key, does)| json!({ "action": Value::Null, "keys": [key], "group": TEXT_GROUP, "description": does }));
    TABLE.iter().map(|row| object(row, keymap)).chain(text_keys)
}

fn object(row: &Row, keymap: &Keymap) -> Value {
    let keys: Vec<String> = keymap.keys(row.action).iter().map(ToString::to_string).collect();
    json!({ "action": row.name, "keys": keys, "group": row.group, "description": row.description })
}
