//! Makes the VMs of sessions.

use std::sync::Arc;

use super::host::Host;
use super::parts::Prelude;
use super::vm::LuaVm;
use super::{failure, interrupt, sandbox};
use crate::domain::SessionSpec;
use crate::engine::{Vm, VmFactory, VmFailure};

/// Makes the Lua VMs of sessions. Cheap to clone.
#[derive(Clone)]
pub struct LuaVms {
    prelude: Arc<Prelude>,
}

impl LuaVms {
    /// Compiles what every state loads.
    pub fn new() -> Self {
        let prelude = Prelude::compile().expect("the prelude is part of this program and compiles");
        Self { prelude: Arc::new(prelude) }
    }
}

impl Default for LuaVms {
    fn default() -> Self {
        Self::new()
    }
}

impl VmFactory for LuaVms {
    fn make(&self, spec: &Arc<SessionSpec>) -> Result<Box<dyn Vm>, VmFailure> {
        let host = Arc::new(Host::new(spec));
        let state = sandbox::open(&host, &self.prelude).and_then(|(lua, body)| {
            interrupt::install(&lua, &host)?;
            Ok((lua, body))
        });
        match state {
            Ok((lua, body)) => Ok(Box::new(LuaVm::new(lua, host, body))),
            Err(error) => Err(failure::of_error(&host, &error)),
        }
    }
}
