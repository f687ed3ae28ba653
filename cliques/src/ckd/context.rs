//! The state of a member between agreements, and during one.

use alloc::{collections::BTreeMap, vec::Vec};

use gcs_view::MemberName;

use super::wrap::WrapKey;
use crate::{
    arithmetic::Received, error::Error, group::Group, secret::GroupSecret, staged::Ordered,
};

/// The key that the controller shares with one member.
pub(super) enum PairwiseKey<G: Group> {
    /// Mode 0: e = F(g^(r_c r_y)).
    Exponent(G::Scalar),
    /// Mode 1: a key that wraps the group secret.
    Wrap(WrapKey),
}

/// A completed agreement.
pub(super) struct Context<G: Group> {
    /// Members, controller first.
    pub(super) order: Vec<MemberName>,
    /// The controller's public share z_c, with which all pairwise keys were computed.
    pub(super) public: G::Element,
    /// The secrets that this member keeps.
    pub(super) role: Role<G>,
}

impl<G: Group> Ordered for Context<G> {
    fn order(&self) -> &[MemberName] {
        &self.order
    }
}

impl<G: Group> Context<G> {
    /// The secrets of the controller.
    pub(super) fn controller(&self) -> Result<&Controller<G>, Error> {
        match &self.role {
            Role::Controller(controller) => Ok(controller),
            Role::Member(_) => Err(Error::Internal("not the controller")),
        }
    }

    /// The key that a member shares with the controller.
    pub(super) fn pairwise_key(&self) -> Result<&PairwiseKey<G>, Error> {
        match &self.role {
            Role::Member(key) => Ok(key),
            Role::Controller(_) => Err(Error::Internal("the controller has many pairwise keys")),
        }
    }
}

/// The secrets of a member, by its role.
pub(super) enum Role<G: Group> {
    /// The controller: its share, and the keys that it shares with the others.
    Controller(Controller<G>),
    /// Another member: the key that it shares with the controller. Its share is not needed any more.
    Member(PairwiseKey<G>),
}

/// The secrets of a controller, which last as long as it is controller.
pub(super) struct Controller<G: Group> {
    /// r_c.
    pub(super) share: G::Scalar,
    /// Pairwise keys by member.
    pub(super) keys: BTreeMap<MemberName, PairwiseKey<G>>,
}

/// An agreement under way.
pub(super) struct Staged<G: Group> {
    /// Members, controller first; in the order of the membership until a token brings the real order.
    pub(super) order: Vec<MemberName>,
    /// The next token that this member waits for.
    pub(super) stage: Stage<G>,
}

impl<G: Group> Ordered for Staged<G> {
    fn order(&self) -> &[MemberName] {
        &self.order
    }
}

/// A new share of the controller, and its public share.
pub(super) type FreshShare<G> = (<G as Group>::Scalar, <G as Group>::Element);

/// What a member waits for.
pub(super) enum Stage<G: Group> {
    /// Target: the controller's announcement.
    Announcement {
        /// Whether the controller was controller before; `None` at new members, which do not know.
        kept: Option<bool>,
    },
    /// Controller: the responses of the targets.
    Responses {
        /// Own share and its public share, if they are new.
        fresh: Option<FreshShare<G>>,
        /// Responses by target.
        targets: BTreeMap<MemberName, Option<Received<G>>>,
        /// Own announcement, until it is delivered.
        echo: Option<Vec<u8>>,
    },
    /// Everybody but the controller: the encrypted key.
    Key {
        /// The controller's public share and the pairwise key, if they are new.
        fresh: Option<(G::Element, PairwiseKey<G>)>,
        /// The announcement.
        announcement: Announced,
    },
    /// Controller: its own encrypted key, which takes effect when it is delivered.
    OwnKey {
        /// Own share and its public share, if they are new.
        fresh: Option<FreshShare<G>>,
        /// New pairwise keys.
        keys: BTreeMap<MemberName, PairwiseKey<G>>,
        /// The key.
        secret: GroupSecret,
        /// The token as sent.
        body: Vec<u8>,
        /// Own announcement, if that has not been delivered either.
        echo: Option<Vec<u8>>,
    },
}

/// The announcement, at a member that waits for the key.
pub(super) enum Announced {
    /// There is none, or it is a unicast to another member.
    NotExpected,
    /// To the group; this member is no target.
    Awaited {
        /// Whether the controller was controller before.
        kept: bool,
    },
    /// It was delivered, with this body.
    Seen(Vec<u8>),
}

impl<G: Group> Stage<G> {
    /// Name for debugging.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Announcement { .. } => "announcement awaited",
            Self::Responses { .. } => "responses awaited",
            Self::Key {
                announcement: Announced::Awaited { .. },
                ..
            } => "announcement to others and key awaited",
            Self::Key { .. } => "key awaited",
            Self::OwnKey { .. } => "own key awaited",
        }
    }

    /// How many responses are stored, for debugging.
    pub(super) fn progress(&self) -> usize {
        match self {
            Self::Responses { targets, .. } => targets.values().flatten().count(),
            Self::Announcement { .. } | Self::Key { .. } | Self::OwnKey { .. } => 0,
        }
    }
}
