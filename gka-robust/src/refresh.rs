//! When a key is replaced without anybody asking.
//!
//! A policy is looked at by all members and acted on by one, the suite's controller or
//! representative; the request goes to all in AGREED order, so it does no harm when two members
//! take themselves for that one. A request that meets a change of membership is without effect: the
//! change brings a new key anyway (robust agreement notes, section 7.4).

/// Bounds of a key's use. Reaching one of them makes the driver of the suite's controller ask for a
/// refresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RefreshPolicy {
    /// Milliseconds after its installation; see
    /// [`next_timeout`](crate::RobustDriver::next_timeout).
    pub age: Option<u64>,
    /// Bytes of user data delivered under it, by [`Payload::size`](crate::Payload::size).
    pub volume: Option<u64>,
}

/// Use of the key in use.
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

    /// Data was delivered.
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
