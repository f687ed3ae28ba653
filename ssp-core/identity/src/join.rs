//! Proof of identity for a join: the challenge and the proof travel as messages between a daemon and
//! its client, and nobody else sees them.
//!
//! ```text
//! client                                           daemon
//!   join g ------------------------------------------>   no proof of this connection yet
//!        <---------------------- -32757, challenge for g
//!   -32758, enc16(g) || proof ----------------------->   the join, or
//!        <------------------------- REJECT of the join   if it is no good, or did not come in time
//! ```
//!
//! Both are FIFO messages from the client's own name to its own name: the daemon is the only one
//! who can send what looks so, and the daemon takes the proof out of the stream. A client that cannot
//! answer says so by a proof of no bytes. A client that knows nothing of this sees a message of a
//! strange type from itself, and later the REJECT.

use alloc::vec::Vec;

use bytes::Bytes;
use gcs_proto::{
    gcs::{GcsCommand, GcsEvent, Message},
    name::{GroupName, MemberName},
    service::Service,
};

use crate::{
    Challenge, ChallengeError, OwnIdentity, PROOF_MAX, Proof,
    wire::{get16, put16},
};

/// Message type of a daemon's challenge for a join (secure layer notes, section 3.2).
pub const JOIN_CHALLENGE: i16 = -32_757;
/// Message type of the answer to it.
pub const JOIN_PROOF: i16 = -32_758;

/// The answer to a challenge for a join, as a daemon gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinProof {
    /// The group to be joined.
    pub group: GroupName,
    /// The proof, at most [`PROOF_MAX`] bytes; empty if the client cannot give one.
    pub proof: Vec<u8>,
}

impl JoinProof {
    /// The body of the message.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + self.group.as_bytes().len() + self.proof.len());
        put16(&mut out, self.group.as_bytes());
        out.extend_from_slice(&self.proof);
        out
    }

    /// Reads the body of a message.
    ///
    /// # Errors
    /// [`ChallengeError::Malformed`].
    pub fn decode(mut bytes: &[u8]) -> Result<Self, ChallengeError> {
        get16(&mut bytes)
            .and_then(|name| GroupName::new(name).ok())
            .filter(|_| bytes.len() <= PROOF_MAX)
            .map(|group| Self {
                group,
                proof: bytes.to_vec(),
            })
            .ok_or(ChallengeError::Malformed("proof for a join"))
    }
}

/// What became of a daemon's challenge for a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinAnswer {
    /// The group, if the challenge can be read and this join was asked for.
    pub group: Option<GroupName>,
    /// What to send, if anything.
    pub command: Option<GcsCommand>,
    /// Why no proof was given, if none was; the daemon will refuse the join then.
    pub outcome: Result<(), ChallengeError>,
}

/// Answers a daemon's challenge for a join, as `me`; `None` for all other events. An event that is
/// answered is no business of the application. `is_joining` tells of which groups the join was asked
/// for: nothing is signed for another, and nothing said about it.
pub fn answer_join_challenge(
    event: &GcsEvent,
    me: &MemberName,
    identity: Option<&dyn OwnIdentity>,
    is_joining: impl FnOnce(&GroupName) -> bool,
) -> Option<JoinAnswer> {
    let GcsEvent::Message(message) = event else {
        return None;
    };
    let challenge = is_challenge(message, me).then_some(&message.body)?;
    let group = Challenge::decode(challenge)
        .ok()
        .and_then(|challenge| challenge.group().copied());
    let Some(group) = group else {
        return Some(JoinAnswer {
            group: None,
            command: None,
            outcome: Err(ChallengeError::Malformed("challenge for a join")),
        });
    };
    if !is_joining(&group) {
        return Some(JoinAnswer {
            group: None,
            command: None,
            outcome: Err(ChallengeError::NotJoining(group)),
        });
    }
    let met = identity
        .ok_or(ChallengeError::NoIdentity)
        .and_then(|identity| Proof::meet(challenge, Some(&group), me, identity));
    let (proof, outcome) = match met {
        Ok(proof) => (proof, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let answer = JoinProof { group, proof };
    Some(JoinAnswer {
        group: Some(group),
        command: Some(GcsCommand::Unicast {
            to: *me,
            service: Service::Fifo,
            message_type: JOIN_PROOF,
            body: Bytes::from(answer.encode()),
        }),
        outcome,
    })
}

fn is_challenge(message: &Message, me: &MemberName) -> bool {
    message.message_type == JOIN_CHALLENGE
        && message.sender == *me
        && matches!(message.destinations.as_slice(), [only] if only == me.as_name())
}

#[cfg(test)]
mod tests {
    use gcs_proto::gcs::{ByteOrder, Scope, SelfDelivery};
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::{Ed25519Signer, TrustStore, time::Timestamp};

    fn me() -> MemberName {
        "#alice#n1".parse().unwrap()
    }

    fn group() -> GroupName {
        "chat".parse().unwrap()
    }

    fn challenge(daemon: &str, group: Option<GroupName>) -> Challenge {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        Challenge::new(daemon.parse().unwrap(), group, &mut rng)
    }

    fn message(body: Vec<u8>) -> Message {
        Message {
            sender: me(),
            destinations: alloc::vec![me().into()],
            service: Service::Fifo,
            self_delivery: SelfDelivery::Deliver,
            scope: Scope::Named,
            message_type: JOIN_CHALLENGE,
            order: ByteOrder::Little,
            body: body.into(),
        }
    }

    fn answer(message: Message, identity: Option<&dyn OwnIdentity>) -> Option<JoinAnswer> {
        answer_join_challenge(&GcsEvent::Message(message), &me(), identity, |_| true)
    }

    fn proof_in(answer: &JoinAnswer) -> JoinProof {
        let body = match &answer.command {
            Some(GcsCommand::Unicast {
                to,
                message_type: JOIN_PROOF,
                body,
                ..
            }) if *to == me() => Some(body),
            _ => None,
        };
        JoinProof::decode(body.unwrap()).unwrap()
    }

    #[test]
    fn a_challenge_of_the_daemon_is_met() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let made = challenge("n1", Some(group()));
        let answer = answer(message(made.encode()), Some(&alice)).unwrap();
        assert_eq!((answer.group, &answer.outcome), (Some(group()), &Ok(())));
        let JoinProof {
            group: named,
            proof,
        } = proof_in(&answer);
        assert_eq!(named, group());
        let mut trust = TrustStore::new();
        trust.insert("alice", alice.public_key()).unwrap();
        let proof = Proof::decode(&proof).unwrap();
        assert!(made.verify(&me(), &proof, &trust, Timestamp(0)).is_ok());
    }

    #[test]
    fn nothing_is_signed_for_a_group_that_is_not_joined() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let event = GcsEvent::Message(message(challenge("n1", Some(group())).encode()));
        for joined in [true, false] {
            let answer = answer_join_challenge(&event, &me(), Some(&alice), |asked| {
                assert_eq!(*asked, group());
                joined
            });
            let answer = answer.unwrap();
            assert_eq!(answer.command.is_some(), joined);
            assert_eq!(answer.group.is_some(), joined);
            let declined = Err(ChallengeError::NotJoining(group()));
            assert_eq!(answer.outcome == declined, !joined);
        }
    }

    #[test]
    fn what_cannot_be_met_is_declined() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let own = challenge("n1", Some(group())).encode();
        let without = answer(message(own), None).unwrap();
        assert_eq!(without.outcome, Err(ChallengeError::NoIdentity));
        assert!(proof_in(&without).proof.is_empty());
        let passed_on = challenge("n2", Some(group())).encode();
        let passed_on = answer(message(passed_on), Some(&alice)).unwrap();
        assert!(matches!(
            passed_on.outcome,
            Err(ChallengeError::OtherDaemon { .. })
        ));
        assert!(proof_in(&passed_on).proof.is_empty());
        // For a connection, or for nothing.
        for body in [challenge("n1", None).encode(), Vec::new()] {
            let answer = answer(message(body), Some(&alice)).unwrap();
            assert_eq!((answer.group, answer.command), (None, None));
            assert!(answer.outcome.is_err());
        }
    }

    #[test]
    fn nobody_but_the_daemon_is_answered() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let body = challenge("n1", Some(group())).encode();
        let mut of_other = message(body.clone());
        of_other.sender = "#bob#n1".parse().unwrap();
        let mut to_group = message(body.clone());
        to_group.destinations = alloc::vec![group().into()];
        let mut of_type = message(body);
        of_type.message_type = 1;
        for message in [of_other, to_group, of_type] {
            assert_eq!(answer(message, Some(&alice)), None);
        }
        let left = GcsEvent::SelfLeave { group: group() };
        assert_eq!(answer_join_challenge(&left, &me(), None, |_| true), None);
    }

    proptest! {
        #[test]
        fn answers_lead_back(proof in prop::collection::vec(any::<u8>(), 0..400)) {
            let answer = JoinProof { group: group(), proof };
            prop_assert_eq!(JoinProof::decode(&answer.encode()), Ok(answer));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(answer) = JoinProof::decode(&bytes) {
                prop_assert_eq!(answer.encode(), bytes.clone());
            }
            let alice = Ed25519Signer::from_seed(&[1; 32]);
            prop_assert!(answer(message(bytes), Some(&alice)).is_some());
        }
    }

    #[test]
    fn no_proof_is_longer_than_any() {
        let longest = JoinProof {
            group: group(),
            proof: alloc::vec![0; PROOF_MAX],
        };
        assert_eq!(JoinProof::decode(&longest.encode()), Ok(longest.clone()));
        let mut longer = longest.encode();
        longer.push(0);
        assert!(JoinProof::decode(&longer).is_err());
    }
}
