//! The process is killed at every system call.

use std::sync::OnceLock;

use crate::operation::{ALL, Operation};
use crate::trace::{self, Call, calls, each, needs_strace};

/// What was found after the process had been killed.
pub(crate) struct Killed {
    pub(crate) operation: &'static Operation,
    pub(crate) calls: Vec<Call>,
    /// For each call, as a number of the operation's stages.
    pub(crate) stages: Vec<usize>,
}

/// Every operation, killed at every call. Done once.
pub(crate) fn all() -> &'static [Killed] {
    static ALL_KILLED: OnceLock<Vec<Killed>> = OnceLock::new();
    ALL_KILLED.get_or_init(|| ALL.iter().map(Killed::everywhere).collect())
}

impl Killed {
    fn everywhere(operation: &'static Operation) -> Self {
        let calls = calls(operation);
        let stages = each(&calls, |call| {
            let rig = operation.rig();
            trace::kill(&rig, operation, call);
            let context = format!("{}, killed at {call:?}", operation.name);
            let stage = rig.stage(operation, &context);
            rig.check_next(&context);
            stage
        });
        Self { operation, calls, stages }
    }
}

#[test]
fn killed_at_any_call_the_old_or_the_new_session_is_whole_and_private_and_no_lock_stays_f1_f4_f5_f7() {
    needs_strace();
    for Killed { operation, stages, .. } in all() {
        assert_eq!(stages.first(), Some(&0), "{}", operation.name);
        assert_eq!(stages.last(), Some(&(operation.stages.len() - 1)), "{}", operation.name);
        // Nothing that was reached is lost again.
        assert!(stages.is_sorted(), "{}: {stages:?}", operation.name);
        let mut reached = stages.clone();
        reached.dedup();
        assert_eq!(reached.len(), operation.stages.len(), "{}: a stage is never seen", operation.name);
    }
}
