//! Hostile tokens: every field of every body altered, and everything replayed.
//!
//! Before each honest delivery the receiver is given the altered tokens. Each must be refused with
//! the error that the rules name, by the culprit's name where it is the sender's fault; that the
//! run then ends with the very secret of an undisturbed one proves that no refusal left a trace.

use alloc::{collections::BTreeMap, vec, vec::Vec};
use std::string::String;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

use crate::{
    Change, Error, KeyAgreement, MemberId, NamedGroup, PeerFault, Protocol, Rejected, TokenKind,
    gdh::message::{Chain, KeyList},
    testing::{
        bus::{Delivery, Flow, Run, Schedule, Sent},
        world::{World, members},
    },
};

/// How a token must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Undecodable, nobody's fault.
    Undecodable,
    /// The sender's fault.
    Fault(PeerFault),
}

/// An altered token.
#[derive(Clone, Debug)]
pub struct Altered {
    /// What was done to it.
    pub what: String,
    /// Body.
    pub body: Vec<u8>,
    /// How it must be refused.
    pub refusal: Refusal,
}

/// An encoding that is no element, and the fault it must be called.
pub type BadElement = (Vec<u8>, PeerFault);

/// Alters a GDH body in every field; `good` is an element other than those in it.
pub fn alter_gdh(
    kind: TokenKind,
    body: &[u8],
    receiver: &MemberId,
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
    for len in 0..body.len() {
        push("cut", body[..len].to_vec(), Refusal::Undecodable);
    }
    push("left over", [body, &[0]].concat(), Refusal::Undecodable);
    let len = good.len();
    let list = Refusal::Fault(PeerFault::MemberListMismatch);
    match kind {
        TokenKind::GdhFactorOut => {
            for (element, fault) in bad {
                push("element", element.clone(), Refusal::Fault(*fault));
            }
        }
        TokenKind::GdhPartial | TokenKind::GdhFinal => {
            let chain = Chain::decode(body, len).expect("an honest body");
            let order: Vec<MemberId> = chain
                .order
                .iter()
                .map(|name| MemberId::new(name).expect("a name"))
                .collect();
            for (element, fault) in bad {
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
        TokenKind::GdhKeyList | TokenKind::GdhJoin => {
            let entries = KeyList::decode(body, len).expect("an honest body").entries;
            let order: Vec<MemberId> = entries
                .iter()
                .map(|(name, _)| MemberId::new(name).expect("a name"))
                .collect();
            let elements: Vec<Vec<u8>> = entries
                .iter()
                .map(|(_, element)| element.to_vec())
                .collect();
            for place in 0..elements.len() {
                for (element, fault) in bad {
                    let mut elements = elements.clone();
                    elements[place].clone_from(element);
                    let body = KeyList::encode(order.iter().zip(elements));
                    push("element", body, Refusal::Fault(*fault));
                }
            }
            if kind == TokenKind::GdhKeyList {
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
fn wrong_orders(order: &[MemberId], receiver: &MemberId, kind: TokenKind) -> Vec<Vec<MemberId>> {
    let mut orders = Vec::new();
    let mine = order
        .iter()
        .position(|name| name == receiver)
        .expect("a receiver in the order");
    // New members know no order yet: they see members that are missing, strange or repeated, but
    // only where it does not concern who sent them the token.
    let checked: Vec<usize> = match kind {
        TokenKind::GdhPartial | TokenKind::GdhJoin => (0..order.len())
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
            TokenKind::GdhPartial | TokenKind::GdhJoin => order[mine - 1].clone(),
            _ => order[mine].clone(),
        };
        if twice != order {
            orders.push(twice);
        }
    }
    if kind != TokenKind::GdhPartial && kind != TokenKind::GdhJoin {
        let mut swapped = order.to_vec();
        swapped.swap(0, 1);
        orders.push(swapped);
    }
    orders
}

/// Runs a leave with joins twice, undisturbed and with altered tokens before every delivery.
/// Returns how many tokens were refused.
pub fn altered_tokens(
    group: &NamedGroup,
    schedule: Schedule,
    good: &[u8],
    bad: &[BadElement],
) -> usize {
    let mut refused = 0;
    disturbed(group, schedule, |_, machine, delivery, rng| {
        let token = &delivery.sent.token;
        for altered in alter_gdh(token.kind, &token.body, delivery.to, good, bad) {
            let from = &delivery.sent.from;
            let error = machine
                .process(from, token.kind, &altered.body, rng)
                .expect_err(&altered.what);
            let expected = match altered.refusal {
                _ if from == delivery.to => Error::Rejected(Rejected::Repeated(from.clone())),
                Refusal::Undecodable => {
                    assert!(
                        matches!(error, Error::Decode(_)),
                        "{}: {error}",
                        altered.what
                    );
                    error.clone()
                }
                Refusal::Fault(fault) => Error::Peer {
                    culprit: from.clone(),
                    fault,
                },
            };
            assert_eq!(error, expected, "{} of {}", altered.what, token.kind);
            refused += 1;
        }
    });
    refused
}

/// Runs a leave with joins twice, undisturbed and with every token that a member has received so
/// far in the run repeated to it, and tokens of others in the sender's place, before every delivery.
pub fn replayed_tokens(group: &NamedGroup, schedule: Schedule) -> usize {
    let mut refused = 0;
    let mut history: BTreeMap<(usize, MemberId), Vec<Sent>> = BTreeMap::new();
    disturbed(group, schedule, |run, machine, delivery, rng| {
        let token = &delivery.sent.token;
        for Sent {
            from, token: old, ..
        } in history
            .get(&(run, delivery.to.clone()))
            .into_iter()
            .flatten()
        {
            let kind = old.kind;
            let error = machine
                .process(from, kind, &old.body, rng)
                .expect_err("a repeated token");
            match error {
                Error::Rejected(Rejected::Repeated(sender)) => assert_eq!(sender, *from),
                Error::Unexpected {
                    sender,
                    kind: named,
                } => {
                    assert_eq!((sender, named), (from.clone(), kind));
                }
                other => panic!("repeated {kind} of {from}: {other}"),
            }
            refused += 1;
        }
        // The same bytes from a member that does not have the role.
        let order = machine.order().to_vec();
        for stranger in order
            .iter()
            .filter(|m| **m != delivery.sent.from && *m != delivery.to)
        {
            let error = match token.kind {
                TokenKind::GdhFactorOut => continue,
                kind => machine
                    .process(stranger, kind, &token.body, rng)
                    .expect_err("no role"),
            };
            if *delivery.to != delivery.sent.from {
                let fault = PeerFault::NotController;
                assert_eq!(
                    error,
                    Error::Peer {
                        culprit: stranger.clone(),
                        fault
                    }
                );
            }
            refused += 1;
        }
        let outsider = members([99]).remove(0);
        let error = machine
            .process(&outsider, token.kind, &token.body, rng)
            .expect_err("a sender outside the view");
        assert_eq!(error, Error::Rejected(Rejected::NotInView(outsider)));
        history
            .entry((run, delivery.to.clone()))
            .or_default()
            .push(delivery.sent.clone());
    });
    refused
}

/// Runs a merge that a loss comes with, once undisturbed and once with a hook before every
/// delivery, then a refresh; both must end with the same secrets.
pub fn disturbed(
    group: &NamedGroup,
    schedule: Schedule,
    mut hook: impl FnMut(usize, &mut dyn KeyAgreement, &Delivery<'_>, &mut dyn CryptoRng),
) {
    let honest = runs(group, schedule, |_, _, _, _| {});
    let disturbed = runs(group, schedule, &mut hook);
    for (honest, disturbed) in honest.iter().zip(&disturbed) {
        assert_eq!(
            honest.sent, disturbed.sent,
            "a refused token changed what was sent"
        );
        assert_eq!(honest.secrets.len(), disturbed.secrets.len());
        for (member, secret) in &honest.secrets {
            let other = disturbed.secrets.get(member).expect("a secret");
            assert!(
                bool::from(secret.ct_eq(other)),
                "a refused token changed the key of {member}"
            );
        }
    }
}

fn runs(
    group: &NamedGroup,
    schedule: Schedule,
    mut hook: impl FnMut(usize, &mut dyn KeyAgreement, &Delivery<'_>, &mut dyn CryptoRng),
) -> Vec<Run> {
    let (mut world, all) = World::grown(Protocol::Gdh, group, schedule, 3);
    let joined = members(4..=6);
    world.add(&joined);
    let mut run = |number: usize, world: &mut World, changes: &[(MemberId, Change)]| {
        let run = world
            .bus
            .change_with(changes, |machine, delivery, rng| {
                hook(number, machine, delivery, rng);
                Flow::Go
            })
            .expect("the honest tokens are accepted");
        world.check(
            "disturbed run",
            changes.iter().map(|(member, _)| member),
            &run,
        );
        run
    };
    let merge = run(0, &mut world, &World::changes(&all, &all[..1], &joined));
    let present: Vec<MemberId> = all[1..].iter().chain(&joined).cloned().collect();
    let refresh = run(1, &mut world, &World::changes(&present, &[], &[]));
    vec![merge, refresh]
}
