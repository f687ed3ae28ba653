//! Identities of the members of the present view.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use bytes::Bytes;
use cliques::{Claim, MemberId, SignatureAlgorithm, Verifier, VerifyError};
use gcs_proto::name::MemberName;
use spin::RwLock;

use super::translate;
use crate::identity::{Identity, PublicKey, Signed};

/// Accepted identities by member. Shared with the driver, which asks it about every token; nobody
/// else writes, so the lock is never waited for.
#[derive(Debug, Default)]
pub(super) struct Roster(RwLock<BTreeMap<MemberName, Identity>>);

impl Roster {
    pub(super) fn insert(&self, member: MemberName, identity: Identity) {
        self.0.write().insert(member, identity);
    }

    pub(super) fn remove(&self, member: &MemberName) {
        self.0.write().remove(member);
    }

    pub(super) fn clear(&self) {
        self.0.write().clear();
    }

    pub(super) fn contains(&self, member: &MemberName) -> bool {
        self.0.read().contains_key(member)
    }

    pub(super) fn get(&self, member: &MemberName) -> Option<Identity> {
        self.0.read().get(member).cloned()
    }
}

impl Verifier for Roster {
    fn verify(
        &self,
        member: &MemberId,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let unknown = VerifyError::UnknownIdentity;
        let member = translate::name(member).map_err(|_| unknown)?;
        let known = self.0.read();
        let identity = known.get(&member).ok_or(unknown)?;
        identity.key().verify(algorithm, message, signature)
    }

    /// Those of Ed25519 together, all others one by one.
    fn verify_all(&self, claims: &[Claim<'_>]) -> Vec<Result<(), VerifyError>> {
        let known = self.0.read();
        let key = |claim: &Claim<'_>| {
            let member = translate::name(claim.member).ok()?;
            let key = known.get(&member)?.key().ed25519()?;
            (claim.algorithm == SignatureAlgorithm::Ed25519).then_some(key)
        };
        let keys: Vec<Option<&PublicKey>> = claims.iter().map(key).collect();
        let together: Vec<Signed<'_>> = claims
            .iter()
            .zip(&keys)
            .filter_map(|(claim, key)| {
                key.map(|key| Signed {
                    key,
                    message: claim.message,
                    signature: claim.signature,
                })
            })
            .collect();
        let mut verdicts = PublicKey::verify_each(&together).into_iter();
        claims
            .iter()
            .zip(&keys)
            .map(|(claim, key)| match key {
                Some(_) => verdicts.next().unwrap_or(Err(VerifyError::BadSignature)),
                None => {
                    let Claim {
                        member,
                        algorithm,
                        message,
                        signature,
                    } = *claim;
                    self.verify(member, algorithm, message, signature)
                }
            })
            .collect()
    }
}

/// Evidence that members of a view have shown, and to whom the own was shown.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    shown: BTreeMap<MemberName, Bytes>,
    /// Members that must show theirs and have not.
    pub(super) awaited: BTreeSet<MemberName>,
    /// How often each has shown it in this view.
    attempts: BTreeMap<MemberName, u8>,
    /// Members that have seen the own.
    seen_mine: BTreeSet<MemberName>,
    /// Whether the own was shown in this view.
    shown_here: bool,
}

/// Most times that a member is listened to in one view: proofs cost work.
const ATTEMPTS_MAX: u8 = 4;

impl Evidence {
    /// A view comes: who is not in it, or did not come along, has to be shown the own evidence
    /// anew, for it may be another process under the same name.
    pub(super) fn view(&mut self, members: &[MemberName], along: &[MemberName]) {
        self.shown.retain(|member, _| along.contains(member));
        self.seen_mine.retain(|member| along.contains(member));
        self.shown.retain(|member, _| members.contains(member));
        self.seen_mine.retain(|member| members.contains(member));
        self.awaited.clear();
        self.attempts.clear();
        self.shown_here = false;
    }

    pub(super) fn of(&self, member: &MemberName) -> Option<&[u8]> {
        self.shown.get(member).map(|bytes| &**bytes)
    }

    pub(super) fn keep(&mut self, member: MemberName, evidence: &[u8]) {
        self.awaited.remove(&member);
        // What it came in may be much longer.
        self.shown.insert(member, Bytes::copy_from_slice(evidence));
    }

    /// Whether one more attempt of the member is looked at.
    pub(super) fn listen(&mut self, member: MemberName) -> bool {
        let attempts = self.attempts.entry(member).or_default();
        *attempts = attempts.saturating_add(1);
        *attempts <= ATTEMPTS_MAX
    }

    /// Whether somebody among the members has not seen the own evidence, or is to show its own: that
    /// it was asked for is told by showing.
    pub(super) fn must_show(&self, me: &MemberName, members: &[MemberName]) -> bool {
        let unseen = |member: &MemberName| member != me && !self.seen_mine.contains(member);
        !self.awaited.is_empty() || members.iter().any(unseen)
    }

    /// The own evidence is shown to all members of the view.
    pub(super) fn showed(&mut self, members: &[MemberName]) {
        self.seen_mine = members.iter().copied().collect();
        self.shown_here = !members.is_empty();
    }

    /// The last view brought no key: perhaps because somebody did not get the own evidence, or not
    /// as it is. So nobody is taken to have seen it.
    pub(super) fn doubt(&mut self) {
        self.seen_mine.clear();
    }

    /// Whether the own evidence was shown in this view.
    pub(super) const fn shown_here(&self) -> bool {
        self.shown_here
    }

    pub(super) fn awaited(&self) -> Vec<MemberName> {
        self.awaited.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use cliques::Signer as _;

    use super::*;
    use crate::identity::Ed25519Signer;

    fn names<const N: usize>(names: [&str; N]) -> [MemberName; N] {
        names.map(|name| name.parse().unwrap())
    }

    #[test]
    fn who_comes_back_is_shown_again() {
        let [a, b, c] = names(["#a#n1", "#b#n1", "#c#n1"]);
        let mut evidence = Evidence::default();
        evidence.view(&[a, b], &[a]);
        assert!(evidence.must_show(&a, &[a, b]));
        evidence.showed(&[a, b]);
        evidence.keep(b, b"b");
        // Nobody new.
        evidence.view(&[a, b], &[a, b]);
        assert!(!evidence.must_show(&a, &[a, b]));
        assert_eq!(evidence.of(&b), Some(&b"b"[..]));
        // Somebody new, and somebody who was away in between.
        evidence.view(&[a, b, c], &[a, b]);
        assert!(evidence.must_show(&a, &[a, b, c]));
        evidence.showed(&[a, b, c]);
        evidence.view(&[a, b], &[a]);
        assert_eq!(evidence.of(&b), None);
        assert!(evidence.must_show(&a, &[a, b]));
    }

    #[test]
    fn signatures_together_have_the_verdicts_that_they_have_alone() {
        let members = names(["#a#n1", "#b#n1", "#c#n1", "#d#n1"]);
        let signers = [1, 2, 3, 4].map(|seed| Ed25519Signer::from_seed(&[seed; 32]));
        let roster = Roster::default();
        // The last one is unknown.
        for (member, signer) in members.iter().zip(&signers).take(3) {
            let key = Arc::new(signer.public_key());
            roster.insert(*member, Identity::of_key(key));
        }
        let ids = members.map(|member| translate::id(&member).unwrap());
        let message = |place: usize| [b'm', place as u8];
        let messages = [0, 1, 2, 3].map(message);
        let signatures: Vec<Vec<u8>> = signers
            .iter()
            .zip(&messages)
            .map(|(signer, message)| signer.sign(message))
            .collect();
        let none: &[usize] = &[];
        for broken in [none, &[0], &[1, 2], &[0, 1, 2]] {
            for shown in 0..=ids.len() {
                let mut signatures = signatures.clone();
                for place in broken {
                    signatures[*place][40] ^= 1;
                }
                let claims: Vec<Claim<'_>> = (0..shown)
                    .map(|place| Claim {
                        member: &ids[place],
                        algorithm: SignatureAlgorithm::Ed25519,
                        message: &messages[place],
                        signature: &signatures[place],
                    })
                    .collect();
                let verdicts = roster.verify_all(&claims);
                assert_eq!(verdicts.len(), shown);
                for (place, (claim, verdict)) in claims.iter().zip(verdicts).enumerate() {
                    let expected = match place {
                        3 => Err(VerifyError::UnknownIdentity),
                        _ if broken.contains(&place) => Err(VerifyError::BadSignature),
                        _ => Ok(()),
                    };
                    assert_eq!(verdict, expected, "{place} of {shown}, broken {broken:?}");
                    let alone = roster.verify(
                        claim.member,
                        claim.algorithm,
                        claim.message,
                        claim.signature,
                    );
                    assert_eq!(alone, expected);
                }
            }
        }
        // Another algorithm, and a signature that is none, in the midst of good ones.
        for (algorithm, signature) in [
            (SignatureAlgorithm::None, &signatures[1][..]),
            (SignatureAlgorithm::EcdsaP256, &signatures[1][..]),
            (SignatureAlgorithm::Ed25519, &[][..]),
            (SignatureAlgorithm::Ed25519, &signatures[0][..]),
        ] {
            let claim = |place: usize| Claim {
                member: &ids[place],
                algorithm: SignatureAlgorithm::Ed25519,
                message: &messages[place],
                signature: &signatures[place],
            };
            let mut claims = [claim(0), claim(1), claim(2)];
            claims[1].algorithm = algorithm;
            claims[1].signature = signature;
            let verdicts = roster.verify_all(&claims);
            assert_eq!(
                verdicts,
                [Ok(()), Err(VerifyError::BadSignature), Ok(())],
                "{algorithm:?}"
            );
        }
    }

    #[test]
    fn attempts_have_a_bound() {
        let [a, b] = names(["#a#n1", "#b#n1"]);
        let mut evidence = Evidence::default();
        assert_eq!((0..10).filter(|_| evidence.listen(a)).count(), 4);
        assert!(evidence.listen(b));
        evidence.view(&[a, b], &[a, b]);
        assert!(evidence.listen(a));
    }
}
