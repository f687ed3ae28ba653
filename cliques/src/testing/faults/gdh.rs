//! Hostile tokens of GDH.

use alloc::vec::Vec;

use super::{Altered, BadElement, Elements, Faults, Refusal, cut_and_extended};
use crate::{
    MemberName, PeerFault, Protocol, TokenKind,
    gdh::message::{Chain, KeyList},
    testing::{bus::Delivery, world::members},
};

/// GDH.
#[derive(Clone, Copy, Debug)]
pub struct GdhFaults;

impl Faults for GdhFaults {
    fn protocol(&self) -> Protocol {
        Protocol::GDH
    }

    fn alter(
        &self,
        delivery: &Delivery<'_>,
        _: &[MemberName],
        Elements { good, bad }: &Elements,
    ) -> Vec<Altered> {
        let token = &delivery.sent.token;
        alter_gdh(token.kind, &token.body, delivery.to, good, bad)
    }

    fn has_role(&self, kind: TokenKind) -> bool {
        kind != crate::gdh::FACTOR_OUT
    }
}

/// Alters a GDH body in every field; `good` is an element other than those in it.
pub fn alter_gdh(
    kind: TokenKind,
    body: &[u8],
    receiver: &MemberName,
    good: &[u8],
    bad: &[BadElement],
) -> Vec<Altered> {
    let mut altered = Vec::new();
    let mut push = |what: &str, body: Vec<u8>, refusal| {
        altered.push(Altered {
            what: what.into(),
            body,
            refusal,
        });
    };
    cut_and_extended(body, &mut push);
    let len = good.len();
    let list = Refusal::Fault(PeerFault::MemberListMismatch);
    match kind {
        crate::gdh::FACTOR_OUT => {
            // Tested together when the last one is here.
            for bad in bad {
                push("element", bad.encoding.clone(), bad.lazily());
            }
        }
        crate::gdh::PARTIAL_TOKEN | crate::gdh::FINAL_TOKEN => {
            let chain = Chain::decode(body, len).expect("an honest body");
            let order: Vec<MemberName> = chain
                .order
                .iter()
                .map(|name| MemberName::new(name).expect("a name"))
                .collect();
            for BadElement {
                encoding: element,
                fault,
                ..
            } in bad
            {
                let body = Chain::encode(chain.base_len, &order, element);
                push("element", body, Refusal::Fault(*fault));
            }
            push(
                "base of nobody",
                Chain::encode(0, &order, chain.token),
                list,
            );
            push(
                "base of all",
                Chain::encode(order.len(), &order, chain.token),
                list,
            );
            for orders in wrong_orders(&order, receiver, kind) {
                push(
                    "order",
                    Chain::encode(chain.base_len, &orders, chain.token),
                    list,
                );
            }
            let mut count = body.to_vec();
            count[2..4].copy_from_slice(&[0xff, 0xff]);
            push("count", count, Refusal::Undecodable);
        }
        crate::gdh::KEY_LIST | crate::gdh::JOIN_TOKEN => {
            let entries = KeyList::decode(body, len).expect("an honest body").entries;
            let order: Vec<MemberName> = entries
                .iter()
                .map(|(name, _)| MemberName::new(name).expect("a name"))
                .collect();
            let elements: Vec<Vec<u8>> = entries
                .iter()
                .map(|(_, element)| element.to_vec())
                .collect();
            for (place, owner) in order.iter().enumerate() {
                for bad in bad {
                    // The partial keys of others are tested by a later controller, if at all.
                    let used = owner == receiver || Some(owner) == order.last();
                    if kind == crate::gdh::KEY_LIST && bad.parses && !used {
                        continue;
                    }
                    let mut elements = elements.clone();
                    elements[place].clone_from(&bad.encoding);
                    let body = KeyList::encode(order.iter().zip(elements));
                    push("element", body, Refusal::Fault(bad.fault));
                }
            }
            if kind == crate::gdh::KEY_LIST {
                let mut elements = elements.clone();
                *elements.last_mut().expect("an author") = good.to_vec();
                let body = KeyList::encode(order.iter().zip(elements));
                push(
                    "author's element",
                    body,
                    Refusal::Fault(PeerFault::Inconsistent),
                );
            }
            for orders in wrong_orders(&order, receiver, kind) {
                let body = KeyList::encode(
                    orders
                        .iter()
                        .zip(elements.clone())
                        .collect::<Vec<_>>()
                        .into_iter(),
                );
                push("order", body, list);
            }
            let mut count = body.to_vec();
            count[..2].copy_from_slice(&[0xff, 0xff]);
            push("count", count, Refusal::Undecodable);
        }
        other => unreachable!("{other} is no kind of GDH"),
    }
    altered
}

/// Orders that `receiver` cannot accept although it, and its predecessor, stand where they should.
fn wrong_orders(
    order: &[MemberName],
    receiver: &MemberName,
    kind: TokenKind,
) -> Vec<Vec<MemberName>> {
    let mut orders = Vec::new();
    let mine = order
        .iter()
        .position(|name| name == receiver)
        .expect("a receiver in the order");
    // New members know no order yet: they see members that are missing, strange or repeated, but
    // only where it does not concern who sent them the token.
    let checked: Vec<usize> = match kind {
        crate::gdh::PARTIAL_TOKEN | crate::gdh::JOIN_TOKEN => (0..order.len())
            .filter(|place| *place != mine && place + 1 != mine)
            .collect(),
        _ => (0..order.len()).collect(),
    };
    for place in checked {
        let mut stranger = order.to_vec();
        stranger[place] = members([99]).remove(0);
        orders.push(stranger);
        let mut fewer = order.to_vec();
        fewer.remove(place);
        orders.push(fewer);
        let mut twice = order.to_vec();
        twice[place] = match kind {
            crate::gdh::PARTIAL_TOKEN | crate::gdh::JOIN_TOKEN => order[mine - 1],
            _ => order[mine],
        };
        if twice != order {
            orders.push(twice);
        }
    }
    if kind != crate::gdh::PARTIAL_TOKEN && kind != crate::gdh::JOIN_TOKEN {
        let mut swapped = order.to_vec();
        swapped.swap(0, 1);
        orders.push(swapped);
    }
    orders
}
