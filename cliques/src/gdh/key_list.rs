//! The key list, the last token of every event in which tokens are sent.

use alloc::vec::Vec;

use gcs_view::MemberName;

use super::{
    context::{Partial, Share, Stage, Staged, Tested},
    machine::Gdh,
    message::KeyList,
};
use crate::{
    agreement::Step,
    arithmetic::Received,
    error::{Error, PeerFault},
    group::Group,
    rules::{peer, unexpected},
    staged::NOTHING_STAGED,
    token::Recipient,
};

impl<G: Group> Gdh<G> {
    /// Broadcasts the partial keys of `order`, which are computed with the own fresh `share` and take
    /// effect when the list is delivered. `echo` is the own final token if that is not delivered yet.
    pub(super) fn send_key_list(
        &mut self,
        order: Vec<MemberName>,
        partials: Vec<Partial<G>>,
        share: G::Scalar,
        echo: Option<Vec<u8>>,
    ) -> Step {
        let elements: Vec<_> = partials
            .iter()
            .map(|partial| partial.encoding(&self.arithmetic))
            .collect();
        let body = KeyList::encode(order.iter().zip(elements));
        let outgoing = self
            .arithmetic
            .outgoing(Recipient::Group, super::KEY_LIST, body.clone());
        self.staged = Some(Staged {
            order,
            share: Share::Fresh(share),
            stage: Stage::OwnKeyList {
                partials,
                body,
                echo,
            },
        });
        Step::send(outgoing)
    }

    /// Checks and installs the list of the last member of the order: K = P_me^(r_me).
    ///
    /// The partial key of its author is known in advance, in a merge (the final token) and in a leave
    /// (unchanged), and must be equal to that. Of the others only the own one is used now and tested
    /// now; the rest are tested when this member becomes controller.
    pub(super) fn process_key_list(
        &mut self,
        sender: &MemberName,
        body: &[u8],
    ) -> Result<Step, Error> {
        let staged = self.staged.as_ref().ok_or(NOTHING_STAGED)?;
        let Stage::KeyList { known } = &staged.stage else {
            return Err(unexpected(sender, super::KEY_LIST));
        };
        let list = KeyList::decode(body, self.arithmetic.group().element_len())?;
        if staged.order.last() != Some(sender) {
            return Err(peer(sender, PeerFault::NotController));
        }
        if !list.names_are(&staged.order) {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let mut partials = Vec::with_capacity(list.entries.len());
        for (name, bytes) in &list.entries {
            let known = known.as_ref().filter(|_| *name == sender.as_bytes());
            partials.push(match known {
                // Equal to an element that is tested already.
                Some(known) if known.encoding(&self.arithmetic) == *bytes => known.clone(),
                Some(_) => {
                    self.arithmetic.receive(bytes, sender)?;
                    return Err(peer(sender, PeerFault::Inconsistent));
                }
                None if *name == self.me.as_bytes() => {
                    let received = Received::decode(bytes, sender, &self.arithmetic)?;
                    let element = received.validate(&mut self.arithmetic)?;
                    Partial::known(element, sender, Tested::Policy)
                }
                None => Partial::Received(Received::defer(bytes, sender, &self.arithmetic)?),
            });
        }
        self.install(partials, sender).map(Step::complete)
    }
}
