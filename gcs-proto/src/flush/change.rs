//! A change of membership that waits for the agreement of its members.

use alloc::{collections::BTreeSet, vec::Vec};

use crate::{
    gcs::{Cause, Membership, ViewId},
    name::MemberName,
};

/// Whether a transitional signal came while the change was pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// None came.
    Clear,
    /// The view must be followed by a signal as soon as it is installed.
    Signalled,
}

/// What becomes of a pending change when members leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Whoever left had acknowledged the change, so it can still be agreed.
    Stays,
    /// An acknowledgement will never come: the change is merged into the next one.
    Dropped,
}

/// A membership announced by the engine and not yet installed as a view.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) id: ViewId,
    /// All members, in the engine's order, each one once.
    pub(super) members: Vec<MemberName>,
    /// Position of the receiver in `members`.
    pub(super) index: usize,
    pub(super) cause: Cause,
    /// Members that have not left since.
    pub(super) surviving: BTreeSet<MemberName>,
    /// Members, gone ones included, whose acknowledgement has not come.
    pub(super) missing: BTreeSet<MemberName>,
    /// Who left by this membership or by dropped ones directly before it.
    pub(super) gone: BTreeSet<MemberName>,
    pub(super) mark: Mark,
}

impl Change {
    /// Takes a membership; `None` unless it lists every member once and `me` among them.
    pub(super) fn new(
        membership: Membership,
        me: &MemberName,
        gone: BTreeSet<MemberName>,
    ) -> Option<Self> {
        let index = membership.view.members.iter().position(|name| name == me)?;
        let surviving: BTreeSet<_> = membership.view.members.iter().copied().collect();
        (surviving.len() == membership.view.members.len()).then(|| Self {
            id: membership.view.id,
            index,
            cause: membership.view.cause,
            missing: surviving.clone(),
            surviving,
            gone,
            mark: Mark::Clear,
            members: membership.view.members,
        })
    }

    /// Takes leavers into account; a dropped change must not be used any more.
    pub(super) fn lose(&mut self, leavers: &BTreeSet<MemberName>) -> Outcome {
        let lost = |name: &&MemberName| self.surviving.contains(*name);
        if leavers
            .iter()
            .filter(lost)
            .any(|name| self.missing.contains(name))
        {
            return Outcome::Dropped;
        }
        self.surviving.retain(|name| !leavers.contains(name));
        Outcome::Stays
    }

    /// Takes over what a dropped change before this one had to say.
    pub(super) fn absorb(&mut self, mut dropped: BTreeSet<MemberName>) {
        self.cause = Cause::Network;
        self.gone.append(&mut dropped);
    }
}
