//! What a fault led to, as a line of a table and as the list of what was wrong.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::traffic::{Answer, Asked, DeliveryCounts};

/// What has to hold.
pub(super) struct Bounds {
    /// Of any request.
    pub longest: Duration,
    /// From the end of a fault to the first order that is acknowledged.
    pub recovery: Duration,
    /// The most memory.
    pub mebibytes: Option<u64>,
}

/// What a fault led to.
pub(super) struct Outcome {
    pub name: &'static str,
    pub is_served: bool,
    pub sent: u64,
    pub sent_all: bool,
    pub deliveries: DeliveryCounts,
    pub answers: Vec<Answer>,
    pub meanwhile: Range<Instant>,
    pub recovery: Option<Duration>,
    pub mebibytes: u64,
    pub failure: Option<String>,
}

impl Outcome {
    fn longest(&self, asked: Asked) -> Duration {
        let times = self.answers.iter().filter(|answer| answer.asked == asked);
        times.map(|answer| answer.took).max().unwrap_or_default()
    }

    fn acknowledged_meanwhile(&self) -> usize {
        let is_meanwhile = |answer: &&Answer| {
            answer.asked == Asked::Order
                && (200..300).contains(&answer.status)
                && self.meanwhile.contains(&(answer.at + answer.took))
        };
        self.answers.iter().filter(is_meanwhile).count()
    }

    /// Everything that didn't hold.
    pub(super) fn problems(&self, bounds: &Bounds) -> Vec<String> {
        let mut problems: Vec<String> = self.failure.iter().cloned().collect();
        let DeliveryCounts { acknowledged, stored, doubled } = self.deliveries;
        if stored != acknowledged {
            problems.push(format!("{acknowledged} acknowledged, {stored} stored and credited"));
        }
        if doubled > 0 {
            problems.push(format!("{doubled} credited twice"));
        }
        if !self.sent_all {
            problems.push("orders are still refused after the fault".to_owned());
        }
        for asked in [Asked::Order, Asked::Page, Asked::Health] {
            let longest = self.longest(asked);
            if longest > bounds.longest {
                problems.push(format!("{asked:?} waited {:.1} s", longest.as_secs_f64()));
            }
        }
        match self.recovery {
            Some(recovery) if recovery <= bounds.recovery => {}
            Some(recovery) => problems
                .push(format!("first order {:.1} s after the fault", recovery.as_secs_f64())),
            None => problems.push("no order after the fault".to_owned()),
        }
        if self.is_served && self.acknowledged_meanwhile() == 0 {
            problems.push("no order was acknowledged during the fault".to_owned());
        }
        if bounds.mebibytes.is_some_and(|most| self.mebibytes > most) {
            problems.push(format!("used {} MiB", self.mebibytes));
        }
        let is_fault = |answer: &&Answer| answer.status >= 500 && answer.status != 503;
        if let Some(answer) = self.answers.iter().find(is_fault) {
            problems.push(format!("{:?} got status {}", answer.asked, answer.status));
        }
        problems
    }
}

pub(super) fn heading() {
    println!(
        "{:<37} {:>5} {:>5} {:>6} {:>6} {:>7} {:>6} {:>6} {:>6} {:>6} {:>4}",
        "fault",
        "sent",
        "acked",
        "stored",
        "double",
        "during",
        "order",
        "page",
        "health",
        "back",
        "MiB"
    );
}

pub(super) fn line(outcome: &Outcome, bounds: &Bounds) {
    let seconds = |asked| format!("{:.1}", outcome.longest(asked).as_secs_f64());
    let back = outcome.recovery.map_or("-".to_owned(), |time| format!("{:.1}", time.as_secs_f64()));
    println!(
        "{:<37} {:>5} {:>5} {:>6} {:>6} {:>7} {:>6} {:>6} {:>6} {:>6} {:>4}  {}",
        outcome.name,
        outcome.sent,
        outcome.deliveries.acknowledged,
        outcome.deliveries.stored,
        outcome.deliveries.doubled,
        outcome.acknowledged_meanwhile(),
        seconds(Asked::Order),
        seconds(Asked::Page),
        seconds(Asked::Health),
        back,
        outcome.mebibytes,
        outcome.problems(bounds).join(", "),
    );
}

/// By fault, what didn't hold.
pub(super) fn problems(outcomes: &[Outcome], bounds: &Bounds) -> Vec<(&'static str, Vec<String>)> {
    let found = outcomes.iter().map(|outcome| (outcome.name, outcome.problems(bounds)));
    found.filter(|(_, problems)| !problems.is_empty()).collect()
}
