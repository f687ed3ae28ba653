//! One group as one component sees it: its id and its members in order.
//!
//! ```text
//!   group id   proc_id . time      the daemon membership in which the group last changed hands
//!              index               1 after a network change or at its birth, +1 for every
//!                                  join, leave and disconnect
//! ```
//!
//! Every daemon of a component holds the same pair (`proc_id`, `time`) for a group, so the pair is
//! kept once a component; it is what the protocol notes (11.1) call a daemon's *previous pair*.

use std::collections::{BTreeMap, BTreeSet};

use gcs_proto::{codec, gcs::ViewId, name::MemberName};

use super::{configuration::DaemonIndex, session::SessionId};

/// Names a daemon membership: identifier of its first daemon, and when it was formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) proc_id: i32,
    pub(crate) time: u32,
}

impl Pair {
    /// Order of virtual synchrony sets: both words compared as signed integers (protocol notes,
    /// 7.4).
    pub(crate) fn set_order(self) -> (i32, i32) {
        (self.proc_id, self.time.cast_signed())
    }
}

/// Identifier of a view of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupId {
    pub(crate) pair: Pair,
    pub(crate) index: u32,
}

impl GroupId {
    /// The first id inside a daemon membership.
    pub(crate) fn first(pair: Pair) -> Self {
        Self { pair, index: 1 }
    }

    /// The id after one more change. A group that changes 2^32 times in one daemon membership
    /// starts over; ids need to differ from the one before only.
    pub(crate) fn next(self) -> Self {
        Self {
            index: self.index.wrapping_add(1),
            ..self
        }
    }

    pub(crate) fn view_id(self) -> ViewId {
        codec::GroupId {
            representative: self.pair.proc_id.cast_unsigned(),
            time: self.pair.time,
            index: self.index,
        }
        .into()
    }
}

/// Place of a member in its group: by daemon in the order of the configuration, then by private
/// group name in byte order (protocol notes, 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) daemon: DaemonIndex,
    pub(crate) member: MemberName,
}

/// Members of a group in order, each with its session.
pub(crate) type Members = BTreeMap<Place, SessionId>;

/// A group in a component. A group without members, lost ones included, does not exist.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) members: Members,
    /// Members out of reach, in a transitional period only: the group has lost them, and its next
    /// membership says so.
    pub(crate) lost: Members,
}

impl Group {
    /// A group without members yet.
    pub(crate) fn new(id: GroupId) -> Self {
        Self {
            id,
            members: Members::new(),
            lost: Members::new(),
        }
    }

    /// Names of all members in order, those out of reach included.
    pub(crate) fn names(&self) -> Vec<MemberName> {
        if self.lost.is_empty() {
            return self.members.keys().map(|place| place.member).collect();
        }
        let all: BTreeSet<&Place> = self.members.keys().chain(self.lost.keys()).collect();
        all.into_iter().map(|place| place.member).collect()
    }
}
