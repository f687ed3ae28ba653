//! When a key is replaced without a request of the application.
//!
//! All members check the policy, one acts on it: the suite's controller or representative. The request
//! goes to all in AGREED order, so it does no harm if two members consider themselves that one. A
//! request that collides with a change of membership has no effect: the change brings a new key anyway
//! (robust agreement notes, section 7.4).

/// Bounds of the use of a key. When one is reached, the driver of the suite's controller asks for a
/// refresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RefreshPolicy {
    /// Milliseconds since its installation; see
    /// [`next_timeout`](crate::RobustDriver::next_timeout).
    pub age: Option<u64>,
    /// Bytes of user data delivered under it, by [`Payload::size`](crate::Payload::size).
    pub volume: Option<u64>,
}

/// How much the present key has been used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyUse {
    installed_at: u64,
    volume: u64,
}

impl KeyUse {
    /// A key installed at `now`.
    pub(crate) const fn new(now: u64) -> Self {
        Self {
            installed_at: now,
            volume: 0,
        }
    }

    /// Counts delivered data.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.volume = self
            .volume
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// When the key will be too old.
    pub(crate) const fn expires(&self, policy: RefreshPolicy) -> Option<u64> {
        match policy.age {
            Some(age) => Some(self.installed_at.saturating_add(age)),
            None => None,
        }
    }

    /// Whether a bound is reached at `now`.
    pub(crate) fn is_due(&self, policy: RefreshPolicy, now: u64) -> bool {
        let old = self.expires(policy).is_some_and(|at| now >= at);
        let worn = policy.volume.is_some_and(|bound| self.volume >= bound);
        old || worn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_reached_one_by_one() {
        let policy = RefreshPolicy {
            age: Some(1_000),
            volume: Some(10),
        };
        let mut used = KeyUse::new(500);
        assert_eq!(used.expires(policy), Some(1_500));
        assert!(!used.is_due(policy, 1_499));
        assert!(used.is_due(policy, 1_500));
        used.count(9);
        assert!(!used.is_due(policy, 0));
        used.count(1);
        assert!(used.is_due(policy, 0));
        assert!(!used.is_due(RefreshPolicy::default(), u64::MAX));
    }
}
