//! What this process has done since its start. Like the log, there is one for the whole process: what
//! is counted is said where it happens, after it is committed.

use std::sync::LazyLock;
use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

use super::security::Kind;
use crate::error::AppResult;
use crate::orders::intake::Outcome;
use crate::pushes::PushStatus;
use crate::stores::Platform;
use crate::web::spans::route;

/// From a look at an index to what somebody gives up on, in seconds.
const BUCKETS: [f64; 9] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// What can become of a message; of a push; of a letter.
const DELIVERED: [&str; 9] = [
    "taken_in", "outdated", "waiting", "noted", "repeated", "conflict", "failed", "refused",
    "not_kept",
];
const PUSHED: [&str; 4] = ["pushed", "in_store", "failed", "unanswered"];
const SENT: [&str; 4] = ["delivered", "later", "refused", "unreachable"];

static COUNTERS: LazyLock<Counters> = LazyLock::new(Counters::new);

struct Counters {
    registry: Registry,
    requests: HistogramVec,
    deliveries: IntCounterVec,
    credits: IntCounter,
    pushes: IntCounterVec,
    letters: IntCounterVec,
    security_events: IntCounterVec,
    thread_deaths: IntCounterVec,
    log_lines_dropped: IntCounter,
}

impl Counters {
    fn new() -> Self {
        let registry = Registry::new();
        let requests = HistogramOpts::new(
            "vouch_http_request_duration_seconds",
            "Time until an answer began, by route as it stands in the table of routes.",
        );
        let of = |name, help, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels);
            registered(&registry, counter)
        };
        let deliveries = of(
            "vouch_deliveries_total",
            "Messages of stores and reports by the API, by what became of them.",
            &["platform", "outcome"],
        );
        let pushes = of(
            "vouch_pushes_total",
            "Tries to bring a code into a store, by what became of them.",
            &["platform", "outcome"],
        );
        let letters = of(
            "vouch_letters_total",
            "Tries to hand a letter to the mail server, by what became of them.",
            &["outcome"],
        );
        let security_events = of(
            "vouch_security_events_total",
            "Security events, as they stand in the log.",
            &["event"],
        );
        let thread_deaths = of(
            "vouch_thread_deaths_total",
            "Threads that panicked and were started again, by name.",
            &["thread"],
        );
        let log_lines_dropped = IntCounter::new(
            "vouch_log_lines_dropped_total",
            "Lines of the log that could not be written.",
        );
        let credits = IntCounter::new(
            "vouch_credits_total",
            "Affiliates newly credited for an order, upon a message about it or a reading of it.",
        );
        let requests =
            HistogramVec::new(requests.buckets(BUCKETS.to_vec()), &["method", "route", "status"]);
        // Each is there from the start: the first failure is then a change, which can be watched for.
        for platform in Platform::ALL {
            for outcome in DELIVERED {
                deliveries.with_label_values(&[platform.as_str(), outcome]);
            }
            for outcome in PUSHED.iter().filter(|_| *platform != Platform::Api) {
                pushes.with_label_values(&[platform.as_str(), outcome]);
            }
        }
        for outcome in SENT {
            letters.with_label_values(&[outcome]);
        }
        for kind in Kind::ALL {
            security_events.with_label_values(&[kind.as_str()]);
        }
        Self {
            requests: registered(&registry, requests),
            deliveries,
            credits: registered(&registry, credits),
            pushes,
            letters,
            security_events,
            thread_deaths,
            log_lines_dropped: registered(&registry, log_lines_dropped),
            registry,
        }
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    counter: prometheus::Result<C>,
) -> C {
    let counter = counter.expect("names and labels are fixed");
    registry.register(Box::new(counter.clone())).expect("each name stands once");
    counter
}

/// All of it.
pub(super) fn gather() -> Vec<MetricFamily> {
    COUNTERS.registry.gather()
}

/// Middleware: how long every request took, and how it was answered.
///
/// # Errors
/// None of its own.
pub async fn measure<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let begun = Instant::now();
    let method = method(req.method());
    // The address itself may hold a token, and anybody can make up any number of them.
    let route = route(&req);
    let outcome = next.call(req).await;
    let status = match &outcome {
        Ok(answer) => answer.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    COUNTERS
        .requests
        .with_label_values(&[method, route.as_deref().unwrap_or("unknown"), class(status.as_u16())])
        .observe(begun.elapsed().as_secs_f64());
    outcome
}

fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// A message of a store, or a report by the API, was handed to the intake.
pub fn delivery(platform: Platform, outcome: &AppResult<Outcome>) {
    let word = match outcome {
        Ok(Outcome::TakenIn { .. }) => "taken_in",
        Ok(Outcome::Outdated { .. }) => "outdated",
        Ok(Outcome::Waiting) => "waiting",
        Ok(Outcome::Noted) => "noted",
        Ok(Outcome::Repeated) => "repeated",
        Ok(Outcome::Conflict { .. }) => "conflict",
        Ok(Outcome::Failed) => "failed",
        Err(_) => "not_kept",
    };
    COUNTERS.deliveries.with_label_values(&[platform.as_str(), word]).inc();
    if let Ok(outcome) = outcome {
        credits(outcome);
    }
}

/// A message that its store has not signed.
pub fn refused_delivery(platform: Platform) {
    COUNTERS.deliveries.with_label_values(&[platform.as_str(), "refused"]).inc();
}

/// What an order that was taken in credited.
pub fn credits(outcome: &Outcome) {
    if let Outcome::TakenIn { credited, .. } = outcome {
        COUNTERS.credits.inc_by(*credited);
    }
}

/// A try to bring a code into a store; one that is still queued has had no answer.
pub fn push(platform: Platform, status: PushStatus) {
    let word = if status == PushStatus::Queued { "unanswered" } else { status.as_str() };
    COUNTERS.pushes.with_label_values(&[platform.as_str(), word]).inc();
}

/// A try to hand a letter to the mail server.
pub fn letter(outcome: &str) {
    COUNTERS.letters.with_label_values(&[outcome]).inc();
}

/// A security event; `security::note` is the only caller.
pub(super) fn security_event(kind: Kind) {
    COUNTERS.security_events.with_label_values(&[kind.as_str()]).inc();
}

/// A thread of the process panicked.
pub fn thread_died(name: &str) {
    COUNTERS.thread_deaths.with_label_values(&[name]).inc();
}

/// A line of the log was lost.
pub fn log_line_dropped() {
    COUNTERS.log_lines_dropped.inc();
}
