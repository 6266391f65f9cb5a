//! Pauses between attempts, doubled each time up to a maximum.
//!
//! It uses the `backoff` crate, which is no longer maintained; `backon` can replace it here.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

/// The maximum share of a pause by which it is lengthened or shortened at random, so that the attempts of many programs
/// do not coincide.
const JITTER: f64 = 0.25;
/// The number of failures after which the pause no longer grows: a millisecond has become 25 days.
const MAX_FAILURES: i64 = 32;

/// The first and the longest pause.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// Creates pauses that begin with `first` and double up to `longest`, each longer or shorter by up to a quarter.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// Returns the longest pause.
    pub const fn longest(self) -> Duration {
        self.longest
    }

    /// Returns the pauses after the first failure, the second, and so on.
    pub fn pauses(self) -> Pauses {
        let Self { first, longest } = self;
        let pauses = ExponentialBackoff {
            current_interval: first,
            initial_interval: first,
            max_interval: longest,
            multiplier: 2.0,
            randomization_factor: JITTER,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Pauses { pauses, longest }
    }

    /// Returns the pause after a number of consecutive failures.
    pub fn after(self, failures: i64) -> Duration {
        let previous_pauses = usize::try_from(failures.clamp(1, MAX_FAILURES) - 1).unwrap_or(0);
        self.pauses().nth(previous_pauses).unwrap_or(self.longest)
    }
}

/// The pauses of a [`Backoff`], without an end.
#[derive(Debug)]
pub struct Pauses {
    pauses: ExponentialBackoff,
    longest: Duration,
}

impl Pauses {
    /// Returns the next pause.
    pub fn next_pause(&mut self) -> Duration {
        self.pauses.next_backoff().unwrap_or(self.longest)
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.next_pause())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_with_jitter() {
        let backoff = Backoff::new(Duration::from_mins(1), Duration::from_hours(12));
        for (failures, minutes) in [(0, 1), (1, 1), (2, 2), (3, 4), (10, 512), (11, 720), (60, 720)] {
            let without_jitter = Duration::from_mins(minutes);
            for _ in 0..50 {
                let pause = backoff.after(failures);
                assert!(
                    pause >= without_jitter * 3 / 4 && pause <= without_jitter * 5 / 4,
                    "{failures}: {pause:?}"
                );
            }
        }
        let pauses: std::collections::HashSet<_> = (0..20).map(|_| backoff.after(5)).collect();
        assert!(pauses.len() > 10, "there is no jitter");
    }
}
