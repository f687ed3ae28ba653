//! Hostile tokens: every field of every body altered, and everything replayed.
//!
//! Before each honest delivery the receiver is given the altered tokens. Each must be refused with
//! the error that the rules name, by the culprit's name where it is the sender's fault; that the
//! run then ends with the very secret of an undisturbed one proves that no refusal left a trace.
//! Elements that a suite tests only when it needs them are altered in separate runs, which must end
//! with an error that names the author.
//!
//! Each suite has a file that says how its tokens can be altered ([`Faults`]).

mod bd;
mod ckd;
mod gdh;
mod str_;
mod tgdh;

use alloc::{collections::BTreeMap, vec::Vec};
use std::string::String;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

pub use self::{
    bd::BdFaults,
    ckd::CkdFaults,
    gdh::{GdhFaults, alter_gdh},
    str_::StrFaults,
    tgdh::TgdhFaults,
};
use crate::{
    Error, KeyAgreement, MathematicalGroup, MemberName, PeerFault, Protocol, Rejected, TokenKind,
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
    /// For a group that is configured in another way, nobody's fault.
    Rejected,
    /// The sender's fault.
    Fault(PeerFault),
    /// The sender's fault, found out before the agreement completes.
    Late(PeerFault),
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

/// An encoding that is not a group element.
#[derive(Clone, Debug)]
pub struct BadElement {
    /// The encoding.
    pub encoding: Vec<u8>,
    /// The fault it must be called.
    pub fault: PeerFault,
    /// Whether it is the encoding of something that only the test of the order refuses, which a
    /// suite may put off.
    pub parses: bool,
}

impl BadElement {
    /// No encoding of an element at all.
    pub const fn unreadable(encoding: Vec<u8>, fault: PeerFault) -> Self {
        Self {
            encoding,
            fault,
            parses: false,
        }
    }

    /// The encoding of something that is not of order q.
    pub const fn outside(encoding: Vec<u8>) -> Self {
        Self {
            encoding,
            fault: PeerFault::NotInGroup,
            parses: true,
        }
    }

    /// How it must be refused where the test of the order is put off.
    pub const fn lazily(&self) -> Refusal {
        match self.parses {
            true => Refusal::Late(self.fault),
            false => Refusal::Fault(self.fault),
        }
    }
}

/// Elements to alter tokens with.
#[derive(Clone, Debug)]
pub struct Elements {
    /// An element other than those in the tokens.
    pub good: Vec<u8>,
    /// Encodings that are not group elements.
    pub bad: Vec<BadElement>,
}

/// How the tokens of a suite can be altered.
pub trait Faults {
    /// The suite.
    fn protocol(&self) -> Protocol;

    /// Alters the body of an honest token in every field. `order` is that of the receiver.
    fn alter(
        &self,
        delivery: &Delivery<'_>,
        order: &[MemberName],
        elements: &Elements,
    ) -> Vec<Altered>;

    /// Whether only one member has the role that sends this kind in a run.
    fn has_role(&self, kind: TokenKind) -> bool;
}

/// Bodies that are too short or too long.
fn cut_and_extended(body: &[u8], push: &mut impl FnMut(&str, Vec<u8>, Refusal)) {
    for len in 0..body.len() {
        push("cut", body[..len].to_vec(), Refusal::Undecodable);
    }
    push("left over", [body, &[0]].concat(), Refusal::Undecodable);
}

/// Runs events twice, undisturbed and with altered tokens before every delivery. Returns how many
/// tokens were refused.
pub fn altered_tokens(
    faults: &dyn Faults,
    group: &(impl Into<MathematicalGroup> + Clone),
    schedule: Schedule,
    elements: &Elements,
) -> usize {
    let mut refused = 0;
    disturbed(
        faults.protocol(),
        group,
        schedule,
        |_, machine, delivery, rng| {
            let token = &delivery.sent.token;
            let order = machine.order().to_vec();
            for altered in faults.alter(delivery, &order, elements) {
                let from = &delivery.sent.from;
                if matches!(altered.refusal, Refusal::Late(_)) && from != delivery.to {
                    continue;
                }
                let error = machine
                    .process(from, token.kind, &altered.body, rng)
                    .expect_err(&altered.what);
                let what = std::format!("{} of {}: {error}", altered.what, token.kind);
                match altered.refusal {
                    _ if from == delivery.to => {
                        let repeated = Rejected::Repeated(*from);
                        assert_eq!(error, Error::Rejected(repeated), "{what}");
                    }
                    Refusal::Undecodable => assert!(matches!(error, Error::Decode(_)), "{what}"),
                    Refusal::Rejected => assert!(matches!(error, Error::Rejected(_)), "{what}"),
                    Refusal::Fault(fault) | Refusal::Late(fault) => {
                        let culprit = *from;
                        assert_eq!(error, Error::Peer { culprit, fault }, "{what}");
                    }
                }
                refused += 1;
            }
        },
    );
    refused
}

/// One delivery altered in a way that is found out late.
#[derive(Clone, Debug)]
pub struct LateCase {
    event: usize,
    number: usize,
    receiver: MemberName,
    body: Vec<u8>,
    culprit: MemberName,
    fault: PeerFault,
}

impl LateCase {
    /// Runs the event: it must fail at the receiver, who names the author.
    pub fn check(
        &self,
        faults: &dyn Faults,
        group: &(impl Into<MathematicalGroup> + Clone),
        schedule: Schedule,
    ) {
        let result = event(
            faults.protocol(),
            group,
            schedule,
            self.event,
            |_, it, _| match (it.number, it.to) == (self.number, &self.receiver) {
                true => Flow::Instead(self.body.clone()),
                false => Flow::Go,
            },
        );
        let error = Error::Peer {
            culprit: self.culprit,
            fault: self.fault,
        };
        let failed = result.expect_err("a run with a bad element");
        assert_eq!(failed, (self.receiver, error));
    }
}

/// All deliveries in the events that can be altered so that it is found out late.
pub fn late_cases(
    faults: &dyn Faults,
    group: &(impl Into<MathematicalGroup> + Clone),
    schedule: Schedule,
    elements: &Elements,
) -> Vec<LateCase> {
    let mut cases = Vec::new();
    for number in 0..EVENTS {
        let run = event(
            faults.protocol(),
            group,
            schedule,
            number,
            |machine, it, _| {
                let order = machine.order().to_vec();
                for altered in faults.alter(it, &order, elements) {
                    if let (Refusal::Late(fault), true) = (altered.refusal, it.sent.from != *it.to)
                    {
                        cases.push(LateCase {
                            event: number,
                            number: it.number,
                            receiver: *it.to,
                            body: altered.body,
                            culprit: it.sent.from,
                            fault,
                        });
                    }
                }
                Flow::Go
            },
        );
        run.expect("an honest run");
    }
    cases
}

/// Runs every one of the [`late_cases`]. Returns their number.
pub fn late_tokens(
    faults: &dyn Faults,
    group: &(impl Into<MathematicalGroup> + Clone),
    schedule: Schedule,
    elements: &Elements,
) -> usize {
    let cases = late_cases(faults, group, schedule, elements);
    for case in &cases {
        case.check(faults, group, schedule);
    }
    cases.len()
}

/// Runs events twice, undisturbed and with every token that a member has received so far in the run
/// repeated to it, and tokens of others in the sender's place, before every delivery.
pub fn replayed_tokens(
    faults: &dyn Faults,
    group: &(impl Into<MathematicalGroup> + Clone),
    schedule: Schedule,
) -> usize {
    let mut refused = 0;
    let mut history: BTreeMap<(usize, MemberName), Vec<Sent>> = BTreeMap::new();
    disturbed(
        faults.protocol(),
        group,
        schedule,
        |run, machine, delivery, rng| {
            let token = &delivery.sent.token;
            for Sent {
                from, token: old, ..
            } in history.get(&(run, *delivery.to)).into_iter().flatten()
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
                        assert_eq!((sender, named), (*from, kind));
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
                if !faults.has_role(token.kind) {
                    continue;
                }
                let error = machine
                    .process(stranger, token.kind, &token.body, rng)
                    .expect_err("no role");
                if *delivery.to != delivery.sent.from {
                    let fault = PeerFault::NotController;
                    assert_eq!(
                        error,
                        Error::Peer {
                            culprit: *stranger,
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
                .entry((run, *delivery.to))
                .or_default()
                .push(delivery.sent.clone());
        },
    );
    refused
}

/// Runs events one after the other, once undisturbed and once with a hook before every delivery,
/// which is told the number of the event; both must end with the same secrets.
pub fn disturbed(
    protocol: Protocol,
    group: &(impl Into<MathematicalGroup> + Clone),
    schedule: Schedule,
    mut hook: impl FnMut(usize, &mut dyn KeyAgreement, &Delivery<'_>, &mut dyn CryptoRng),
) {
    for number in 0..EVENTS {
        let run =
            |hook: &mut dyn FnMut(&mut dyn KeyAgreement, &Delivery<'_>, &mut dyn CryptoRng)| {
                event(
                    protocol,
                    group,
                    schedule,
                    number,
                    |machine, delivery, rng| {
                        hook(machine, delivery, rng);
                        Flow::Go
                    },
                )
                .expect("the honest tokens are accepted")
            };
        let honest = run(&mut |_, _, _| {});
        let disturbed = run(&mut |machine, delivery, rng| hook(number, machine, delivery, rng));
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

/// Number of events that hostile tokens are tried in.
const EVENTS: usize = 3;

/// Runs one of the events: a loss with joins, a refresh, joins.
fn event(
    protocol: Protocol,
    group: &(impl Into<MathematicalGroup> + Clone),
    schedule: Schedule,
    number: usize,
    hook: impl FnMut(&mut dyn KeyAgreement, &Delivery<'_>, &mut dyn CryptoRng) -> Flow,
) -> Result<Run, (MemberName, Error)> {
    let (size, gone, new) = [(3, 1, 3), (5, 0, 0), (3, 0, 2)][number];
    let (mut world, all) = World::grown(protocol, group, schedule, size);
    let joined = members(size + 1..=size + new);
    world.add(&joined);
    let changes = World::changes(&all, &all[..gone], &joined);
    let run = world.bus.change_with(&changes, hook)?;
    world.check("event", changes.iter().map(|(member, _)| member), &run);
    Ok(run)
}
