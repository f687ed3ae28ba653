//! Operations that have their place in the order and are not delivered yet.
//!
//! A real daemon holds operations back behind a SAFE message that is not stable; when the network
//! changes then, some of them are delivered between the transitional signal and the next
//! membership. A router that delivers on arrival never has any, so it can be told to *hold*:
//!
//! ```text
//!   hold ... operations of all sessions, in order ...  release     delivered as if nothing had been
//!                                                      partition   at the place of the cut:
//!
//!     a1 b1 | a2 b2 a3 b3     cut behind a prefix of 2; a is at n1, b at n2
//!
//!     at n1:  a1 b1  TRANSITION  a2 [b2] a3 ...   membership      [b2]: of those who are lost, up to
//!     at n2:  a1 b1  TRANSITION  [a2] b2 b3 ...   membership      a first gap that the seed chooses
//! ```
//!
//! A change of the network that cuts nobody off delivers everything before it. Of sessions that
//! are cut off only messages are delivered, none behind their first join, leave or end. Policies
//! judge requests when they arrive, and refusals go back at once. Protocol notes, 7.6 and 11.1.

use gcs_proto::{
    codec::{DataMessage, Request},
    name::{GroupName, MemberName},
};

use super::{Router, configuration::DaemonIndex, session::SessionId};

/// Most operations held (ours); one more releases them all.
pub const HELD_OPERATIONS: usize = 65_536;
/// Most bytes of messages held (ours); more releases them all.
pub const HELD_BYTES: usize = 64 << 20;

/// Where among held operations the network is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Operations that all sides deliver before the cut.
    pub prefix: usize,
    /// Chooses for each side how much it still gets of those who are cut off from it; 0 stands for
    /// nothing.
    pub seed: u64,
}

impl Cut {
    /// How many operations of others a side still gets, of `count` that there are.
    pub(super) fn gap(&self, side: Option<DaemonIndex>, count: usize) -> usize {
        if self.seed == 0 {
            return 0;
        }
        // The finalizer of splitmix64: neighbouring seeds and sides give unrelated places.
        let side = side.map_or(0, |daemon| daemon.0) as u64;
        let mut mixed = self
            .seed
            .wrapping_add(side.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let places = u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1);
        usize::try_from(mixed % places).unwrap_or(count)
    }
}

/// What a session does, once it is in the order.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Join(GroupName),
    Leave(GroupName),
    Send(DataMessage),
    /// The session is over.
    End,
}

/// An operation with its place in the order.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) session: SessionId,
    pub(super) member: MemberName,
    pub(super) daemon: DaemonIndex,
    pub(super) act: Act,
}

/// Operations held, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) operations: Vec<Operation>,
    bytes: usize,
}

impl Router {
    /// From now on orders operations and delivers nothing, until [`release`](Self::release) or a
    /// change of the network. Beyond [`HELD_OPERATIONS`] or [`HELD_BYTES`] they are released.
    pub fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Delivers what is held, in order, and holds no longer.
    pub fn release(&mut self) {
        for operation in self.take_held() {
            self.carry_out(operation);
        }
    }

    /// Operations held.
    #[must_use]
    pub fn held_count(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.operations.len())
    }

    pub(super) fn take_held(&mut self) -> Vec<Operation> {
        self.held.take().unwrap_or_default().operations
    }

    /// Gives an operation its place in the order.
    pub(super) fn order(&mut self, operation: Operation) {
        let Some(held) = &mut self.held else {
            self.carry_out(operation);
            return;
        };
        if let Act::Send(message) = &operation.act {
            held.bytes = held.bytes.saturating_add(message.size());
        }
        held.operations.push(operation);
        if held.operations.len() > HELD_OPERATIONS || held.bytes > HELD_BYTES {
            self.release();
        }
    }

    /// Carries out an operation at the daemons that its session reaches.
    pub(super) fn carry_out(&mut self, operation: Operation) {
        let Operation {
            session,
            member,
            daemon,
            act,
        } = operation;
        match act {
            Act::Join(group) => self.join(session, group),
            Act::Leave(group) => self.leave(session, group),
            Act::Send(message) => self.multicast(session, member, daemon, message),
            Act::End => {
                if let Some(ended) = self.sessions.remove(session) {
                    self.withdraw(&ended);
                }
            }
        }
    }
}

impl Act {
    pub(super) fn of(request: Request) -> Self {
        match request {
            Request::Join(group) => Self::Join(group),
            Request::Leave(group) => Self::Leave(group),
            Request::Data(message) => Self::Send(message),
            Request::Disconnect => Self::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_within_what_is_there_and_differ() {
        let side = |number| Some(DaemonIndex(number));
        assert_eq!(Cut::default().gap(side(0), 10), 0);
        let gaps: Vec<usize> = (1..200)
            .map(|seed| Cut { prefix: 0, seed }.gap(side(1), 3))
            .collect();
        for gap in 0..=3 {
            assert!(gaps.contains(&gap), "{gap}");
        }
        assert!(gaps.iter().all(|gap| *gap <= 3));
    }
}
