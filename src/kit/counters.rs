//! Prometheus counters of this process. They're incremented where the event happens, after the
//! commit.

use std::sync::LazyLock;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

/// From an index lookup to a timeout of the client, in seconds.
const BUCKETS: [f64; 9] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The outcomes of a delivery, a push and an email.
const DELIVERED: [&str; 9] = [
    "processed",
    "outdated",
    "waiting",
    "ignored",
    "repeated",
    "conflict",
    "failed",
    "refused",
    "not_stored",
];
/// Outcomes of a delivery with their former names, which are counted too until the next release.
const RENAMED: [(&str, &str); 3] =
    [("processed", "taken_in"), ("ignored", "noted"), ("not_stored", "not_kept")];
const PUSHED: [&str; 4] = ["pushed", "in_store", "failed", "unanswered"];
const SENT: [&str; 4] = ["delivered", "later", "refused", "unreachable"];

const SENT_HELP: &str = "Attempts to send an email, by outcome. delivered: accepted by the mail \
     server. later: refused for now and retried. refused: failed permanently. unreachable: the mail \
     server didn't answer.";

const ATTEMPTED: [&str; 4] = ["completed", "retried", "dead_lettered", "released"];

static COUNTERS: LazyLock<Counters> = LazyLock::new(Counters::new);

struct Counters {
    registry: Registry,
    requests: HistogramVec,
    deliveries: IntCounterVec,
    credits: IntCounter,
    pushes: IntCounterVec,
    emails: IntCounterVec,
    letters: IntCounterVec,
    jobs: IntCounterVec,
    security_events: IntCounterVec,
    thread_deaths: IntCounterVec,
    log_lines_dropped: IntCounter,
}

impl Counters {
    fn new() -> Self {
        let registry = Registry::new();
        let requests = HistogramOpts::new(
            "vouch_http_request_duration_seconds",
            "Time until the response started, by method, route and status class.",
        );
        let of = |name, help, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels);
            registered(&registry, counter)
        };
        let deliveries = of(
            "vouch_deliveries_total",
            "Store webhooks and order reports by the API, by platform and outcome. processed: \
             the order is up to date. outdated: no change, because a newer report was stored. \
             waiting: stored until the order is fetched. ignored: no order data. repeated: already \
             processed. conflict: another report has the same time. failed: stored but not \
             processed. refused: wrong signature. not_stored: answered with 503, so the sender \
             retries. taken_in, noted and not_kept: former names of processed, ignored and \
             not_stored, counted too until the next release.",
            &["platform", "outcome"],
        );
        let pushes = of(
            "vouch_pushes_total",
            "Attempts to create a code in a store, by platform and outcome. pushed: created. in_store: \
             the store already had the code. failed: no more retries. unanswered: will be retried.",
            &["platform", "outcome"],
        );
        let emails = of("vouch_emails_total", SENT_HELP, &["outcome"]);
        let letters = of(
            "vouch_letters_total",
            "Former name of vouch_emails_total. It will be removed in the next release.",
            &["outcome"],
        );
        let jobs = of(
            "vouch_jobs_total",
            "Attempts at background jobs, by kind and outcome. completed: done. retried: failed and \
             will be retried. dead_lettered: failed permanently. released: will be retried, and \
             the attempt doesn't count.",
            &["kind", "outcome"],
        );
        let security_events =
            of("vouch_security_events_total", "Security events, by event.", &["event"]);
        let thread_deaths = of(
            "vouch_thread_deaths_total",
            "Threads that crashed and were restarted, by thread.",
            &["thread"],
        );
        let log_lines_dropped =
            IntCounter::new("vouch_log_lines_dropped_total", "Log lines that couldn't be written.");
        let credits = IntCounter::new(
            "vouch_credits_total",
            "Conversions created from webhooks, order reports and order imports.",
        );
        let requests =
            HistogramVec::new(requests.buckets(BUCKETS.to_vec()), &["method", "route", "status"]);
        Self {
            requests: registered(&registry, requests),
            deliveries,
            credits: registered(&registry, credits),
            pushes,
            emails,
            letters,
            jobs,
            security_events,
            thread_deaths,
            log_lines_dropped: registered(&registry, log_lines_dropped),
            registry,
        }
    }
}

/// Label values that other modules define.
pub(crate) struct Labels {
    /// The senders of deliveries and order reports.
    pub(crate) senders: Vec<&'static str>,
    /// The platforms whose stores receive codes.
    pub(crate) stores: Vec<&'static str>,
    /// The kinds of background jobs.
    pub(crate) jobs: Vec<&'static str>,
    /// The kinds of security events.
    pub(crate) security_events: Vec<&'static str>,
}

/// Creates every series with zero, so that an alert sees the first failure as a change.
pub(crate) fn begin_at_zero(labels: &Labels) {
    let former = RENAMED.map(|(_, former)| former);
    for (sender, outcome) in
        pairs(&labels.senders, &DELIVERED).chain(pairs(&labels.senders, &former))
    {
        COUNTERS.deliveries.with_label_values(&[sender, outcome]);
    }
    for (store, outcome) in pairs(&labels.stores, &PUSHED) {
        COUNTERS.pushes.with_label_values(&[store, outcome]);
    }
    for outcome in SENT {
        COUNTERS.emails.with_label_values(&[outcome]);
        COUNTERS.letters.with_label_values(&[outcome]);
    }
    for (kind, outcome) in pairs(&labels.jobs, &ATTEMPTED) {
        COUNTERS.jobs.with_label_values(&[kind, outcome]);
    }
    for event in &labels.security_events {
        COUNTERS.security_events.with_label_values(&[*event]);
    }
}

fn pairs<'a>(
    firsts: &'a [&'static str],
    seconds: &'a [&'static str],
) -> impl Iterator<Item = (&'static str, &'static str)> {
    firsts.iter().flat_map(|first| seconds.iter().map(|second| (*first, *second)))
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    counter: prometheus::Result<C>,
) -> C {
    let counter = counter.expect("names and labels are fixed");
    registry.register(Box::new(counter.clone())).expect("each name stands once");
    counter
}

/// Collects all metrics.
pub(crate) fn gather() -> Vec<MetricFamily> {
    COUNTERS.registry.gather()
}

/// Counts a request that was answered after `seconds`.
pub(crate) fn request(method: &'static str, route: &str, status: &'static str, seconds: f64) {
    COUNTERS.requests.with_label_values(&[method, route, status]).observe(seconds);
}

/// Counts a webhook, or a report by the API, that was passed to the order intake.
pub(crate) fn delivery(platform: &str, outcome: &str) {
    COUNTERS.deliveries.with_label_values(&[platform, outcome]).inc();
    for (_, former) in RENAMED.iter().filter(|(name, _)| *name == outcome) {
        COUNTERS.deliveries.with_label_values(&[platform, former]).inc();
    }
}

/// Counts a webhook without a valid signature of its store.
pub(crate) fn refused_delivery(platform: &str) {
    delivery(platform, "refused");
}

/// Counts affiliates that were newly credited for an order.
pub(crate) fn credits(affiliates: u64) {
    COUNTERS.credits.inc_by(affiliates);
}

/// Counts an attempt to create a code in a store.
pub(crate) fn push(platform: &str, outcome: &str) {
    COUNTERS.pushes.with_label_values(&[platform, outcome]).inc();
}

/// Counts an attempt to pass an email to the mail server.
pub(crate) fn email(outcome: &str) {
    COUNTERS.emails.with_label_values(&[outcome]).inc();
    COUNTERS.letters.with_label_values(&[outcome]).inc();
}

/// An attempt at a background job ended.
pub(crate) fn job(kind: &str, outcome: &str) {
    COUNTERS.jobs.with_label_values(&[kind, outcome]).inc();
}

/// Counts a security event. Only `security::note` calls this.
pub(crate) fn security_event(kind: &str) {
    COUNTERS.security_events.with_label_values(&[kind]).inc();
}

/// Counts a panic of a thread.
pub(crate) fn thread_died(name: &str) {
    COUNTERS.thread_deaths.with_label_values(&[name]).inc();
}

/// Counts a lost line of the log.
pub(crate) fn log_line_dropped() {
    COUNTERS.log_lines_dropped.inc();
}
