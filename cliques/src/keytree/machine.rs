//! The machine that both suites share: changes, dispatch, completion.

use alloc::{sync::Arc, vec::Vec};
use core::{fmt, marker::PhantomData};

use rand_core::CryptoRng;

use super::{
    KeyTiming, PublicNode, Verification,
    blinded::Blinded,
    key::{Key, climb, highest},
    rules::{Event, Rules},
    run::{Completed, Duty, Phase, Place, Run},
    tree::{NodeId, Tree},
};
use crate::{
    agreement::{Change, Step},
    arithmetic::Arithmetic,
    cost::Cost,
    error::{Error, Rejected},
    group::Group,
    member::MemberId,
    rules::{check_entry, check_members, remaining, unexpected},
    token::TokenKind,
};

/// A member's side of a suite with the given rules.
pub(crate) struct TreeAgreement<G: Group, R: Rules> {
    pub(super) me: MemberId,
    pub(super) arithmetic: Arithmetic<G>,
    pub(super) timing: KeyTiming,
    pub(super) verification: Verification,
    pub(super) completed: Option<Completed<G>>,
    pub(super) working: Option<Run<G>>,
    rules: PhantomData<fn() -> R>,
}

impl<G: Group, R: Rules> TreeAgreement<G, R> {
    pub(crate) fn new(group: G, me: MemberId) -> Self {
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
            Change::Found => self.start(None, [self.me.clone()].into(), rng),
            Change::Restart { joined } => {
                let view: Vec<_> = [self.me.clone()].into_iter().chain(joined).collect();
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
                self.go_on(tree, keep, joined, rng)
            }
            Change::Resume { left, joined } => {
                let (tree, order) = match (&self.working, &self.completed) {
                    (Some(run), _) => (&run.tree, &*run.order),
                    (None, Some(completed)) => (&completed.tree, &*completed.order),
                    (None, None) => return Err(NO_GROUP),
                };
                let keep = remaining(order, &left, &self.me)?;
                let tree = tree.clone();
                self.go_on(tree, keep, joined, rng)
            }
        }
    }

    /// A change of a group: `keep` stay with me, `joined` come.
    fn go_on(
        &mut self,
        tree: Tree<G>,
        keep: Vec<MemberId>,
        joined: Vec<MemberId>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let base = Some((tree, keep.len()));
        let view: Vec<_> = keep.into_iter().chain(joined).collect();
        check_members(view.iter())?;
        self.start(base, view, rng)
    }

    /// The event procedure up to the first broadcast: prune, find the representative, forget its
    /// path, and send what falls to this member. `base` is the tree so far and how many of `view`,
    /// from its start, stay from before; without it this member is a tree of one leaf.
    fn start(
        &mut self,
        base: Option<(Tree<G>, usize)>,
        view: Vec<MemberId>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let (tree, keep) = match base {
            Some((tree, keep)) => {
                let mut stay: Vec<_> = view.iter().take(keep).cloned().collect();
                stay.sort_unstable();
                (tree, stay)
            }
            None => (Tree::leaf(self.me.clone()), [self.me.clone()].into()),
        };
        let pruned = tree
            .prune(|member| keep.binary_search(member).is_ok())
            .ok_or(Error::Internal("nobody is left of the own tree"))?;
        let event = match pruned.tree.leaves().len() == view.len() {
            true => Event::Subtractive,
            false => Event::Additive,
        };
        let refreshed = R::representative(&pruned, event);
        let mut tree = pruned.tree;
        tree.forget_above(&[refreshed]);

        let mut roster = view.clone();
        roster.sort_unstable();
        let (phase, order) = match event {
            Event::Additive => (
                Phase::Gathering {
                    foreign: Vec::new(),
                },
                view,
            ),
            Event::Subtractive => (Phase::Filling, tree.members()),
        };
        let refresh = refresh_duty::<G, R>(&tree, refreshed, event)?;
        let mut own = tree.members();
        own.sort_unstable();
        let places = roster.iter().map(|member| match own.binary_search(member) {
            Ok(_) => Place::Own,
            Err(_) => Place::Awaited,
        });
        let mut run = Run {
            places: places.collect(),
            leaf: tree
                .leaf_of(&self.me)
                .ok_or(Error::Internal("no own leaf"))?,
            tree,
            order: order.into(),
            roster: roster.into(),
            phase,
            duties: [refresh].into(),
            own: None,
            received: Vec::new(),
            unverified: Vec::new(),
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
        sender: &MemberId,
        kind: TokenKind,
        body: &[u8],
    ) -> Result<Step, Error> {
        let repeated = || Err(Rejected::Repeated(sender.clone()).into());
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
            return Err(Rejected::NotInView(sender.clone()).into());
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

    /// The event procedure behind a delivery: fold the trees when they cover the view, see whose
    /// turn it is to compute what is missing, complete when nothing is.
    fn advance(&mut self, mut run: Run<G>, mut step: Step) -> Result<Step, Error> {
        self.fold(&mut run)?;
        if matches!(run.phase, Phase::Filling) {
            step.send.extend(self.assign(&mut run)?);
            if run.duties.is_empty() {
                return self.complete(run);
            }
            // Whoever has nothing to send computes ahead while the others' tokens are on their way.
            if step.send.is_empty() && self.timing == KeyTiming::Overlapped {
                self.climb_own(&mut run, None)?;
            }
            self.verify(&mut run)?;
        }
        self.working = Some(run);
        Ok(step)
    }

    /// Computes own keys up to `until`, or as far as they can be, and keeps them.
    pub(super) fn climb_own(
        &mut self,
        run: &mut Run<G>,
        until: Option<NodeId>,
    ) -> Result<(), Error> {
        // A share that was not announced yet has no keys.
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
        });
        self.working = None;
        Ok(Step::complete(secret))
    }

    pub(crate) fn group_name(&self) -> &str {
        self.arithmetic.group().name()
    }

    pub(crate) const fn me(&self) -> &MemberId {
        &self.me
    }

    pub(crate) fn take_cost(&mut self) -> Cost {
        self.arithmetic.take_cost()
    }

    pub(crate) fn abandon(&mut self) {
        self.working = None;
    }

    pub(crate) fn reset(&mut self) {
        self.working = None;
        self.completed = None;
    }

    pub(crate) fn order(&self) -> &[MemberId] {
        match (&self.working, &self.completed) {
            (Some(run), _) => &run.order,
            (None, Some(completed)) => &completed.order,
            (None, None) => &[],
        }
    }

    pub(crate) fn controller(&self) -> Option<&MemberId> {
        let tree = match (&self.working, &self.completed) {
            (Some(run), _) => match run.phase {
                // Nobody knows before the trees are there.
                Phase::Gathering { .. } => return None,
                Phase::Filling => &run.tree,
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

/// What the representative announces: its leaf and the nodes above, as far as they can be computed.
/// The root only where other trees come to it.
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

/// Whether this is the own broadcast that has not come back, byte for byte.
fn is_pending<G: Group>(run: &Run<G>, kind: TokenKind, body: &[u8]) -> bool {
    run.own
        .as_ref()
        .is_some_and(|own| own.kind == kind && *own.body == *body)
}

/// A change of a group that there is not.
const NO_GROUP: Error = Error::ApiMisuse("no agreement to go on from");

impl<G: Group, R: Rules> fmt::Debug for TreeAgreement<G, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(R::PROTOCOL.as_str())
            .field("group", &self.arithmetic.group().name())
            .field("me", &self.me)
            .field("order", &self.order())
            .field("completed", &self.tree_text())
            .field("working", &self.working)
            .finish()
    }
}
