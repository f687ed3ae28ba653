//! Direct joins: agreement, hostile tokens, misuse.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::VecDeque;

use cliques::{
    Change, Error, Group, GroupSecret, KeyAgreement, MemberName, NamedGroup, PeerFault, Recipient,
    Rejected, Step, TokenKind,
    gdh::Gdh,
    group::GroupVisitor,
    testing::{
        faults::{BadElement, Refusal, alter_gdh},
        rng::seeded,
        world::members,
    },
};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

/// Gives first steps and delivers until nothing is left, with a hook before every delivery.
fn deliver<G: Group>(
    machines: &mut [Gdh<G>],
    first: Vec<Step>,
    rng: &mut dyn CryptoRng,
    mut hook: impl FnMut(&mut Gdh<G>, &MemberName, TokenKind, &[u8], &mut dyn CryptoRng),
) -> Vec<GroupSecret> {
    let mut secrets = Vec::new();
    let mut network = VecDeque::new();
    for (machine, step) in machines.iter().zip(first) {
        network.extend(step.send.into_iter().map(|token| (*machine.me(), token)));
        secrets.extend(step.secret);
    }
    while let Some((sender, token)) = network.pop_front() {
        for machine in machines.iter_mut() {
            match &token.to {
                Recipient::Member(to) if to != machine.me() => continue,
                Recipient::Member(_) | Recipient::Group => {}
            }
            hook(machine, &sender, token.kind, &token.body, rng);
            let step = machine
                .process(&sender, token.kind, &token.body, rng)
                .unwrap();
            network.extend(step.send.into_iter().map(|token| (*machine.me(), token)));
            secrets.extend(step.secret);
        }
    }
    secrets
}

/// Joins members one by one, directly.
struct DirectJoins {
    size: usize,
    disturbed: bool,
}

impl GroupVisitor for DirectJoins {
    /// Secrets of all groups, smallest first, and how many altered tokens were refused.
    type Output = (Vec<GroupSecret>, usize);

    fn visit<G: Group>(self, group: G) -> Self::Output {
        let all = members(1..=self.size);
        let mut rng = seeded(4);
        let mut refused = 0;
        let mut founder = Gdh::new(group.clone(), all[0]);
        let step = founder.begin(Change::Found, &mut rng).unwrap();
        let mut secrets = vec![step.secret.unwrap()];
        let mut machines = vec![founder];
        for joined in &all[1..] {
            let mut first: Vec<Step> = machines
                .iter_mut()
                .map(|machine| machine.begin_direct_join(*joined, &mut rng).unwrap())
                .collect();
            let mut new = Gdh::new(group.clone(), *joined);
            first.push(new.enter_directly(all[..=machines.len()].to_vec()).unwrap());
            machines.push(new);
            let of_all = deliver(
                &mut machines,
                first,
                &mut rng,
                |machine, from, kind, body, rng| {
                    if !self.disturbed {
                        return;
                    }
                    // Only the controller knows what its author's partial key must be; others
                    // test it when they use it.
                    let controller = machine.order().iter().rev().nth(1) == Some(machine.me());
                    let knows = controller || kind != cliques::gdh::KEY_LIST;
                    let mut bad = vec![
                        BadElement::unreadable(vec![0, 0, 0], PeerFault::ZeroElement),
                        BadElement::unreadable(vec![0, 0, 1], PeerFault::OneElement),
                        BadElement::outside(vec![1, 0xfd, 0x3b]),
                    ];
                    bad.retain(|bad| knows || !bad.parses);
                    for altered in alter_gdh(kind, body, machine.me(), &[0, 0, 4], &bad) {
                        let fault = Refusal::Fault(PeerFault::Inconsistent);
                        if altered.refusal == fault && !controller {
                            continue;
                        }
                        let error = machine
                            .process(from, kind, &altered.body, rng)
                            .expect_err(&altered.what);
                        match altered.refusal {
                            _ if from == machine.me() => {
                                assert_eq!(error, Rejected::Repeated(*from).into());
                            }
                            Refusal::Undecodable => assert!(matches!(error, Error::Decode(_))),
                            Refusal::Rejected => unreachable!("no modes in GDH"),
                            Refusal::Fault(fault) | Refusal::Late(fault) => {
                                assert_eq!(
                                    error,
                                    Error::Peer {
                                        culprit: *from,
                                        fault
                                    }
                                );
                            }
                        }
                        refused += 1;
                    }
                },
            );
            assert_eq!(of_all.len(), machines.len());
            assert!(
                of_all
                    .iter()
                    .all(|secret| bool::from(secret.ct_eq(&of_all[0])))
            );
            secrets.extend(of_all.into_iter().next());
            for machine in &machines {
                assert_eq!(machine.order(), &all[..machines.len()]);
                assert_eq!(machine.controller(), Some(joined));
            }
        }
        (secrets, refused)
    }
}

#[test]
fn members_join_directly_one_by_one() {
    let group: NamedGroup = "ristretto255".parse().unwrap();
    let (secrets, _) = group.with(DirectJoins {
        size: 6,
        disturbed: false,
    });
    assert_eq!(secrets.len(), 6);
    for (place, secret) in secrets.iter().enumerate() {
        assert!(
            secrets[..place]
                .iter()
                .all(|old| !bool::from(old.ct_eq(secret)))
        );
    }
}

#[test]
fn altered_tokens_are_refused_and_leave_no_trace() {
    let group: NamedGroup = "toy17".parse().unwrap();
    let (honest, _) = group.with(DirectJoins {
        size: 5,
        disturbed: false,
    });
    let (secrets, refused) = group.with(DirectJoins {
        size: 5,
        disturbed: true,
    });
    assert!(refused > 500, "only {refused}");
    assert_eq!(honest.len(), secrets.len());
    assert!(
        honest
            .iter()
            .zip(&secrets)
            .all(|(a, b)| bool::from(a.ct_eq(b)))
    );
}

struct Misuse;

impl GroupVisitor for Misuse {
    type Output = ();

    fn visit<G: Group>(self, group: G) {
        let mut rng = seeded(1);
        let all = members(1..=2);
        let mut machine = Gdh::new(group, all[0]);
        let refused = |result: Result<Step, Error>| {
            assert!(matches!(result, Err(Error::ApiMisuse(_))), "{result:?}");
        };
        refused(machine.begin_direct_join(all[1], &mut rng));
        refused(machine.enter_directly(members([2, 3])));
        let _ = machine.begin(Change::Found, &mut rng).unwrap();
        refused(machine.begin_direct_join(all[0], &mut rng));
        assert_eq!(machine.order(), &all[..1]);
    }
}

#[test]
fn calls_that_do_not_fit_are_refused() {
    "toy17".parse::<NamedGroup>().unwrap().with(Misuse);
}

#[test]
fn the_joiner_must_be_the_last_of_the_list() {
    struct Joiner;
    impl GroupVisitor for Joiner {
        type Output = ();

        fn visit<G: Group>(self, group: G) {
            let mut rng = seeded(1);
            let [first, me, _] = &members(1..=3)[..] else {
                return;
            };
            let mut machine = Gdh::new(group, *me);
            let _ = machine.enter_directly(members(1..=3)).unwrap();
            let list = [
                &[0, 3][..],
                b"\0\x03m01\0\0\x04",
                b"\0\x03m02\0\0\x04",
                b"\0\x03m03\0\0\x04",
            ];
            let error = machine
                .process(first, cliques::gdh::JOIN_TOKEN, &list.concat(), &mut rng)
                .unwrap_err();
            let fault = PeerFault::MemberListMismatch;
            assert_eq!(
                error,
                Error::Peer {
                    culprit: *first,
                    fault
                }
            );
        }
    }
    "toy17".parse::<NamedGroup>().unwrap().with(Joiner);
}
