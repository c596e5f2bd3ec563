use chrono::Duration;
use rand::RngExt;

/// A kind of job, and how it's retried.
#[derive(Clone, Copy, Debug)]
pub struct JobKind {
    /// As its rows and metrics have it.
    pub name: &'static str,
    /// After the first failed attempt; each further one doubles it.
    pub first_wait: Duration,
    pub max_wait: Duration,
    /// After so many failed attempts a job is dead-lettered.
    pub max_attempts: i32,
    /// Its runs read and write rows of the instance, not of the queue's merchant alone.
    pub is_of_instance: bool,
}

/// Which of the due jobs of a queue goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A person waits for it.
    High,
    Normal,
}

impl Priority {
    /// As its rows have it.
    pub(super) const fn value(self) -> i16 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
        }
    }
}

impl JobKind {
    /// A kind that comes again and again, and so is never dead-lettered.
    pub(crate) const fn periodic(name: &'static str) -> Self {
        let (first_wait, max_wait) = (Duration::seconds(5), Duration::minutes(5));
        Self { name, first_wait, max_wait, max_attempts: i32::MAX, is_of_instance: false }
    }

    /// How long the next attempt waits after `attempts` failed ones.
    pub(crate) fn wait_after(&self, attempts: i32) -> Duration {
        backoff(self.first_wait, self.max_wait, attempts)
    }
}

/// `first`, doubled with each further failure up to `max`. With jitter, so that not all come back at once.
pub(crate) fn backoff(first: Duration, max: Duration, failures: i32) -> Duration {
    let doublings = failures.clamp(1, 20) - 1;
    let wait = (first * (1 << doublings)).min(max);
    wait * rand::rng().random_range(75..=125) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_limit() {
        let kind = JobKind::periodic("test");
        for (failures, seconds) in [(0, 5), (1, 5), (2, 10), (3, 20), (7, 300), (1000, 300)] {
            let wait = kind.wait_after(failures).num_milliseconds();
            let whole = seconds * 1000;
            assert!((whole * 75 / 100..=whole * 125 / 100).contains(&wait), "{failures}: {wait}");
        }
    }
}
