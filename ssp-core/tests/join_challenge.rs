//! A daemon that asks a session for proof of identity before a join.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::sync::Arc;

use gcs_proto::{
    gcs::{
        ByteOrder, Cause, GcsCommand, GcsEvent, Membership, Message, Refused, Scope, SelfDelivery,
        View, ViewId,
    },
    name::{GroupName, MemberName},
    service::Service,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Credentials, GroupOptions, Session, SessionConfig, SessionEvent, Timestamp,
    access::Action,
    identity::{
        Challenge, Ed25519Signer, JOIN_CHALLENGE, JOIN_PROOF, JoinProof, Proof, TrustStore,
    },
};

const NOW: Timestamp = Timestamp(1_000);

fn me() -> MemberName {
    "#alice#n1".parse().unwrap()
}

fn group() -> GroupName {
    "chat".parse().unwrap()
}

fn trust() -> TrustStore {
    let mut trust = TrustStore::new();
    let key = Ed25519Signer::from_seed(&[1; 32]).public_key();
    trust.insert("alice", key).unwrap();
    trust
}

struct Alice {
    session: Session,
    rng: ChaCha20Rng,
}

impl Alice {
    /// Has asked to join the group.
    fn joining() -> Self {
        let credentials = Credentials {
            signer: Arc::new(Ed25519Signer::from_seed(&[1; 32])),
            trust: Arc::new(trust()),
        };
        let mut session = Session::new(me(), credentials, SessionConfig::default());
        session.join(group(), GroupOptions::default(), NOW).unwrap();
        assert_eq!(session.poll_command(), Some(GcsCommand::Join(group())));
        let rng = ChaCha20Rng::seed_from_u64(1);
        Self { session, rng }
    }

    fn hears(&mut self, event: GcsEvent) {
        self.session.handle_event(event, NOW, &mut self.rng);
    }

    /// The answer that goes to the daemon, if one does.
    fn answer(&mut self) -> Option<JoinProof> {
        match self.session.poll_command() {
            None => None,
            Some(GcsCommand::Unicast {
                to,
                service: Service::Fifo,
                message_type: JOIN_PROOF,
                body,
            }) if to == me() => Some(JoinProof::decode(&body).unwrap()),
            other => panic!("{other:?}"),
        }
    }
}

fn challenge(daemon: &str, group: &str) -> Challenge {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let group = group.parse().unwrap();
    Challenge::new(daemon.parse().unwrap(), Some(group), &mut rng)
}

fn message(sender: MemberName, challenge: &Challenge) -> GcsEvent {
    GcsEvent::Message(Message {
        sender,
        destinations: vec![me().into()],
        service: Service::Fifo,
        self_delivery: SelfDelivery::Deliver,
        scope: Scope::Named,
        message_type: JOIN_CHALLENGE,
        order: ByteOrder::Little,
        body: challenge.encode().into(),
    })
}

#[test]
fn it_is_answered_and_the_application_sees_nothing() {
    let mut alice = Alice::joining();
    // Each time: a daemon may have restarted.
    for _ in 0..2 {
        let asked = challenge("n1", "chat");
        alice.hears(message(me(), &asked));
        let JoinProof {
            group: named,
            proof,
        } = alice.answer().unwrap();
        assert_eq!(named, group());
        let proof = Proof::decode(&proof).unwrap();
        assert!(asked.verify(&me(), &proof, &trust(), NOW).is_ok());
    }
    assert_eq!(alice.answer(), None);
    assert!(alice.session.poll_event().is_none());
}

#[test]
fn nothing_is_proved_for_a_group_that_is_not_being_joined() {
    let mut alice = Alice::joining();
    alice.hears(message(me(), &challenge("n1", "other")));
    assert_eq!(alice.answer(), None);
    // Nor for one that it is in already.
    alice.hears(GcsEvent::Membership(Membership {
        group: group(),
        view: View {
            id: ViewId([7; 12]),
            members: vec![me()],
            cause: Cause::Join(me()),
            transitional_set: vec![me()],
        },
    }));
    // It is alone, so what it sends comes back to it and to nobody else.
    while let Some(command) = alice.session.poll_command() {
        if let GcsCommand::Multicast(sent) = command {
            alice.hears(GcsEvent::Message(Message {
                sender: me(),
                destinations: sent.destinations,
                service: sent.service,
                self_delivery: sent.self_delivery,
                scope: sent.scope,
                message_type: sent.message_type,
                order: ByteOrder::Little,
                body: sent.body,
            }));
        }
    }
    let joined = alice.session.poll_event();
    assert!(
        matches!(joined, Some(SessionEvent::SecureView(_))),
        "{joined:?}"
    );
    alice.hears(message(me(), &challenge("n1", "chat")));
    assert_eq!(alice.answer(), None);
    assert!(alice.session.poll_event().is_none());
}

#[test]
fn somebody_else_is_not_answered() {
    let mut alice = Alice::joining();
    let mallory = "#mallory#n1".parse().unwrap();
    alice.hears(message(mallory, &challenge("n1", "chat")));
    assert_eq!(alice.answer(), None);
}

#[test]
fn what_cannot_be_met_is_told_before_the_refusal() {
    let mut alice = Alice::joining();
    alice.hears(message(me(), &challenge("n2", "chat")));
    let declined = alice.answer().unwrap();
    assert_eq!((declined.group, declined.proof.len()), (group(), 0));
    match alice.session.poll_event() {
        Some(SessionEvent::Denied {
            group: asked,
            member,
            action: Action::Join,
            reason,
        }) => {
            assert_eq!((asked, member), (group(), me()));
            assert!(reason.contains("challenge of daemon \"n2\""), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    alice.hears(GcsEvent::Refused(Refused::Join(group())));
    assert!(matches!(
        alice.session.poll_event(),
        Some(SessionEvent::Refused(Refused::Join(_)))
    ));
    assert_eq!(alice.session.group_state(&group()), None);
}
