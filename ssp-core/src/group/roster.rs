//! Identities of the members of the present view.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use bytes::Bytes;
use cliques::{SignatureAlgorithm, Verifier, VerifyError};
use gcs_proto::name::MemberName;
use spin::RwLock;

use crate::identity::Identity;

/// Accepted identities, sorted by member. Shared with the driver, which asks it about every token; nobody
/// else writes, so the lock is never waited for.
///
/// Signatures that come together are not verified together: what passes so can be more than passes
/// alone, and a member whose tokens some accept and others refuse would split the group (secure
/// layer notes, section 6).
#[derive(Debug, Default)]
pub(super) struct Roster(RwLock<Vec<(MemberName, Identity)>>);

impl Roster {
    /// Whoever was known before is known no more.
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
