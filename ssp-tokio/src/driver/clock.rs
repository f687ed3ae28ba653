//! The one place where time is read.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::{Duration, Instant};

use super::engine::Millis;

/// Milliseconds since 1970 as they were when the clock was made, running on monotonically.
///
/// Signed tokens carry a time of the calendar and timers need one that never jumps; this one is
/// both, and stands still with the paused clock of tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    offset: Millis,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let calendar = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self {
            origin: Instant::now(),
            offset: millis(calendar),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.offset.saturating_add(millis(self.origin.elapsed()))
    }

    /// The moment at which [`now`](Self::now) reaches `time`; a far one stands for "very late".
    pub(crate) fn instant(&self, time: Millis) -> Instant {
        const FAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let ahead = Duration::from_millis(time.saturating_sub(self.offset)).min(FAR);
        self.origin.checked_add(ahead).unwrap_or(self.origin)
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn follows_the_clock_of_the_runtime() {
        let clock = Clock::new();
        let start = clock.now();
        let later = clock.instant(start + 1500);
        tokio::time::sleep_until(later).await;
        assert_eq!(clock.now(), start + 1500);
        assert_eq!(clock.instant(0), clock.origin);
        clock.instant(Millis::MAX);
    }
}
