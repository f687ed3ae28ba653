//! Hostile tokens of CKD.

use alloc::{vec, vec::Vec};

use super::{Altered, Elements, Faults, Refusal, cut_and_extended};
use crate::{
    MemberName, PeerFault, Protocol, TokenKind,
    ckd::message::{Announcement, EncryptedKey, Mode},
    testing::{bus::Delivery, world::members},
};

/// CKD, in the mode of this suite.
#[derive(Clone, Copy, Debug)]
pub struct CkdFaults(pub Protocol);

impl Faults for CkdFaults {
    fn protocol(&self) -> Protocol {
        self.0
    }

    fn alter(
        &self,
        delivery: &Delivery<'_>,
        order: &[MemberName],
        elements: &Elements,
    ) -> Vec<Altered> {
        let mut altered = Vec::new();
        let mut push = |what: &str, body: Vec<u8>, refusal| {
            altered.push(Altered {
                what: what.into(),
                body,
                refusal,
            });
        };
        let token = &delivery.sent.token;
        cut_and_extended(&token.body, &mut push);
        let list = Refusal::Fault(PeerFault::MemberListMismatch);
        let len = elements.good.len();
        match token.kind {
            crate::ckd::NEW_CONTROLLER | crate::ckd::OLD_CONTROLLER => {
                let announced = Announcement::decode(&token.body, len).expect("an honest body");
                for wrong in wrong_lists(order, 1) {
                    push(
                        "order",
                        Announcement::encode(&wrong, announced.element),
                        list,
                    );
                }
                for bad in &elements.bad {
                    let body = Announcement::encode(order, &bad.encoding);
                    push("element", body, Refusal::Fault(bad.fault));
                }
                let mut count = token.body.clone();
                count[..2].copy_from_slice(&[0xff, 0xff]);
                push("count", count, Refusal::Undecodable);
            }
            crate::ckd::RESPONSE => {
                for bad in &elements.bad {
                    push("element", bad.encoding.clone(), bad.lazily());
                }
            }
            crate::ckd::KEY => alter_key(&token.body, delivery.to, order, elements, &mut push),
            other => unreachable!("{other} is no kind of CKD"),
        }
        altered
    }

    fn has_role(&self, kind: TokenKind) -> bool {
        kind != crate::ckd::RESPONSE
    }
}

fn alter_key(
    body: &[u8],
    receiver: &MemberName,
    order: &[MemberName],
    elements: &Elements,
    push: &mut impl FnMut(&str, Vec<u8>, Refusal),
) {
    let key = EncryptedKey::decode(body, elements.good.len()).expect("an honest body");
    let others = &order[1..];
    let ciphertexts: Vec<Vec<u8>> = key.entries.iter().map(|(_, one)| one.to_vec()).collect();
    let encode = |mode, names: &[MemberName], ciphertexts: &[Vec<u8>]| {
        let entries: Vec<_> = names.iter().zip(ciphertexts.to_vec()).collect();
        EncryptedKey::encode(mode, entries.into_iter())
    };
    for wrong in wrong_lists(others, 0) {
        push(
            "order",
            encode(key.mode, &wrong, &ciphertexts),
            Refusal::Fault(PeerFault::MemberListMismatch),
        );
    }
    // The other mode, in its own form; a mode that there is not.
    let (mode, entry) = match key.mode {
        Mode::Exponentiation => (Mode::Wrapping, vec![0; 96]),
        Mode::Wrapping => (Mode::Exponentiation, elements.good.clone()),
    };
    let entries = vec![entry; others.len()];
    push("mode", encode(mode, others, &entries), Refusal::Rejected);
    let mut unknown = body.to_vec();
    unknown[0] = 2;
    push("mode", unknown, Refusal::Undecodable);
    let mut count = body.to_vec();
    count[1..3].copy_from_slice(&[0xff, 0xff]);
    push("count", count, Refusal::Undecodable);

    // What is for others is not looked at.
    let Some(place) = others.iter().position(|name| name == receiver) else {
        return;
    };
    let mut with = |what: &str, entry: Vec<u8>, fault| {
        let mut ciphertexts = ciphertexts.clone();
        ciphertexts[place] = entry;
        let body = encode(key.mode, others, &ciphertexts);
        push(what, body, Refusal::Fault(fault));
    };
    match key.mode {
        Mode::Exponentiation => {
            for bad in &elements.bad {
                with("element", bad.encoding.clone(), bad.fault);
            }
        }
        Mode::Wrapping => {
            let honest = &ciphertexts[place];
            for byte in 0..honest.len() {
                let mut changed = honest.clone();
                changed[byte] ^= 0x80;
                with("ciphertext", changed, PeerFault::Inconsistent);
            }
            with(
                "short ciphertext",
                honest[1..].to_vec(),
                PeerFault::Inconsistent,
            );
            with("no ciphertext", Vec::new(), PeerFault::Inconsistent);
        }
    }
}

/// Lists that differ from this one behind the first names.
fn wrong_lists(list: &[MemberName], kept: usize) -> Vec<Vec<MemberName>> {
    let mut lists = Vec::new();
    for place in kept..list.len() {
        let mut stranger = list.to_vec();
        stranger[place] = members([99]).remove(0);
        lists.push(stranger);
        let mut fewer = list.to_vec();
        fewer.remove(place);
        lists.push(fewer);
        let mut twice = list.to_vec();
        twice[place] = list[if place == 0 { list.len() - 1 } else { 0 }];
        if twice != list {
            lists.push(twice);
        }
    }
    lists
}
