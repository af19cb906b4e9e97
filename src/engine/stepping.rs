//! Steps the VM of a session: on the worker that its task is on, or where that would hold up others, on a thread of its own.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinError;

use super::world::World;
use super::{Door, Input, Step, Vm};
use crate::domain::SessionId;

/// Steps the VM of a session, whose slice began at `began`. A heavy step is run on a thread of its own, where it keeps no
/// other session waiting.
pub(super) async fn step(
    vm: &mut Option<Box<dyn Vm>>,
    input: Input,
    door: Door,
    (world, session, began): (&Arc<World>, SessionId, Instant),
) -> (Step, Door) {
    let mut away = vm.take().expect("a session has its VM from its first step to its end");
    if !away.is_heavy(&input) {
        let _stepping = world.board.step(session, began);
        let (step, door) = away.step(input, door);
        *vm = Some(away);
        return (step, door);
    }
    let world = Arc::clone(world);
    let run = move || {
        let _stepping = world.board.step(session, began);
        let (step, door) = away.step(input, door);
        (away, step, door)
    };
    match tokio::task::spawn_blocking(run).await.map_err(JoinError::try_into_panic) {
        Ok((back, step, door)) => {
            *vm = Some(back);
            (step, door)
        }
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime ends, and this task with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// Does what takes long here and now; what else waits for this worker is done on another thread meanwhile.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        // Nobody could take over.
        _ => work(),
    }
}
