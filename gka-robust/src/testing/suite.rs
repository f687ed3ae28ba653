//! Suites over symbolic elements, one for each process of a simulation.

use alloc::{boxed::Box, sync::Arc};

use cliques::{
    KeyAgreement, MemberId, Protocol,
    testing::symbolic::{Algebra, SymbolicGroup},
};

/// The suite of a process over a symbolic group; none for a suite from outside of `cliques`.
pub fn symbolic(
    protocol: Protocol,
    group: SymbolicGroup,
    me: MemberId,
) -> Option<Box<dyn KeyAgreement>> {
    protocol.member_over(group, me)
}

/// What the groups of a simulation have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    algebra: Arc<Algebra>,
}

impl World {
    pub(super) const fn algebra(&self) -> &Arc<Algebra> {
        &self.algebra
    }

    pub(super) fn group(&self, life: usize) -> SymbolicGroup {
        SymbolicGroup::new(self.algebra.clone(), life)
    }
}
