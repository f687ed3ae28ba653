//! The state of a member between agreements, and during one.

use alloc::{sync::Arc, vec::Vec};
use core::{cell::OnceCell, fmt};

use gcs_view::MemberName;

use super::{
    blinded::Blinded,
    climb::PathKey,
    tree::{NodeId, Tree},
};
use crate::{group::Group, token::TokenKind};

/// A completed agreement.
pub(crate) struct Completed<G: Group> {
    /// The whole tree, with the keys of the own path.
    pub(crate) tree: Tree<G>,
    /// Members from left to right.
    pub(crate) order: Vec<MemberName>,
    /// Whether this member begins if others join, computed on demand.
    pub(crate) awaited: OnceCell<bool>,
}

/// An agreement under way. Cheap to clone: a token is processed on a copy, which replaces the original
/// when all that can fail has succeeded.
#[derive(Clone)]
pub(crate) struct Run<G: Group> {
    /// The view: in membership order until the whole tree is known, then from left to right.
    pub(crate) order: Arc<[MemberName]>,
    /// The view, sorted.
    pub(crate) roster: Arc<[MemberName]>,
    /// The component of each member of the roster.
    pub(crate) components: Vec<Component>,
    /// The tree of the own component, later the whole one. Except for the own keys in it, it is public
    /// state: a function of the delivered tokens.
    pub(crate) tree: Tree<G>,
    /// Own leaf.
    pub(crate) leaf: NodeId,
    /// The stage of the agreement.
    pub(crate) stage: Stage<G>,
    /// Announcements that are expected, the own one included.
    pub(crate) duties: Vec<Duty>,
    /// Own broadcast that is not delivered yet.
    pub(crate) own: Option<OwnBroadcast<G>>,
    /// Tokens accepted, to detect repetitions.
    pub(crate) delivered: Vec<Arc<Delivered>>,
    /// Nodes whose blinded keys were announced and are not verified, with their sender.
    pub(crate) unverified: Vec<(NodeId, MemberName)>,
    /// Whether others may be waiting for this member, computed on demand.
    pub(crate) awaited: OnceCell<bool>,
}

/// Whose tree a member is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// The own one.
    Own,
    /// Another one, delivered.
    Other,
    /// Another one, not delivered yet.
    Awaited,
}

/// The stage of an agreement.
#[derive(Clone)]
pub(crate) enum Stage<G: Group> {
    /// Trees are awaited until they cover the view.
    Gathering {
        /// Trees of other components.
        foreign: Vec<Arc<Tree<G>>>,
    },
    /// One tree contains all members; blinded keys are missing.
    Filling,
}

/// A broadcast that the public tree makes all members expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Duty {
    /// Its sender.
    pub(crate) sponsor: MemberName,
    /// The leaf of the sender, if it refreshes its share.
    pub(crate) refreshed: Option<NodeId>,
    /// Nodes whose blinded keys it contains, each the parent of the one before.
    pub(crate) nodes: Vec<NodeId>,
}

/// An own broadcast that is not delivered yet, with what takes effect on delivery.
#[derive(Clone)]
pub(crate) struct OwnBroadcast<G: Group> {
    /// Kind as sent.
    pub(crate) kind: TokenKind,
    /// Body as sent.
    pub(crate) body: Arc<[u8]>,
    /// The new share and the keys computed with it, if it refreshes the share.
    pub(crate) keys: Vec<PathKey<G>>,
    /// Blinded keys announced.
    pub(crate) blinded: Vec<(NodeId, Blinded<G>)>,
}

/// A token that was accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Who sent it.
    pub(crate) sender: MemberName,
    /// Its kind.
    pub(crate) kind: TokenKind,
    /// Body.
    pub(crate) body: Vec<u8>,
}

impl<G: Group> Run<G> {
    /// The leaf whose blinded key is about to be replaced.
    pub(crate) fn pending(&self) -> Option<NodeId> {
        self.duties.iter().find_map(|duty| duty.refreshed)
    }

    /// The index in the roster of the member with this name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        self.roster
            .binary_search_by(|member| member.as_bytes().cmp(name))
            .ok()
    }

    /// The component of a member of the view.
    pub(crate) fn component_of(&self, member: &MemberName) -> Option<Component> {
        self.components.get(self.find(member.as_bytes())?).copied()
    }

    /// Whether a token of this kind was accepted from `sender` before.
    pub(crate) fn has_taken(&self, sender: &MemberName, kind: TokenKind) -> bool {
        self.delivered
            .iter()
            .any(|token| token.sender == *sender && token.kind == kind)
    }

    /// Whether this same token was accepted before.
    pub(crate) fn is_repeated(&self, sender: &MemberName, kind: TokenKind, body: &[u8]) -> bool {
        self.delivered
            .iter()
            .any(|token| token.sender == *sender && token.kind == kind && token.body == body)
    }
}

impl<G: Group> fmt::Debug for Run<G> {
    /// The public part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Gathering { foreign } => format_args!("{} foreign trees", foreign.len()),
            Stage::Filling => format_args!("one tree"),
        };
        f.debug_struct("Run")
            .field("stage", &stage)
            .field("tree", &self.tree.text())
            .field("missing", &self.tree.dirty().count())
            .field("awaited", &self.duties)
            .field("own broadcast", &self.own.as_ref().map(|own| own.kind))
            .field("delivered", &self.delivered.len())
            .finish()
    }
}
