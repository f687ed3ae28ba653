//! Evidence of identities, for instance certificates: what members have shown, and who has seen this
//! member's own.

use alloc::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use gcs_proto::name::MemberName;

/// Most times that a member's evidence is examined in one view: verifying costs work.
const ATTEMPTS_MAX: u8 = 4;

/// Evidence that stays valid while a member moves from view to view together with this one.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    received: BTreeMap<MemberName, Bytes>,
    /// Members that have seen the own evidence.
    audience: BTreeSet<MemberName>,
}

/// Evidence in the present VS view.
#[derive(Debug, Default)]
pub(super) struct EvidenceExchange {
    /// Members that must show theirs and have not.
    pub(super) awaited: BTreeSet<MemberName>,
    /// How often each member has shown it.
    attempts: BTreeMap<MemberName, u8>,
    /// Whether the own was shown.
    pub(super) own_shown: bool,
}

impl Evidence {
    /// Forgets members that are not in the view or did not move to it together with this one: they
    /// may be other processes under the same name.
    pub(super) fn retain(&mut self, members: &[MemberName], along: &[MemberName]) {
        let stays = |member: &MemberName| along.contains(member) && members.contains(member);
        self.received.retain(|member, _| stays(member));
        self.audience.retain(stays);
    }

    pub(super) fn of(&self, member: &MemberName) -> Option<&[u8]> {
        self.received.get(member).map(|bytes| &**bytes)
    }

    pub(super) fn keep(&mut self, member: MemberName, evidence: &[u8]) {
        // Copied, because the message it came in may be much longer.
        self.received
            .insert(member, Bytes::copy_from_slice(evidence));
    }

    /// Whether some other member has not seen the own evidence.
    pub(super) fn is_unseen(&self, me: &MemberName, members: &[MemberName]) -> bool {
        let unseen = |member: &MemberName| member != me && !self.audience.contains(member);
        members.iter().any(unseen)
    }

    /// The own evidence is shown to all members of the view.
    pub(super) fn shown_to(&mut self, members: &[MemberName]) {
        self.audience = members.iter().copied().collect();
    }

    /// The own evidence may not have been seen by anybody.
    pub(super) fn forget_audience(&mut self) {
        self.audience.clear();
    }
}

impl EvidenceExchange {
    /// Whether one more attempt of the member is examined.
    pub(super) fn allows_attempt(&mut self, member: MemberName) -> bool {
        let attempts = self.attempts.entry(member).or_default();
        *attempts = attempts.saturating_add(1);
        *attempts <= ATTEMPTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> [MemberName; N] {
        names.map(|name| name.parse().unwrap())
    }

    #[test]
    fn who_comes_back_is_shown_again() {
        let [a, b, c] = names(["#a#n1", "#b#n1", "#c#n1"]);
        let mut evidence = Evidence::default();
        evidence.retain(&[a, b], &[a]);
        assert!(evidence.is_unseen(&a, &[a, b]));
        evidence.shown_to(&[a, b]);
        evidence.keep(b, b"b");
        // Nobody new.
        evidence.retain(&[a, b], &[a, b]);
        assert!(!evidence.is_unseen(&a, &[a, b]));
        assert_eq!(evidence.of(&b), Some(&b"b"[..]));
        // Somebody new, and somebody who was away in between.
        evidence.retain(&[a, b, c], &[a, b]);
        assert!(evidence.is_unseen(&a, &[a, b, c]));
        evidence.shown_to(&[a, b, c]);
        evidence.retain(&[a, b], &[a]);
        assert_eq!(evidence.of(&b), None);
        assert!(evidence.is_unseen(&a, &[a, b]));
    }

    #[test]
    fn attempts_are_bounded() {
        let [a, b] = names(["#a#n1", "#b#n1"]);
        let mut exchange = EvidenceExchange::default();
        assert_eq!((0..10).filter(|_| exchange.allows_attempt(a)).count(), 4);
        assert!(exchange.allows_attempt(b));
    }
}
