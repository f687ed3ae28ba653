//! Own broadcasts, and which member sends which.

use alloc::{sync::Arc, vec::Vec};

use rand_core::CryptoRng;

use super::{
    KeyTiming, Verification,
    blinded::Blinded,
    climb::{PathKey, climb},
    key::Key,
    machine::TreeAgreement,
    rules::{Rules, SponsorPath},
    run::{Duty, OwnBroadcast, Run, Stage},
    tree::{NodeId, Tree},
    update::Update,
};
use crate::{
    error::{Error, PeerFault},
    group::Group,
    rules::peer,
    token::{Outgoing, Recipient},
};

/// How many shares are drawn at most: each fails with a probability of about 1/q.
const DRAWS_MAX: usize = 64;

/// Blinded keys of nodes.
type BlindedNodes<G> = Vec<(NodeId, Blinded<G>)>;

impl<G: Group, R: Rules> TreeAgreement<G, R> {
    /// Representative: draws a share, computes upward and announces. All of that takes effect when the
    /// token is delivered.
    pub(super) fn refresh(
        &mut self,
        run: &mut Run<G>,
        duty: &Duty,
        rng: &mut dyn CryptoRng,
    ) -> Result<Outgoing, Error> {
        for _ in 0..DRAWS_MAX {
            let share = Arc::new(Key::Share(self.arithmetic.draw(rng)));
            match self.keys_of_share(run, duty, share) {
                Err(Error::DegenerateKey) => {}
                other => {
                    let (keys, blinded) = other?;
                    return Ok(self.announce(run, duty, keys, blinded));
                }
            }
        }
        Err(Error::DegenerateKey)
    }

    /// The keys that follow from a new share, and the blinded keys to be announced.
    fn keys_of_share(
        &mut self,
        run: &mut Run<G>,
        duty: &Duty,
        share: Arc<Key<G>>,
    ) -> Result<(Vec<PathKey<G>>, BlindedNodes<G>), Error> {
        let from = (run.leaf, share);
        // If only the leaf is announced, there is nothing to compute.
        let last = duty.nodes.last().copied().or(Some(run.leaf));
        let until = match self.timing {
            KeyTiming::Overlapped => last,
            KeyTiming::Sequential => None,
        };
        let mut keys = [from.clone()].to_vec();
        keys.extend(climb(
            &mut run.tree,
            &mut self.arithmetic,
            from,
            None,
            until,
        )?);
        let mut blinded = Vec::with_capacity(duty.nodes.len() + 1);
        for (node, key) in &keys {
            if *node == run.leaf || duty.nodes.contains(node) {
                let element = self.arithmetic.exponentiate_generator(key.exponent()?);
                blinded.push((*node, Blinded::computed(&self.arithmetic, element)));
            }
        }
        Ok((keys, blinded))
    }

    /// Sponsor: computes the keys of its nodes and announces their blinded keys.
    fn fill(&mut self, run: &mut Run<G>, duty: &Duty) -> Result<Outgoing, Error> {
        let until = match (self.timing, R::SPONSOR_PATH) {
            (KeyTiming::Sequential, SponsorPath::ToRoot) => None,
            (KeyTiming::Sequential, SponsorPath::BelowRoot) | (KeyTiming::Overlapped, _) => {
                duty.nodes.last().copied()
            }
        };
        self.climb_own(run, until)?;
        let mut blinded = Vec::with_capacity(duty.nodes.len());
        for node in &duty.nodes {
            let key = run.tree.key(*node);
            let key = key.ok_or(Error::Internal("a sponsor lacks a key"))?;
            let element = self.arithmetic.exponentiate_generator(key.exponent()?);
            blinded.push((*node, Blinded::computed(&self.arithmetic, element)));
        }
        Ok(self.announce(run, duty, Vec::new(), blinded))
    }

    /// Makes the token for a duty.
    fn announce(
        &mut self,
        run: &mut Run<G>,
        duty: &Duty,
        keys: Vec<PathKey<G>>,
        blinded: BlindedNodes<G>,
    ) -> Outgoing {
        let (kind, body) = match (&run.stage, duty.refreshed) {
            (Stage::Gathering { .. }, Some(_)) => {
                let mut tree = run.tree.clone();
                for (node, blinded) in &blinded {
                    tree.set_blinded(*node, blinded.clone());
                }
                (R::TREE, R::encode_tree(&tree))
            }
            (Stage::Gathering { .. }, None) | (Stage::Filling, _) => {
                (R::UPDATE, encode_update::<G, R>(&run.tree, duty, &blinded))
            }
        };
        run.own = Some(OwnBroadcast {
            kind,
            body: body.as_slice().into(),
            keys,
            blinded,
        });
        self.arithmetic.outgoing(Recipient::Group, kind, body)
    }

    /// Finds the lowest nodes whose blinded keys are missing and not announced yet, and the sponsors that
    /// compute them. Returns the own token, if this member is one of these.
    pub(super) fn assign(&mut self, run: &mut Run<G>) -> Result<Option<Outgoing>, Error> {
        let mut own = None;
        let pending = run.pending();
        for node in run.tree.lowest_dirty(pending) {
            if run.duties.iter().any(|duty| duty.nodes.contains(&node)) {
                continue;
            }
            let sponsor = R::sponsor(&run.tree, node);
            let sponsor = run.tree.member(sponsor).cloned();
            let mut nodes = [node].to_vec();
            nodes.extend(run.tree.computable(node, pending));
            nodes.retain(|node| *node != run.tree.root());
            let duty = Duty {
                sponsor: sponsor.ok_or(Error::Internal("an internal node sponsors"))?,
                refreshed: None,
                nodes,
            };
            if duty.sponsor == self.me {
                own = Some(duty.clone());
            }
            run.duties.push(duty);
        }
        match own {
            Some(duty) => self.fill(run, &duty).map(Some),
            None => Ok(None),
        }
    }

    /// Compares announced blinded keys with the own keys, as far as these are known.
    pub(super) fn verify(&mut self, run: &mut Run<G>) -> Result<(), Error> {
        if self.verification == Verification::Off {
            return Ok(());
        }
        let announced = core::mem::take(&mut run.unverified);
        for (node, sender) in announced {
            let (Some(key), Some(blinded)) = (run.tree.key(node), run.tree.blinded(node)) else {
                run.unverified.push((node, sender));
                continue;
            };
            let expected = self.arithmetic.exponentiate_generator(key.exponent()?);
            if self.arithmetic.encode(&expected) != blinded.encoding() {
                return Err(peer(&sender, PeerFault::Inconsistent));
            }
        }
        Ok(())
    }
}

/// The update of a duty, whose blinded keys are `blinded`.
fn encode_update<G: Group, R: Rules>(
    tree: &Tree<G>,
    duty: &Duty,
    blinded: &BlindedNodes<G>,
) -> Vec<u8> {
    let of = |node: NodeId| {
        blinded
            .iter()
            .find_map(|(id, blinded)| (*id == node).then_some(blinded.encoding()))
    };
    let leaf = duty.refreshed.and_then(of);
    let nodes: Vec<_> = R::positions(tree, &duty.nodes)
        .into_iter()
        .zip(duty.nodes.iter().filter_map(|node| of(*node)))
        .collect();
    Update::encode(leaf, nodes.into_iter())
}
