//! What a member knows between agreements, and during one.

use alloc::{collections::BTreeMap, vec::Vec};

use gcs_view::MemberName;

use super::wrap::WrapKey;
use crate::{error::Error, group::Group, secret::GroupSecret};

/// What the controller and one member have in common.
pub(super) enum Pair<G: Group> {
    /// Mode 0: e = F(g^(r_c r_y)).
    Exponent(G::Scalar),
    /// Mode 1.
    Key(WrapKey),
}

/// A completed agreement.
pub(super) struct Context<G: Group> {
    /// Members, controller first.
    pub(super) order: Vec<MemberName>,
    /// The controller's public share z_c, with which all pairs were made.
    pub(super) public: G::Element,
    /// What else this member keeps.
    pub(super) role: Role<G>,
}

impl<G: Group> Context<G> {
    /// What the controller keeps.
    pub(super) fn reign(&self) -> Result<&Reign<G>, Error> {
        match &self.role {
            Role::Controller(reign) => Ok(reign),
            Role::Member(_) => Err(Error::Internal("not the controller")),
        }
    }

    /// What a member has in common with the controller.
    pub(super) fn pair(&self) -> Result<&Pair<G>, Error> {
        match &self.role {
            Role::Member(pair) => Ok(pair),
            Role::Controller(_) => Err(Error::Internal("the controller has many pairs")),
        }
    }
}

/// What a member keeps by its role.
pub(super) enum Role<G: Group> {
    /// The controller: its share, and what it has in common with everybody else.
    Controller(Reign<G>),
    /// Everybody else: what it has in common with the controller. Its share is not needed any more.
    Member(Pair<G>),
}

/// What a controller keeps as long as it is controller.
pub(super) struct Reign<G: Group> {
    /// r_c.
    pub(super) share: G::Scalar,
    /// Pairs by member.
    pub(super) pairs: BTreeMap<MemberName, Pair<G>>,
}

/// An agreement under way.
pub(super) struct Staged<G: Group> {
    /// Members, controller first; in the order of the membership until a token tells the real one.
    pub(super) order: Vec<MemberName>,
    /// What is awaited.
    pub(super) stage: Stage<G>,
}

/// What a member waits for.
pub(super) enum Stage<G: Group> {
    /// Target: the controller's announcement.
    Announcement {
        /// Whether the controller was controller before; not known to new members.
        kept: Option<bool>,
    },
    /// Controller: the responses of the targets.
    Responses {
        /// Own share and its public part, if they are new.
        fresh: Option<(G::Scalar, G::Element)>,
        /// Responses by target.
        targets: BTreeMap<MemberName, Option<G::Element>>,
        /// Own announcement, until it comes back.
        echo: Option<Vec<u8>>,
    },
    /// Everybody but the controller: the enciphered key.
    Key {
        /// Public share and pair, if they are new.
        fresh: Option<(G::Element, Pair<G>)>,
        /// The announcement.
        announcement: Announced,
    },
    /// Controller: its own enciphered key, which takes effect when it comes back.
    OwnKey {
        /// Own share and its public part, if they are new.
        fresh: Option<(G::Scalar, G::Element)>,
        /// New pairs.
        pairs: BTreeMap<MemberName, Pair<G>>,
        /// The key.
        secret: GroupSecret,
        /// The token as sent.
        body: Vec<u8>,
        /// Own announcement, if that has not come back yet either.
        echo: Option<Vec<u8>>,
    },
}

/// The announcement as those see it who wait for the key.
pub(super) enum Announced {
    /// There is none, or one for somebody else.
    NotHere,
    /// To the group; this member is no target.
    Awaited {
        /// Whether the controller was controller before.
        kept: bool,
    },
    /// This one came.
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

    /// How many tokens of a set are here, for debugging.
    pub(super) fn progress(&self) -> usize {
        match self {
            Self::Responses { targets, .. } => targets.values().flatten().count(),
            Self::Announcement { .. } | Self::Key { .. } | Self::OwnKey { .. } => 0,
        }
    }
}
