//! Identities of the members of the present view.

use alloc::vec::Vec;

use cliques::{SignatureAlgorithm, Verifier, VerifyError};
use gcs_proto::name::MemberName;
use spin::RwLock;

use crate::identity::Identity;

/// Accepted identities, sorted by member. Shared with the driver, which verifies every token with it;
/// the group alone writes, so nobody waits for the lock.
///
/// Signatures are not verified in batches: a batch can pass although one of its signatures alone does
/// not, and a member whose tokens some accept and others refuse would split the group (secure layer
/// notes, section 6).
#[derive(Debug, Default)]
pub(super) struct Roster(RwLock<Vec<(MemberName, Identity)>>);

impl Roster {
    /// Replaces all identities.
    pub(super) fn replace(&self, mut identities: Vec<(MemberName, Identity)>) {
        identities.sort_unstable_by_key(|(member, _)| *member);
        *self.0.write() = identities;
    }

    pub(super) fn insert(&self, member: MemberName, identity: Identity) {
        let mut known = self.0.write();
        match known.binary_search_by_key(&member, |(known, _)| *known) {
            Ok(place) => {
                if let Some((_, known)) = known.get_mut(place) {
                    *known = identity;
                }
            }
            Err(place) => known.insert(place, (member, identity)),
        }
    }

    pub(super) fn remove(&self, member: &MemberName) {
        self.0.write().retain(|(known, _)| known != member);
    }

    pub(super) fn contains(&self, member: &MemberName) -> bool {
        self.get(member).is_some()
    }

    pub(super) fn get(&self, member: &MemberName) -> Option<Identity> {
        let known = self.0.read();
        let place = known.binary_search_by_key(member, |(known, _)| *known);
        known.get(place.ok()?).map(|(_, identity)| identity.clone())
    }
}

impl Verifier for Roster {
    fn verify(
        &self,
        member: &MemberName,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let unknown = VerifyError::UnknownIdentity;
        let identity = self.get(member).ok_or(unknown)?;
        identity.key().verify(algorithm, message, signature)
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
    fn tokens_are_verified_one_by_one_with_the_key_of_their_author() {
        let [alice, bob] = names(["#a#n1", "#b#n1"]);
        let [key, other] = [1, 2].map(|seed| Ed25519Signer::from_seed(&[seed; 32]));
        let roster = Roster::default();
        roster.insert(alice, Identity::of_key(Arc::new(key.public_key())));
        let signature = key.sign(b"token");
        let foreign = other.sign(b"token");
        let verdict = |member: &MemberName, algorithm, signature: &[u8]| {
            roster.verify(member, algorithm, b"token", signature)
        };
        let ed25519 = SignatureAlgorithm::Ed25519;
        assert_eq!(verdict(&alice, ed25519, &signature), Ok(()));
        for (algorithm, signature) in [
            (ed25519, &foreign[..]),
            (ed25519, &[]),
            (SignatureAlgorithm::None, &signature),
            (SignatureAlgorithm::EcdsaP256, &signature),
        ] {
            assert_eq!(
                verdict(&alice, algorithm, signature),
                Err(VerifyError::BadSignature)
            );
        }
        assert_eq!(
            verdict(&bob, ed25519, &signature),
            Err(VerifyError::UnknownIdentity)
        );
    }
}
