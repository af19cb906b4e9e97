//! The texts of modules that sessions run, for whoever looks at one.

use std::sync::Arc;

use super::registry::Registry;
use super::{Effect, EffectResult, ModuleSource, Record};
use crate::domain::{SessionId, StateError};

/// The text of a module that a session runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleText {
    /// The module.
    pub source: ModuleSource,
    /// Whether its program has got exactly this; else it is what one would get now.
    pub recorded: bool,
}

impl Registry {
    /// The text of the module `name` as the program of a session got it; where that is not kept, or it has not come so
    /// far, as it would get it now. Reads the record of the session, and perhaps a file.
    ///
    /// # Errors
    /// One line for people: there is no such session, or no such module any more.
    pub async fn module_text(&self, id: SessionId, name: &str) -> Result<ModuleText, String> {
        let spec = self.summary(id).map_err(|error: StateError| error.to_string())?.spec;
        let wanted = Effect::ReadModule { name: name.to_owned() }.hash();
        let world = &self.shared.world;
        let records = world.journal.records(id).get().await.ok().flatten();
        let got = records.iter().flat_map(|records| records.iter()).find_map(|record| match record {
            Record::Performed(performed) if performed.wanted == wanted => match &*performed.result {
                EffectResult::Module(Ok(Some(source))) => Some(source.clone()),
                EffectResult::Module(_) | EffectResult::Value(_) => None,
            },
            _ => None,
        });
        if let Some(source) = got {
            return Ok(ModuleText { source, recorded: true });
        }
        let roots: Vec<_> = spec.own_library_dirs().chain(&world.library_dirs).cloned().collect();
        let (files, module) = (Arc::clone(&world.files), name.to_owned());
        let read = tokio::task::spawn_blocking(move || files.read_module(&roots, &module)).await;
        match read.map_err(|error| error.to_string())?? {
            Some(source) => Ok(ModuleText { source, recorded: false }),
            None => Err(format!("no module {name} in the library directories, and its text is not kept")),
        }
    }
}
