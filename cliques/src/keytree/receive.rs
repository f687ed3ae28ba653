//! Delivered tokens: trees, updates, own ones.

use alloc::{sync::Arc, vec::Vec};
use core::cell::OnceCell;

use gcs_view::MemberName;

use super::{
    Verification,
    blinded::Blinded,
    machine::TreeAgreement,
    rules::Rules,
    run::{Component, Delivered, Duty, Run, Stage},
    tree::{Content, Tree},
    update::Update,
    wire::WireNode,
};
use crate::{
    error::{Error, PeerFault},
    group::Group,
    rules::{peer, unexpected},
    token::TokenKind,
};

impl<G: Group, R: Rules> TreeAgreement<G, R> {
    /// Own token that was delivered: its share and blinded keys take effect.
    pub(super) fn deliver_own(&self, run: &mut Run<G>) -> Result<(), Error> {
        let own = run.own.take();
        let own = own.ok_or(Error::Internal("no own broadcast is pending"))?;
        for (node, key) in own.keys {
            run.tree.set_key(node, key);
        }
        for (node, blinded) in own.blinded {
            run.tree.set_blinded(node, blinded);
        }
        run.duties.retain(|duty| duty.sponsor != self.me);
        Ok(())
    }

    /// A whole tree: that of the own component, from its representative, or that of another component.
    pub(super) fn receive_tree(
        &self,
        run: &mut Run<G>,
        sender: &MemberName,
        body: &[u8],
    ) -> Result<(), Error> {
        let Stage::Gathering { .. } = run.stage else {
            return Err(unexpected(sender, R::TREE));
        };
        let wire = R::decode_tree(body, self.arithmetic.group().element_len())
            .map_err(|bad| bad.of(sender))?;
        let component = run.component_of(sender);
        if run.has_taken(sender, R::TREE) || component == Some(Component::Other) {
            return Err(peer(sender, PeerFault::Duplicate));
        }
        if component == Some(Component::Own) {
            let duty = run.duties.iter().position(|duty| duty.sponsor == *sender);
            let Some(duty) = duty.map(|index| run.duties.swap_remove(index)) else {
                return Err(peer(sender, PeerFault::NotController));
            };
            self.receive_own_tree(run, &duty, sender, &wire)?;
            self.note(run, sender, R::TREE, body, Some(duty));
            return Ok(());
        }
        let tree = self.foreign_tree(run, sender, &wire)?;
        if let Stage::Gathering { foreign } = &mut run.stage {
            foreign.push(Arc::new(tree));
        }
        self.note(run, sender, R::TREE, body, None);
        Ok(())
    }

    /// The tree of the own component must be the known one, except for the path of its representative.
    fn receive_own_tree(
        &self,
        run: &mut Run<G>,
        duty: &Duty,
        sender: &MemberName,
        wire: &[WireNode<'_>],
    ) -> Result<(), Error> {
        let order = run.tree.pre_order();
        let names = order.iter().filter_map(|id| run.tree.member(*id));
        let sent = wire.iter().filter_map(|node| node.name);
        if !names.map(MemberName::as_bytes).eq(sent) {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let mut fresh = Vec::with_capacity(duty.nodes.len() + 1);
        let mut consistent = order.len() == wire.len();
        for (id, node) in order.iter().zip(wire) {
            let is_leaf = matches!(run.tree.content(*id), Content::Leaf(_));
            consistent &= is_leaf == node.name.is_some();
            let is_new = duty.refreshed == Some(*id) || duty.nodes.contains(id);
            let known = run.tree.blinded(*id).map(Blinded::encoding);
            match node.blinded {
                sent if sent == known && !is_new => {}
                None => consistent = false,
                Some(bytes) => {
                    let blinded = Blinded::received(&self.arithmetic, bytes, sender)?;
                    consistent &= is_new;
                    fresh.push((*id, blinded));
                }
            }
        }
        if !consistent {
            return Err(peer(sender, PeerFault::Inconsistent));
        }
        for (id, blinded) in fresh {
            run.tree.set_blinded(id, blinded);
        }
        Ok(())
    }

    /// Checks and builds the tree of another component, and marks its members in `run`.
    fn foreign_tree(
        &self,
        run: &mut Run<G>,
        sender: &MemberName,
        wire: &[WireNode<'_>],
    ) -> Result<Tree<G>, Error> {
        let mismatch = || peer(sender, PeerFault::MemberListMismatch);
        let mut members = Vec::with_capacity(wire.len());
        let mut has_sender = false;
        for node in wire {
            members.push(match node.name {
                None => None,
                Some(name) => {
                    let found = run.find(name).ok_or_else(mismatch)?;
                    match run.components.get_mut(found) {
                        Some(component @ Component::Awaited) => *component = Component::Other,
                        Some(Component::Own | Component::Other) | None => return Err(mismatch()),
                    }
                    has_sender |= name == sender.as_bytes();
                    run.roster.get(found).cloned()
                }
            });
        }
        if !has_sender {
            return Err(mismatch());
        }
        let mut nodes = Vec::with_capacity(wire.len());
        for (member, node) in members.into_iter().zip(wire) {
            let blinded = match node.blinded {
                Some(bytes) => Some(Blinded::received(&self.arithmetic, bytes, sender)?),
                None => None,
            };
            nodes.push((member, blinded));
        }
        let tree =
            Tree::from_pre_order(nodes).ok_or(Error::Internal("decoded nodes form no tree"))?;
        // A blinded key is computed from those below it: none can be known above a missing one.
        let known = |id| tree.blinded(id).is_some();
        let consistent =
            tree.pre_order()
                .into_iter()
                .all(|id| match (tree.content(id), known(id)) {
                    (Content::Leaf(_), known) => known,
                    (Content::Internal { left, right }, true) => known(*left) && known(*right),
                    (Content::Internal { .. }, false) => true,
                });
        match consistent {
            true => Ok(tree),
            false => Err(peer(sender, PeerFault::Inconsistent)),
        }
    }

    /// New blinded keys: those of a refresh, or missing ones from their sponsor.
    pub(super) fn receive_update(
        &self,
        run: &mut Run<G>,
        sender: &MemberName,
        body: &[u8],
    ) -> Result<(), Error> {
        let Stage::Filling = run.stage else {
            return Err(unexpected(sender, R::UPDATE));
        };
        let element_len = self.arithmetic.group().element_len();
        let update = Update::decode::<R>(body, element_len)?;
        let duty = run.duties.iter().position(|duty| {
            duty.sponsor == *sender && duty.refreshed.is_some() == update.leaf.is_some()
        });
        let Some(duty) = duty.map(|index| run.duties.swap_remove(index)) else {
            let fault = match run.has_taken(sender, R::UPDATE) {
                true => PeerFault::Duplicate,
                false => PeerFault::NotController,
            };
            return Err(peer(sender, fault));
        };
        let received = |bytes| Blinded::received(&self.arithmetic, bytes, sender);
        let leaf = update.leaf.map(received).transpose()?;
        let mut nodes = Vec::with_capacity(update.nodes.len());
        for (_, bytes) in &update.nodes {
            nodes.push(received(bytes)?);
        }
        // Exactly the missing nodes, and the same blinded key of the leaf if it is listed among them.
        let positions = R::positions(&run.tree, &duty.nodes);
        let sent = update.nodes.iter().map(|(position, _)| *position);
        let same_leaf = duty
            .nodes
            .iter()
            .zip(&update.nodes)
            .all(|(id, (_, bytes))| duty.refreshed != Some(*id) || update.leaf == Some(*bytes));
        if !positions.iter().map(Vec::as_slice).eq(sent) || !same_leaf {
            return Err(peer(sender, PeerFault::Inconsistent));
        }
        for (id, blinded) in duty.nodes.iter().copied().zip(nodes) {
            run.tree.set_blinded(id, blinded);
        }
        if let (Some(id), Some(blinded)) = (duty.refreshed, leaf) {
            run.tree.set_blinded(id, blinded);
        }
        self.note(run, sender, R::UPDATE, body, Some(duty));
        Ok(())
    }

    /// Records a token that was accepted, and what has to be verified in it.
    fn note(
        &self,
        run: &mut Run<G>,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
        duty: Option<Duty>,
    ) {
        run.delivered.push(Arc::new(Delivered {
            sender: *sender,
            kind,
            body: body.into(),
        }));
        if let (Verification::On, Some(duty)) = (self.verification, duty) {
            let nodes = duty
                .nodes
                .into_iter()
                .filter(|id| Some(*id) != duty.refreshed);
            run.unverified.extend(nodes.map(|id| (id, *sender)));
        }
    }

    /// Combines all trees into one once those delivered cover the view.
    pub(super) fn combine(&self, run: &mut Run<G>) -> Result<(), Error> {
        let Stage::Gathering { foreign } = &mut run.stage else {
            return Ok(());
        };
        if !run.duties.is_empty() || run.components.contains(&Component::Awaited) {
            return Ok(());
        }
        let mut trees: Vec<Tree<G>> = core::mem::take(foreign)
            .into_iter()
            .map(Arc::unwrap_or_clone)
            .collect();
        // If they do not combine, the run is dropped, and this placeholder with it.
        let own = Tree::leaf(self.me);
        trees.push(core::mem::replace(&mut run.tree, own));
        run.tree = R::combine(trees).map_err(|_| match run.delivered.last() {
            Some(last) => peer(&last.sender, PeerFault::Inconsistent),
            None => Error::Internal("own tree alone is too high"),
        })?;
        run.leaf = run
            .tree
            .leaf_of(&self.me)
            .ok_or(Error::Internal("no own leaf"))?;
        run.order = run.tree.members().into();
        run.stage = Stage::Filling;
        run.unverified.clear();
        run.awaited = OnceCell::new();
        Ok(())
    }
}
