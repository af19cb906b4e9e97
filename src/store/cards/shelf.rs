//! Finds the cards in their directories.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Map, Value};

use super::super::entry::Entry;
use super::super::is_name;
use super::table;

/// The directory of the locks, which is no package.
const LOCKS: &str = "~locks";

/// How the file of the aliases is called, and what it is written to first.
const ALIASES: &str = "_aliases.toml";

/// A card and its package.
pub(super) type Found = (String, Map<String, Value>);

/// All cards of a home.
#[derive(Clone, Copy)]
pub(super) struct Shelf<'a> {
    home: &'a Path,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(home: &'a Path) -> Self {
        Self { home }
    }

    pub(super) fn home(&self) -> &'a Path {
        self.home
    }

    /// The file of a card or of what belongs to one.
    pub(super) fn entry(&self, pkg: &str, name: &str) -> Entry {
        Entry::whole(self.home, format!("cards/{pkg}/{name}"))
    }

    /// The packages that have cards, sorted.
    fn packages(&self) -> Result<Vec<String>, String> {
        let mut names = names_in(&self.home.join("cards")).map_err(|error| format!("card: cards: {error}"))?;
        names.retain(|name| name != LOCKS);
        Ok(names)
    }

    /// The package that a card belongs to, if there is such a card.
    pub(super) fn package_of(&self, card_id: &str) -> Result<Option<String>, String> {
        check_name("card_id", card_id)?;
        let has = |pkg: &String| self.entry(pkg, &format!("{card_id}.toml")).path().is_file();
        Ok(self.packages()?.into_iter().find(has))
    }

    /// A card.
    pub(super) fn get(&self, card_id: &str) -> Result<Option<Map<String, Value>>, String> {
        let Some(pkg) = self.package_of(card_id)? else { return Ok(None) };
        let entry = self.entry(&pkg, &format!("{card_id}.toml"));
        let text = entry.read().map_err(|why| format!("card: {why}"))?;
        text.map(|text| table::parse(&entry.name(), &text)).transpose()
    }

    /// Every card that can be read, of one package or of all, with its package.
    pub(super) fn cards(&self, pkg: Option<&str>) -> Result<Vec<Found>, String> {
        let packages = match pkg {
            Some(pkg) => {
                check_name("pkg", pkg)?;
                vec![pkg.to_owned()]
            }
            None => self.packages()?,
        };
        let mut cards = Vec::new();
        for pkg in packages {
            let names = names_in(&self.home.join("cards").join(&pkg)).unwrap_or_default();
            for name in names.iter().filter(|name| Path::new(name).extension().is_some_and(|it| it == "toml")) {
                let entry = self.entry(&pkg, name);
                // One that is damaged is in nobody's way.
                if let Ok(Some(text)) = entry.read()
                    && let Ok(card) = table::parse(&entry.name(), &text)
                {
                    cards.push((pkg.clone(), card));
                }
            }
        }
        Ok(cards)
    }
}

/// The names in a directory, sorted; none where it is not there.
fn names_in(dir: &Path) -> std::io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Refuses a name that could lead out of the directory, or that something else there has.
pub(super) fn check_name(kind: &str, name: &str) -> Result<(), String> {
    if is_name(name) && name != LOCKS && !name.starts_with(ALIASES) {
        Ok(())
    } else {
        Err(format!("Invalid {kind} name: '{name}'"))
    }
}
