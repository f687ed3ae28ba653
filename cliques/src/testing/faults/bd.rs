//! Hostile tokens of BD.

use alloc::vec::Vec;

use super::{Altered, Elements, Faults, Refusal, cut_and_extended};
use crate::{
    MemberName, PeerFault, Protocol, TokenKind,
    bd::message::{Blinded, hash_order},
    testing::bus::Delivery,
};

/// BD.
#[derive(Clone, Copy, Debug)]
pub struct BdFaults;

impl Faults for BdFaults {
    fn protocol(&self) -> Protocol {
        Protocol::BD
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
        let hash = hash_order(order);
        match token.kind {
            crate::bd::BLINDED_SHARE => {
                let len = elements.good.len();
                let blinded = Blinded::decode(&token.body, len).expect("an honest body");
                let mut reversed = order.to_vec();
                reversed.reverse();
                let mut fewer = order.to_vec();
                fewer.pop();
                for wrong in [reversed, fewer] {
                    push(
                        "order",
                        Blinded::encode(&hash_order(&wrong), blinded.element),
                        Refusal::Fault(PeerFault::MemberListMismatch),
                    );
                }
                // Nobody but the neighbours computes with an element.
                let place = |of: &MemberName| order.iter().position(|name| name == of);
                let (from, to) = (place(&delivery.sent.from), place(delivery.to));
                let apart = from.zip(to).map_or(0, |(from, to)| from.abs_diff(to));
                let used = apart == 1 || apart + 1 == order.len();
                for bad in elements.bad.iter().filter(|bad| used || !bad.parses) {
                    let body = Blinded::encode(&hash, &bad.encoding);
                    push("element", body, bad.lazily());
                }
            }
            crate::bd::QUOTIENT => {
                for bad in &elements.bad {
                    push("element", bad.encoding.clone(), bad.lazily());
                }
            }
            other => unreachable!("{other} is no kind of BD"),
        }
        altered
    }

    fn has_role(&self, _: TokenKind) -> bool {
        false
    }
}
