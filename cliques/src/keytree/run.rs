//! What a member knows between agreements, and during one.

use alloc::{sync::Arc, vec::Vec};
use core::{cell::OnceCell, fmt};

use gcs_view::MemberName;

use super::{
    blinded::Blinded,
    key::PathKey,
    tree::{NodeId, Tree},
};
use crate::{group::Group, token::TokenKind};

/// A completed agreement.
pub(crate) struct Completed<G: Group> {
    /// The whole tree, with the keys of the own path.
    pub(crate) tree: Tree<G>,
    /// Members from left to right.
    pub(crate) order: Vec<MemberName>,
    /// Whether this member begins if others join, once that was asked.
    pub(crate) awaited: OnceCell<bool>,
}

/// An agreement under way. Cheap to clone: a token is worked on in a copy, which replaces the
/// original once nothing can fail any more.
#[derive(Clone)]
pub(crate) struct Run<G: Group> {
    /// The view: in membership order until the whole tree is known, then from left to right.
    pub(crate) order: Arc<[MemberName]>,
    /// The view, sorted.
    pub(crate) roster: Arc<[MemberName]>,
    /// In whose tree each member of the roster is.
    pub(crate) places: Vec<Place>,
    /// The tree of the own component, then the whole one. Public state: a function of the tokens
    /// delivered, but for the own keys in it.
    pub(crate) tree: Tree<G>,
    /// Own leaf.
    pub(crate) leaf: NodeId,
    /// How far the agreement is.
    pub(crate) phase: Phase<G>,
    /// Announcements that are awaited, the own one too.
    pub(crate) duties: Vec<Duty>,
    /// Own broadcast that has not come back.
    pub(crate) own: Option<OwnBroadcast<G>>,
    /// Tokens taken, to tell repetitions.
    pub(crate) received: Vec<Arc<Received>>,
    /// Nodes whose blinded keys were announced and not verified, with who did.
    pub(crate) unverified: Vec<(NodeId, MemberName)>,
    /// Whether others may be waiting for this member, once that was asked.
    pub(crate) awaited: OnceCell<bool>,
}

/// In whose tree a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The own one.
    Own,
    /// One that has been received.
    Foreign,
    /// One that is awaited.
    Awaited,
}

/// How far an agreement is.
#[derive(Clone)]
pub(crate) enum Phase<G: Group> {
    /// Trees are awaited until they cover the view.
    Gathering {
        /// Trees of other components.
        foreign: Vec<Arc<Tree<G>>>,
    },
    /// One tree has everybody; blinded keys are missing.
    Filling,
}

/// A broadcast that everybody can tell is to come, from the public tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Duty {
    /// Who sends it.
    pub(crate) sponsor: MemberName,
    /// Its leaf, if it refreshes its share.
    pub(crate) refreshed: Option<NodeId>,
    /// Nodes whose blinded keys it brings, each the parent of the one before.
    pub(crate) nodes: Vec<NodeId>,
}

/// An own broadcast on its way, with what takes effect when it comes back.
#[derive(Clone)]
pub(crate) struct OwnBroadcast<G: Group> {
    /// Kind as sent.
    pub(crate) kind: TokenKind,
    /// Body as sent.
    pub(crate) body: Arc<[u8]>,
    /// The new share and the keys made with it, if it refreshes the share.
    pub(crate) keys: Vec<PathKey<G>>,
    /// Blinded keys announced.
    pub(crate) blinded: Vec<(NodeId, Blinded<G>)>,
}

/// A token that was taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Who sent it.
    pub(crate) sender: MemberName,
    /// What it was.
    pub(crate) kind: TokenKind,
    /// Body.
    pub(crate) body: Vec<u8>,
}

impl<G: Group> Run<G> {
    /// The leaf whose blinded key is about to be replaced.
    pub(crate) fn pending(&self) -> Option<NodeId> {
        self.duties.iter().find_map(|duty| duty.refreshed)
    }

    /// The place in the roster of the member with this name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        self.roster
            .binary_search_by(|member| member.as_bytes().cmp(name))
            .ok()
    }

    /// In whose tree a member of the view is.
    pub(crate) fn place_of(&self, member: &MemberName) -> Option<Place> {
        self.places.get(self.find(member.as_bytes())?).copied()
    }

    /// Whether a token of this kind was taken from `sender` before.
    pub(crate) fn has_taken(&self, sender: &MemberName, kind: TokenKind) -> bool {
        self.received
            .iter()
            .any(|token| token.sender == *sender && token.kind == kind)
    }

    /// Whether this very token was taken before.
    pub(crate) fn is_repeated(&self, sender: &MemberName, kind: TokenKind, body: &[u8]) -> bool {
        self.received
            .iter()
            .any(|token| token.sender == *sender && token.kind == kind && token.body == body)
    }
}

impl<G: Group> fmt::Debug for Run<G> {
    /// What is public of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &self.phase {
            Phase::Gathering { foreign } => format_args!("{} foreign trees", foreign.len()),
            Phase::Filling => format_args!("one tree"),
        };
        f.debug_struct("Run")
            .field("phase", &phase)
            .field("tree", &self.tree.text())
            .field("missing", &self.tree.dirty().count())
            .field("awaited", &self.duties)
            .field("own broadcast", &self.own.as_ref().map(|own| own.kind))
            .field("taken", &self.received.len())
            .finish()
    }
}
