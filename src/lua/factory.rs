//! Makes the VMs of sessions.

use std::sync::Arc;

use super::host::Host;
use super::parts::Prelude;
use super::preempt::{self, Preemption};
use super::vm::LuaVm;
use super::{failure, sandbox};
use crate::domain::SessionSpec;
use crate::engine::{Vm, VmFactory, VmFailure};

/// Makes the Lua VMs of sessions. Cheap to clone.
#[derive(Clone)]
pub struct LuaVms {
    prelude: Arc<Prelude>,
    preemption: Preemption,
    version: Arc<str>,
}

impl LuaVms {
    /// Compiles what every state loads, and finds out how running programs can be interrupted here.
    pub fn new() -> Self {
        Self::interrupting(preempt::available())
    }

    /// The same with a standing hook, as on systems that have nothing better: hot Lua is slower.
    pub fn with_standing_hook() -> Self {
        Self::interrupting(Preemption::StandingHook)
    }

    fn interrupting(preemption: Preemption) -> Self {
        let prelude = Prelude::compile().expect("the prelude is part of this program and compiles");
        let version = format!("{}+{}", env!("CARGO_PKG_VERSION"), Prelude::hash()).into();
        Self { prelude: Arc::new(prelude), preemption, version }
    }

    /// Whether programs are interrupted on demand, so that hot Lua pays nothing for it.
    pub fn preempts_on_demand(&self) -> bool {
        self.preemption == Preemption::OnDemand
    }
}

impl Default for LuaVms {
    fn default() -> Self {
        Self::new()
    }
}

impl VmFactory for LuaVms {
    fn make(&self, spec: &Arc<SessionSpec>) -> Result<Box<dyn Vm>, VmFailure> {
        let host = Arc::new(Host::new(spec, self.preemption));
        match sandbox::open(&host, &self.prelude) {
            Ok((lua, body)) => Ok(Box::new(LuaVm::new(lua, host, body))),
            Err(error) => Err(failure::of_error(&host, &error)),
        }
    }

    fn version(&self) -> Arc<str> {
        Arc::clone(&self.version)
    }
}
