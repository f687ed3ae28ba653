//! The state machine that both suites share: changes, dispatch, completion.

use alloc::{sync::Arc, vec::Vec};
use core::{cell::OnceCell, fmt, marker::PhantomData};

use gcs_view::{Listed, MemberName};
use rand_core::CryptoRng;

use super::{
    KeyTiming, PublicNode, Verification,
    blinded::Blinded,
    climb::{climb, highest},
    key::Key,
    reshape::Pruned,
    rules::{Event, Rules},
    run::{Completed, Component, Duty, Run, Stage},
    tree::{NodeId, Tree},
};
use crate::{
    agreement::{Change, Step},
    arithmetic::Arithmetic,
    cost::Cost,
    error::{Error, Rejected},
    group::Group,
    rules::{
        LISTED_TWICE, MEMBERS_MAX, TOO_MANY, check_entry, check_members, remaining, unexpected,
    },
    token::TokenKind,
};

/// A member's side of a suite with the given rules.
pub(crate) struct TreeAgreement<G: Group, R: Rules> {
    pub(super) me: MemberName,
    pub(super) arithmetic: Arithmetic<G>,
    pub(super) timing: KeyTiming,
    pub(super) verification: Verification,
    pub(super) completed: Option<Completed<G>>,
    pub(super) working: Option<Run<G>>,
    rules: PhantomData<fn() -> R>,
}

impl<G: Group, R: Rules> TreeAgreement<G, R> {
    pub(crate) fn new(group: G, me: MemberName) -> Self {
        Self {
            me,
            arithmetic: Arithmetic::new(group),
            timing: KeyTiming::Overlapped,
            verification: Verification::Off,
            completed: None,
            working: None,
            rules: PhantomData,
        }
    }

    pub(crate) const fn set_timing(&mut self, timing: KeyTiming) {
        self.timing = timing;
    }

    pub(crate) const fn set_verification(&mut self, verification: Verification) {
        self.verification = verification;
    }

    pub(crate) fn begin(&mut self, change: Change, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        match change {
            Change::Found => self.start(None, [self.me].into(), rng),
            Change::Restart { joined } => {
                let view: Vec<_> = [self.me].into_iter().chain(joined).collect();
                check_members(view.iter())?;
                self.start(None, view, rng)
            }
            Change::Enter { members } => {
                check_entry(&self.me, &members)?;
                self.start(None, members, rng)
            }
            Change::Update { left, joined } => {
                let completed = self.completed.as_ref().ok_or(NO_GROUP)?;
                let keep = remaining(&completed.order, &left, &self.me)?;
                let tree = completed.tree.clone();
                self.update(tree, keep, joined, rng)
            }
            Change::Resume { left, joined } => {
                let (tree, order) = match (&self.working, &self.completed) {
                    (Some(run), _) => (&run.tree, &*run.order),
                    (None, Some(completed)) => (&completed.tree, &*completed.order),
                    (None, None) => return Err(NO_GROUP),
                };
                let keep = remaining(order, &left, &self.me)?;
                let tree = tree.clone();
                self.update(tree, keep, joined, rng)
            }
        }
    }

    /// A change of a group: `keep` remain with this member, `joined` join or merge.
    fn update(
        &mut self,
        tree: Tree<G>,
        keep: Vec<MemberName>,
        joined: Vec<MemberName>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let base = Some((tree, keep.len()));
        let view: Vec<_> = keep.into_iter().chain(joined).collect();
        self.start(base, view, rng)
    }

    /// The event procedure up to the first broadcast: prune the tree, find the representative, discard the
    /// keys of its path, and send what this member has to send. `base` is the previous tree and how many
    /// members at the start of `view` remain from it; without it this member is a tree of one leaf.
    fn start(
        &mut self,
        base: Option<(Tree<G>, usize)>,
        view: Vec<MemberName>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        if view.len() > MEMBERS_MAX {
            return Err(TOO_MANY);
        }
        let (tree, keep) = match &base {
            Some((tree, keep)) => (tree.clone(), view.get(..*keep).unwrap_or_default()),
            None => (Tree::leaf(self.me), core::slice::from_ref(&self.me)),
        };
        let keep = Listed::new(keep);
        let pruned = tree
            .prune(|member| keep.contains(member))
            .ok_or(Error::Internal("no member remains in the own tree"))?;
        let members = pruned.tree.members();
        let (roster, components) = components(&view, &members)?;
        let event = match members.len() == view.len() {
            true => Event::Subtractive,
            false => Event::Additive,
        };
        let refreshed = R::representative(&pruned, event);
        let mut tree = pruned.tree;
        tree.forget_above(&[refreshed]);

        let (stage, order) = match event {
            Event::Additive => (
                Stage::Gathering {
                    foreign: Vec::new(),
                },
                view,
            ),
            Event::Subtractive => (Stage::Filling, members),
        };
        let refresh = refresh_duty::<G, R>(&tree, refreshed, event)?;
        let mut run = Run {
            components,
            leaf: tree
                .leaf_of(&self.me)
                .ok_or(Error::Internal("no own leaf"))?,
            tree,
            order: order.into(),
            roster: roster.into(),
            stage,
            duties: [refresh].into(),
            own: None,
            delivered: Vec::new(),
            unverified: Vec::new(),
            awaited: OnceCell::new(),
        };
        if run.roster.len() == 1 {
            return self.alone(run, rng);
        }
        let mut step = Step::wait();
        let first = run.duties.first().cloned();
        if let Some(duty) = first.filter(|duty| duty.sponsor == self.me) {
            step.send.push(self.refresh(&mut run, &duty, rng)?);
        }
        self.advance(run, step)
    }

    /// A group of this member alone: K is its new share, and nothing is sent.
    fn alone(&mut self, mut run: Run<G>, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let key = Key::Share(self.arithmetic.draw(rng));
        let element = self.arithmetic.exponentiate_generator(key.exponent()?);
        let blinded = Blinded::computed(&self.arithmetic, element);
        run.tree.set_blinded(run.leaf, blinded);
        run.tree.set_key(run.leaf, Arc::new(key));
        run.duties.clear();
        self.complete(run)
    }

    pub(crate) fn process(
        &mut self,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
    ) -> Result<Step, Error> {
        let repeated = || Err(Rejected::Repeated(*sender).into());
        if *sender == self.me {
            let working = self.working.as_ref();
            let Some(mut run) = working.filter(|run| is_pending(run, kind, body)).cloned() else {
                return repeated();
            };
            self.deliver_own(&mut run)?;
            return self.advance(run, Step::wait());
        }
        let Some(working) = &self.working else {
            return Err(unexpected(sender, kind));
        };
        if working.find(sender.as_bytes()).is_none() {
            return Err(Rejected::NotInView(*sender).into());
        }
        if working.is_repeated(sender, kind, body) {
            return repeated();
        }
        let mut run = working.clone();
        if kind == R::TREE {
            self.receive_tree(&mut run, sender, body)?;
        } else if kind == R::UPDATE {
            self.receive_update(&mut run, sender, body)?;
        } else {
            return Err(unexpected(sender, kind));
        }
        self.advance(run, Step::wait())
    }

    /// The event procedure after a delivery: combine the trees when they cover the view, find the sponsors
    /// of missing blinded keys, complete when none is missing.
    fn advance(&mut self, mut run: Run<G>, mut step: Step) -> Result<Step, Error> {
        self.combine(&mut run)?;
        if matches!(run.stage, Stage::Filling) {
            step.send.extend(self.assign(&mut run)?);
            if run.duties.is_empty() {
                return self.complete(run);
            }
            // A member with nothing to send computes ahead while tokens of others are in transit.
            if step.send.is_empty() && self.timing == KeyTiming::Overlapped {
                self.climb_own(&mut run, None)?;
            }
            self.verify(&mut run)?;
        }
        self.working = Some(run);
        Ok(step)
    }

    /// Computes own keys up to `until`, or as far as possible, and stores them.
    pub(super) fn climb_own(
        &mut self,
        run: &mut Run<G>,
        until: Option<NodeId>,
    ) -> Result<(), Error> {
        // No keys are computed with a share that is not announced yet.
        let Some(from) = highest(&run.tree, run.leaf) else {
            return Ok(());
        };
        let pending = run.pending();
        if pending == Some(run.leaf) {
            return Ok(());
        }
        let keys = climb(&mut run.tree, &mut self.arithmetic, from, pending, until)?;
        for (node, key) in keys {
            run.tree.set_key(node, key);
        }
        Ok(())
    }

    /// Computes the group secret and makes the run the completed state.
    fn complete(&mut self, mut run: Run<G>) -> Result<Step, Error> {
        self.climb_own(&mut run, None)?;
        self.verify(&mut run)?;
        let root = run.tree.key(run.tree.root());
        let root = root.ok_or(Error::Internal("no key at the root"))?;
        let secret = root.secret(self.arithmetic.group());
        self.completed = Some(Completed {
            order: run.order.to_vec(),
            tree: run.tree,
            awaited: OnceCell::new(),
        });
        self.working = None;
        Ok(Step::complete(secret))
    }

    pub(crate) fn group_name(&self) -> &str {
        self.arithmetic.group().name()
    }

    pub(crate) const fn me(&self) -> &MemberName {
        &self.me
    }

    pub(crate) fn take_cost(&mut self) -> Cost {
        self.arithmetic.take_cost()
    }

    /// See [`KeyAgreement::is_awaited`](crate::KeyAgreement::is_awaited).
    pub(crate) fn is_awaited(&self) -> bool {
        match (&self.working, &self.completed) {
            (Some(run), _) => *run.awaited.get_or_init(|| self.may_send(run)),
            (None, Some(completed)) => *completed
                .awaited
                .get_or_init(|| self.begins_merge(&completed.tree)),
            (None, None) => true,
        }
    }

    /// Whether this member's share is refreshed when others join or merge with a tree.
    fn begins_merge(&self, tree: &Tree<G>) -> bool {
        let same = Pruned {
            tree: tree.clone(),
            promoted: Vec::new(),
            left_of_leavers: None,
        };
        let first = R::representative(&same, Event::Additive);
        tree.member(first) == Some(&self.me)
    }

    /// Whether this member may have to send something in a run, as far as its tree tells. A member that
    /// enters has no tree yet, and assumes so.
    fn may_send(&self, run: &Run<G>) -> bool {
        if run.duties.iter().any(|duty| duty.sponsor == self.me) {
            return true;
        }
        let joined: Vec<_> = run
            .roster
            .iter()
            .zip(&run.components)
            .filter(|(_, component)| **component == Component::Awaited)
            .map(|(member, _)| member)
            .collect();
        let whole = match (&run.stage, joined.as_slice()) {
            (Stage::Gathering { .. }, [joiner]) if run.tree.leaves().len() > 1 => {
                R::combine([run.tree.clone(), Tree::leaf(*(*joiner))].into())
            }
            (Stage::Gathering { .. }, _) => return true,
            (Stage::Filling, _) => Ok(run.tree.clone()),
        };
        whole.map_or(true, |whole| {
            whole.dirty().any(|node| {
                let sponsor = R::sponsor(&whole, node);
                whole.member(sponsor) == Some(&self.me)
            })
        })
    }

    pub(crate) fn abandon(&mut self) {
        self.working = None;
    }

    pub(crate) fn reset(&mut self) {
        self.working = None;
        self.completed = None;
    }

    pub(crate) fn order(&self) -> &[MemberName] {
        match (&self.working, &self.completed) {
            (Some(run), _) => &run.order,
            (None, Some(completed)) => &completed.order,
            (None, None) => &[],
        }
    }

    pub(crate) fn controller(&self) -> Option<&MemberName> {
        let tree = match (&self.working, &self.completed) {
            (Some(run), _) => match run.stage {
                // Unknown before all trees are delivered.
                Stage::Gathering { .. } => return None,
                Stage::Filling => &run.tree,
            },
            (None, completed) => &completed.as_ref()?.tree,
        };
        tree.member(R::refresher(tree))
    }

    /// The public tree of the last completed agreement, in one line.
    pub(crate) fn tree_text(&self) -> Option<alloc::string::String> {
        Some(self.completed.as_ref()?.tree.text())
    }

    /// The public tree of the last completed agreement, in pre-order.
    pub(crate) fn public_nodes(&self) -> Vec<PublicNode> {
        let Some(Completed { tree, .. }) = &self.completed else {
            return Vec::new();
        };
        tree.pre_order()
            .into_iter()
            .map(|id| PublicNode {
                path: tree.path(id),
                member: tree.member(id).cloned(),
                blinded_key: tree.blinded(id).map(|blinded| blinded.encoding().into()),
            })
            .collect()
    }
}

/// The members of a view, sorted, and the component of each; those in `own` are in the own one.
fn components(
    view: &[MemberName],
    own: &[MemberName],
) -> Result<(Vec<MemberName>, Vec<Component>), Error> {
    let own = Listed::new(own);
    let mut roster: Vec<_> = view
        .iter()
        .map(|member| match own.contains(member) {
            true => (*member, Component::Own),
            false => (*member, Component::Awaited),
        })
        .collect();
    roster.sort_unstable_by_key(|(member, _)| *member);
    let (roster, components): (Vec<_>, Vec<_>) = roster.into_iter().unzip();
    match roster.windows(2).any(|pair| pair.first() == pair.last()) {
        true => Err(LISTED_TWICE),
        false => Ok((roster, components)),
    }
}

/// What the representative announces: its leaf and the nodes above that can be computed, the root only
/// if the tree becomes part of a larger one.
fn refresh_duty<G: Group, R: Rules>(
    tree: &Tree<G>,
    refreshed: NodeId,
    event: Event,
) -> Result<Duty, Error> {
    let mut nodes = tree.computable(refreshed, Some(refreshed));
    if event == Event::Subtractive {
        nodes.retain(|node| *node != tree.root());
        if R::names_leaf(tree, refreshed) {
            nodes.insert(0, refreshed);
        }
    }
    let sponsor = tree.member(refreshed).cloned();
    Ok(Duty {
        sponsor: sponsor.ok_or(Error::Internal("an internal node is to be refreshed"))?,
        refreshed: Some(refreshed),
        nodes,
    })
}

/// Whether this is the pending own broadcast, byte for byte.
fn is_pending<G: Group>(run: &Run<G>, kind: TokenKind, body: &[u8]) -> bool {
    run.own
        .as_ref()
        .is_some_and(|own| own.kind == kind && *own.body == *body)
}

/// A change without a group.
const NO_GROUP: Error = Error::ApiMisuse("no agreement to continue from");

impl<G: Group, R: Rules> fmt::Debug for TreeAgreement<G, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeAgreement")
            .field("group", &self.arithmetic.group().name())
            .field("me", &self.me)
            .field("order", &self.order())
            .field("completed", &self.tree_text())
            .field("working", &self.working)
            .finish()
    }
}
