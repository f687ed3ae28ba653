//! The key list, the last token of every event that has tokens at all.

use alloc::vec::Vec;

use gcs_view::MemberName;

use super::{
    context::{Partial, Share, Stage, Staged, Tested},
    machine::{Gdh, NOTHING_STAGED},
    message::KeyList,
};
use crate::{
    agreement::Step,
    error::{Error, PeerFault},
    group::Group,
    rules::{peer, unexpected},
    token::Recipient,
};

impl<G: Group> Gdh<G> {
    /// Broadcasts the partial keys of `order`, which are made with the own fresh `share` and take
    /// effect when the list comes back. `echo` is the own final token if that is still under way.
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
    /// Its author's own partial key is known beforehand in a merge (the final token) and in a
    /// leave (unchanged), and must be that. Of the others only the own one is used now and tested
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
                // What equals a tested element need not be tested again.
                Some(known) if known.encoding(&self.arithmetic) == *bytes => known.clone(),
                Some(_) => {
                    self.arithmetic.receive(bytes, sender)?;
                    return Err(peer(sender, PeerFault::Inconsistent));
                }
                None if *name == self.me.as_bytes() => {
                    let element = self.arithmetic.parse(bytes, sender)?;
                    self.arithmetic.validate_all(&[(&element, sender)])?;
                    Partial::new(element, sender, Tested::Policy)
                }
                None => Partial::received(bytes, sender, &self.arithmetic)?,
            });
        }
        self.install(partials, sender).map(Step::complete)
    }
}
