//! Suites over symbolic elements, one for each process of a simulation.

use alloc::{boxed::Box, sync::Arc};

use cliques::{KeyAgreement, MemberId, Protocol, gdh::Gdh};

use super::symbolic::{Algebra, SymbolicGroup};

/// The suite of a process over a symbolic group.
pub fn symbolic(protocol: Protocol, group: SymbolicGroup, me: MemberId) -> Box<dyn KeyAgreement> {
    match protocol {
        Protocol::Gdh => Box::new(Gdh::new(group, me)),
        _ => unreachable!("a suite that this crate does not know"),
    }
}

/// The algebra of a simulation.
#[derive(Debug)]
pub(super) struct World {
    algebra: Arc<Algebra>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            algebra: Algebra::new(),
        }
    }

    pub(super) fn algebra(&self) -> &Algebra {
        &self.algebra
    }

    pub(super) fn group(&self, life: usize) -> SymbolicGroup {
        SymbolicGroup::new(self.algebra.clone(), life)
    }
}
