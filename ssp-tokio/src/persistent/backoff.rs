//! How long to wait between two attempts.

use tokio::time::Duration;

use crate::error::Error;

/// How a [`PersistentClient`](super::PersistentClient) tries again: after a first delay, then after
/// twice as long each time, up to a longest delay. Each delay is shortened by up to a half at random,
/// so that clients that lost the same daemon do not come back all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Delay after the first failure.
    pub first: Duration,
    /// Longest delay.
    pub longest: Duration,
    /// Attempts after which it gives up, each of them to every endpoint; `None` for never.
    pub attempts: Option<u32>,
}

impl Default for Backoff {
    /// 100 ms, doubled up to 30 s, for ever.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(30),
            attempts: None,
        }
    }
}

impl Backoff {
    /// The delay after `failures` failures in a row (1 and more); `None` to give up. `dice` is any
    /// number, by which the delay is shortened.
    pub(super) fn delay(&self, failures: u32, dice: u32) -> Option<Duration> {
        if self.attempts.is_some_and(|attempts| failures >= attempts) {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self
            .first
            .saturating_mul(1_u32 << doublings)
            .min(self.longest);
        let half = whole / 2;
        // At most 2^32 - 1 of 2^32 parts.
        let part = half.mul_f64(f64::from(dice) / 4_294_967_296.0);
        Some(half + part)
    }
}

/// Whether another attempt may end otherwise.
pub(super) const fn is_worth_another_attempt(error: &Error) -> bool {
    use gcs_proto::error::ConnectRefusal as Refusal;
    match error {
        Error::Connect { .. } | Error::Stream { .. } | Error::Timeout { .. } => true,
        Error::Handshake(gcs_proto::Error::Refused(refusal)) => match refusal {
            // A name in use may be our own, of a connection whose end the daemon has yet to notice.
            Refusal::NotUnique | Refusal::Quota | Refusal::Other(_) => true,
            Refusal::NoName | Refusal::IllegalName | Refusal::Version | Refusal::Authentication => {
                false
            }
        },
        // Who it is does not change by waiting.
        Error::Handshake(gcs_proto::Error::MissingProof { .. }) => false,
        // A daemon that is going down may stop in the middle of a word.
        Error::Handshake(_) | Error::Closed => true,
        Error::Endpoint(_)
        | Error::NoEndpoint
        | Error::Challenge(_)
        | Error::OtherDaemon { .. }
        | Error::Random
        | Error::Session(_)
        | Error::Protocol(_)
        | Error::Outdated(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use gcs_proto::error::ConnectRefusal;

    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(1),
            attempts: None,
        };
        let whole: Vec<_> = [1, 2, 3, 4, 5, 6, u32::MAX]
            .map(|failures| backoff.delay(failures, u32::MAX).unwrap().as_millis())
            .into();
        assert_eq!(whole, [100, 200, 400, 800, 1_000, 1_000, 1_000]);
        assert_eq!(backoff.delay(1, 0), Some(Duration::from_millis(50)));
    }

    #[test]
    fn attempts_come_to_an_end() {
        let backoff = Backoff {
            attempts: Some(3),
            ..Backoff::default()
        };
        assert!(backoff.delay(2, 7).is_some());
        assert_eq!(backoff.delay(3, 7), None);
        assert!(Backoff::default().delay(u32::MAX, 7).is_some());
    }

    #[test]
    fn what_stays_refused_is_not_asked_again() {
        for (refusal, again) in [
            (ConnectRefusal::NotUnique, true),
            (ConnectRefusal::Quota, true),
            (ConnectRefusal::Authentication, false),
            (ConnectRefusal::IllegalName, false),
        ] {
            let error = Error::Handshake(refusal.into());
            assert_eq!(is_worth_another_attempt(&error), again, "{error}");
        }
        assert!(!is_worth_another_attempt(&Error::Random));
    }
}
