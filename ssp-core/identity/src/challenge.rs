//! Proof of identity on request: how a daemon asks a stranger who it is before it lets it disturb a
//! group.
//!
//! ```text
//! daemon                                          member
//!   challenge = u8 version || 32 random bytes || enc16(daemon) || enc16(group, or "")
//!        ------------------------------------------->
//!   proof = u8 version || u8 algorithm || enc16(signature) || enc16(evidence, or "")
//!        <-------------------------------------------
//!
//! signature over "ssp-auth/1" 0x00 || enc16(member) || challenge
//! ```
//!
//! The signature is bound to the name that the member will have, to the daemon and to what it asks
//! for, a connection or a group; so a proof given to one daemon is worth nothing at another, and the
//! member answers only the daemon that its own name belongs to. Its prefix keeps it apart from
//! those of tokens and messages. A challenge is used up by the attempt to meet it.
//!
//! What is proved is possession of the key at that moment. The connection itself is protected by
//! the transport, or not at all: what a group is worth rests on the signatures of its tokens, never
//! on this.

use alloc::{format, string::String, vec::Vec};

use bytes::Buf;
use gcs_proto::{
    limits,
    name::{DaemonName, GroupName, MemberName},
};
use rand_core::CryptoRng;

use crate::{
    EVIDENCE_MAX, Identity, OwnIdentity, Trust,
    error::ChallengeError,
    proof::{PROOF_MAX, Proof, SIGNATURE_MAX, VERSION},
    time::Timestamp,
    wire::{get16, put16},
};

/// Prefix of what is signed, so that no other signature can be taken for a proof.
pub const CHALLENGE_CONTEXT: &[u8] = b"ssp-auth/1\0";
/// Longest encoding of a challenge, in bytes.
pub const CHALLENGE_LENGTH: usize = 1 + NONCE + 2 + 32 + 2 + 32;
const NONCE: usize = 32;

// What the handshake carries.
const _: () = assert!(CHALLENGE_LENGTH <= limits::CHALLENGE && PROOF_MAX <= limits::PROOF);

/// A question that only the owner of an identity can answer, once.
#[derive(Debug, PartialEq, Eq)]
pub struct Challenge {
    nonce: [u8; NONCE],
    daemon: DaemonName,
    group: Option<GroupName>,
}

impl Challenge {
    /// A new challenge by `daemon`, for a connection or for the join of a group.
    pub fn new(daemon: DaemonName, group: Option<GroupName>, rng: &mut dyn CryptoRng) -> Self {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        Self {
            nonce,
            daemon,
            group,
        }
    }

    /// What the group is that the member wants to join; none for a connection.
    pub const fn group(&self) -> Option<&GroupName> {
        self.group.as_ref()
    }

    /// The bytes on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(CHALLENGE_LENGTH);
        out.push(VERSION);
        out.extend_from_slice(&self.nonce);
        put16(&mut out, self.daemon.as_bytes());
        put16(
            &mut out,
            self.group.as_ref().map_or(&[], |group| group.as_bytes()),
        );
        out
    }

    /// Reads a challenge; nothing may stand behind it.
    ///
    /// # Errors
    /// [`ChallengeError::Malformed`].
    pub fn decode(mut bytes: &[u8]) -> Result<Self, ChallengeError> {
        let read = |bytes: &mut &[u8]| -> Option<Self> {
            if bytes.try_get_u8().ok()? != VERSION {
                return None;
            }
            let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
            let nonce = *nonce;
            *bytes = rest;
            let daemon = DaemonName::new(get16(bytes)?).ok()?;
            let group = match get16(bytes)? {
                [] => None,
                name => Some(GroupName::new(name).ok()?),
            };
            bytes.is_empty().then_some(Self {
                nonce,
                daemon,
                group,
            })
        };
        read(&mut bytes).ok_or(ChallengeError::Malformed("challenge"))
    }

    /// Checks the answer of somebody who wants to be `member`. The challenge is used up.
    ///
    /// # Errors
    /// [`ChallengeError::Distrust`] when the identity is not accepted under that name,
    /// [`ChallengeError::BadSignature`] when the answer is not its owner's. For the local log: the
    /// peer is told that it is refused, and nothing more.
    pub fn verify(
        self,
        member: &MemberName,
        proof: &Proof,
        trust: &dyn Trust,
        now: Timestamp,
    ) -> Result<Identity, ChallengeError> {
        self.check(member, proof, trust, now)
    }

    /// Like [`verify`](Self::verify), and keeps what is needed to judge the proof anew.
    ///
    /// # Errors
    /// As of [`verify`](Self::verify).
    pub fn accept(
        self,
        member: &MemberName,
        proof: Proof,
        trust: &dyn Trust,
        now: Timestamp,
    ) -> Result<Proved, ChallengeError> {
        let identity = self.check(member, &proof, trust, now)?;
        Ok(Proved {
            challenge: self,
            member: *member,
            proof,
            identity,
        })
    }

    fn check(
        &self,
        member: &MemberName,
        proof: &Proof,
        trust: &dyn Trust,
        now: Timestamp,
    ) -> Result<Identity, ChallengeError> {
        let identity = trust.identify(member, proof.evidence.as_deref(), now)?;
        identity
            .key()
            .verify(proof.algorithm, &self.signed(member), &proof.signature)
            .map_err(|_| ChallengeError::BadSignature)?;
        Ok(identity)
    }

    fn signed(&self, member: &MemberName) -> Vec<u8> {
        let mut signed = Vec::with_capacity(CHALLENGE_CONTEXT.len() + 34 + CHALLENGE_LENGTH);
        signed.extend_from_slice(CHALLENGE_CONTEXT);
        put16(&mut signed, member.as_bytes());
        signed.extend_from_slice(&self.encode());
        signed
    }
}

/// A proof that was accepted, kept so that it can be judged anew: identities expire and are taken
/// back, and trust is replaced, while a connection lasts.
#[derive(Debug)]
pub struct Proved {
    challenge: Challenge,
    member: MemberName,
    proof: Proof,
    identity: Identity,
}

impl Proved {
    /// Who gave the proof.
    pub const fn member(&self) -> &MemberName {
        &self.member
    }

    /// The identity as it was accepted.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The identity as `trust` accepts it at the time `now`: for the evidence that was shown and
    /// the key that has signed.
    ///
    /// # Errors
    /// As of [`Challenge::verify`]; [`ChallengeError::BadSignature`] when the name has another key
    /// by now.
    pub fn judge(&self, trust: &dyn Trust, now: Timestamp) -> Result<Identity, ChallengeError> {
        self.challenge.check(&self.member, &self.proof, trust, now)
    }
}

impl Proof {
    /// Answers a challenge as `me`.
    ///
    /// # Errors
    /// [`ChallengeError::OtherDaemon`] when the challenge is not of the daemon that the own name
    /// belongs to: somebody in between passes it on. [`ChallengeError::TooLong`].
    pub fn answer(
        challenge: &Challenge,
        me: &MemberName,
        identity: &dyn OwnIdentity,
    ) -> Result<Self, ChallengeError> {
        let mut parts = me.as_bytes().rsplit(|byte| *byte == b'#');
        if parts.next() != Some(challenge.daemon.as_bytes()) {
            return Err(ChallengeError::OtherDaemon {
                challenger: String::from_utf8_lossy(challenge.daemon.as_bytes()).into_owned(),
                member: *me,
            });
        }
        let signature = identity.sign(&challenge.signed(me));
        let evidence = identity.evidence().map(<[u8]>::to_vec);
        let fits = evidence
            .as_ref()
            .is_none_or(|evidence| evidence.len() <= EVIDENCE_MAX);
        if signature.len() > SIGNATURE_MAX || !fits {
            return Err(ChallengeError::TooLong);
        }
        Ok(Self {
            algorithm: identity.algorithm(),
            signature,
            evidence,
        })
    }

    /// Answers the bytes of a challenge with the bytes of a proof: for the join of `group`, or for
    /// a connection.
    ///
    /// # Errors
    /// As of [`Challenge::decode`] and [`Proof::answer`]; [`ChallengeError::OtherPurpose`] when the
    /// challenge asks for anything else.
    pub fn meet(
        challenge: &[u8],
        group: Option<&GroupName>,
        me: &MemberName,
        identity: &dyn OwnIdentity,
    ) -> Result<Vec<u8>, ChallengeError> {
        let challenge = Challenge::decode(challenge)?;
        if challenge.group() != group {
            let purpose = |group: Option<&GroupName>| match group {
                Some(group) => format!("the join of group {group}"),
                None => "a connection".into(),
            };
            return Err(ChallengeError::OtherPurpose {
                found: purpose(challenge.group()),
                expected: purpose(group),
            });
        }
        Ok(Self::answer(&challenge, me, identity)?.encode())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::{Distrust, Ed25519Signer, TrustStore};

    fn name(text: &str) -> MemberName {
        text.parse().unwrap()
    }

    fn challenge(seed: u64, daemon: &str, group: Option<&str>) -> Challenge {
        let group = group.map(|group| group.parse().unwrap());
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        Challenge::new(daemon.parse().unwrap(), group, &mut rng)
    }

    fn trust() -> TrustStore {
        let mut trust = TrustStore::new();
        for (name, seed) in [("alice", 1), ("bob", 2)] {
            let key = Ed25519Signer::from_seed(&[seed; 32]).public_key();
            trust.insert(name, key).unwrap();
        }
        trust
    }

    fn verify(challenge: Challenge, member: &str, proof: &Proof) -> Result<(), ChallengeError> {
        challenge
            .verify(&name(member), proof, &trust(), Timestamp(0))
            .map(|_| ())
    }

    #[test]
    fn a_proof_counts_for_its_challenge_and_name_only() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let made = challenge(1, "n1", None);
        let proof = Proof::answer(&made, &name("#alice#n1"), &alice).unwrap();
        let received = Proof::decode(&proof.encode()).unwrap();
        assert_eq!(received, proof);
        let bad = Err(ChallengeError::BadSignature);
        // Another name, nonce, daemon or group.
        assert_eq!(verify(challenge(1, "n1", None), "#bob#n1", &proof), bad);
        assert_eq!(verify(challenge(1, "n1", None), "#alice#n2", &proof), bad);
        assert_eq!(verify(challenge(2, "n1", None), "#alice#n1", &proof), bad);
        assert_eq!(verify(challenge(1, "n2", None), "#alice#n1", &proof), bad);
        let group = challenge(1, "n1", Some("chat"));
        assert_eq!(verify(group, "#alice#n1", &proof), bad);
        // A name that nobody knows.
        assert_eq!(
            verify(challenge(1, "n1", None), "#carol#n1", &proof),
            Err(ChallengeError::Distrust(Distrust::Unknown))
        );
        assert_eq!(verify(made, "#alice#n1", &received), Ok(()));
    }

    #[test]
    fn only_the_own_daemon_gets_an_answer() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let passed_on = challenge(1, "n2", Some("chat"));
        assert_eq!(
            Proof::answer(&passed_on, &name("#alice#n1"), &alice)
                .unwrap_err()
                .to_string(),
            "challenge of daemon \"n2\" for member #alice#n1"
        );
    }

    #[test]
    fn a_proof_is_judged_anew_by_what_is_trusted_then() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let me = name("#alice#n1");
        let made = challenge(1, "n1", None);
        let proof = Proof::answer(&made, &me, &alice).unwrap();
        let proved = made.accept(&me, proof, &trust(), Timestamp(0)).unwrap();
        assert_eq!(proved.member(), &me);
        assert!(proved.judge(&trust(), Timestamp(1)).is_ok());
        // Known no more, and known by another key.
        let mut later = TrustStore::new();
        assert_eq!(
            proved.judge(&later, Timestamp(2)).unwrap_err(),
            ChallengeError::Distrust(Distrust::Unknown)
        );
        let other = Ed25519Signer::from_seed(&[3; 32]).public_key();
        later.insert("alice", other).unwrap();
        assert_eq!(
            proved.judge(&later, Timestamp(2)).unwrap_err(),
            ChallengeError::BadSignature
        );
    }

    #[test]
    fn a_challenge_is_met_for_what_it_asks_only() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let me = name("#alice#n1");
        let (chat, other) = ("chat".parse().unwrap(), "other".parse().unwrap());
        let join = challenge(1, "n1", Some("chat"));
        let proof = Proof::meet(&join.encode(), Some(&chat), &me, &alice).unwrap();
        for group in [None, Some(&other)] {
            assert!(matches!(
                Proof::meet(&join.encode(), group, &me, &alice),
                Err(ChallengeError::OtherPurpose { .. })
            ));
        }
        let connection = challenge(1, "n1", None).encode();
        assert_eq!(
            Proof::meet(&connection, Some(&chat), &me, &alice)
                .unwrap_err()
                .to_string(),
            "challenge for a connection where one for the join of group chat is answered"
        );
        assert_eq!(
            Proof::meet(b"?", None, &me, &alice),
            Err(ChallengeError::Malformed("challenge"))
        );
        assert_eq!(
            verify(join, "#alice#n1", &Proof::decode(&proof).unwrap()),
            Ok(())
        );
    }

    #[test]
    fn every_flipped_bit_of_a_proof_is_refused() {
        let alice = Ed25519Signer::from_seed(&[1; 32]);
        let proof = Proof::answer(&challenge(1, "n1", None), &name("#alice#n1"), &alice).unwrap();
        let bytes = proof.encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(proof) = Proof::decode(&flipped) {
                verify(challenge(1, "n1", None), "#alice#n1", &proof).unwrap_err();
            }
        }
    }

    proptest! {
        #[test]
        fn challenges_lead_back(seed: u64, grouped: bool) {
            let challenge = challenge(seed, "n1", grouped.then_some("chat"));
            let bytes = challenge.encode();
            prop_assert!(bytes.len() <= CHALLENGE_LENGTH);
            prop_assert_eq!(Challenge::decode(&bytes), Ok(challenge));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(challenge) = Challenge::decode(&bytes) {
                prop_assert_eq!(challenge.encode(), bytes.clone());
            }
            if let Ok(proof) = Proof::decode(&bytes) {
                prop_assert_eq!(proof.encode(), bytes);
            }
        }
    }
}
