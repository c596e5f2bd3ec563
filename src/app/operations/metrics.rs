use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, Opts, TextEncoder};
use tokio::sync::Mutex;
use tokio::time::timeout;
use vouch_core::platform::Platform;
use vouch_platforms::PROVIDERS;

use super::queues::{self, QueueBacklog};
use crate::app::workers;
use crate::features::privacy::retention;
use crate::kit::clock;
use crate::kit::config::InstanceRetention;
use crate::kit::counters::{self, Labels};
use crate::kit::db::{Db, Scope, WorkKind};
use crate::kit::error::{AppError, AppResult};
use crate::kit::os;
use crate::kit::security::Kind;

/// The queues are read at most this often, however many clients scrape.
const FRESH: Duration = Duration::from_secs(5);
/// The timeout for the database.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The backlog of the background work.
#[derive(Clone)]
struct Backlog {
    queues: Vec<QueueBacklog>,
    /// Rows beyond their retention period, by kind.
    overdue: Vec<(String, i64)>,
    /// Jobs that were dead-lettered, by kind.
    dead_jobs: Vec<(String, i64)>,
}

/// The source of `/metrics`.
pub struct Metrics {
    db: Db,
    keep: InstanceRetention,
    started_at: DateTime<Utc>,
    /// `None` if the database didn't respond.
    queues: Mutex<Option<(Instant, Option<Backlog>)>>,
}

impl Metrics {
    /// Metrics of a process that starts now and uses `db`.
    #[must_use]
    pub(crate) fn new(db: Db, keep: InstanceRetention) -> Self {
        counters::begin_at_zero(&Labels {
            senders: Platform::ALL.iter().map(|platform| platform.as_str()).collect(),
            stores: PROVIDERS.iter().map(|provider| provider.platform().as_str()).collect(),
            jobs: workers::kinds().map(|kind| kind.name).collect(),
            security_events: Kind::ALL.iter().map(|kind| kind.as_str()).collect(),
        });
        Self { db, keep, started_at: clock::now(), queues: Mutex::new(None) }
    }

    /// All metrics in Prometheus' text format.
    pub(super) async fn render(&self) -> AppResult<String> {
        let queues = self.queues().await;
        let mut families = counters::gather();
        families.extend(self.of_process());
        families.extend(self.of_connections());
        families.extend(one(
            "vouch_database_up",
            "1 if the database responded when the queues were last read, else 0.",
            f64::from(u8::from(queues.is_some())),
        ));
        families.extend(queues.iter().flat_map(|waiting| of_queues(&waiting.queues)));
        families.extend(queues.iter().flat_map(|waiting| of_retention(&waiting.overdue)));
        families.extend(queues.iter().flat_map(|waiting| of_dead_jobs(&waiting.dead_jobs)));
        TextEncoder::new()
            .encode_to_string(&families)
            .map_err(|error| AppError::Internal(error.into()))
    }

    async fn queues(&self) -> Option<Backlog> {
        let mut last = self.queues.lock().await;
        if let Some((_, queues)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return queues.clone();
        }
        let keep = self.keep;
        let reading = self.db.run_as(WorkKind::Job, Scope::Instance, move |conn| {
            let queues = queues::read(conn, clock::now())?;
            let overdue = retention::overdue(conn, keep, clock::now())?;
            let dead_jobs = queues::dead_jobs(conn)?;
            QueryResult::Ok(Backlog { queues, overdue, dead_jobs })
        });
        let queues = match timeout(TIMEOUT, reading).await {
            Ok(Ok(queues)) => Some(queues),
            Ok(Err(error)) => {
                tracing::warn!(%error, "queue_metrics_failed");
                None
            }
            Err(_) => None,
        };
        *last = Some((Instant::now(), queues.clone()));
        queues
    }

    fn of_process(&self) -> Vec<MetricFamily> {
        let mut families = by(
            "version",
            "vouch_build_info",
            "The running version. The value is always 1.",
            [(env!("CARGO_PKG_VERSION"), 1.0)],
        );
        families.extend(one(
            "process_start_time_seconds",
            "Start time of the process, in seconds since 1970-01-01.",
            self.started_at.timestamp() as f64,
        ));
        families.extend(os::resident_bytes().into_iter().flat_map(|bytes| {
            one(
                "process_resident_memory_bytes",
                "Resident memory of the process, in bytes, without the database server.",
                bytes as f64,
            )
        }));
        families
    }

    fn of_connections(&self) -> Vec<MetricFamily> {
        let pools = self.db.pools();
        let mut families = by(
            "pool",
            "vouch_database_connections_in_use",
            "Database connections in use, by pool.",
            pools.map(|pool| (pool.limits().name, f64::from(pool.in_use()))),
        );
        families.extend(by(
            "pool",
            "vouch_database_connections_max",
            "Maximum number of database connections, by pool.",
            pools.map(|pool| (pool.limits().name, f64::from(pool.max_size()))),
        ));
        families
    }
}

/// Queues and their former names, which are reported for one release.
const FORMER_QUEUES: [(&str, &str); 2] =
    [("emails", "letters"), ("recalculations_failed", "recalculations_parked")];

fn of_queues(queues: &[QueueBacklog]) -> Vec<MetricFamily> {
    let former = |queue: &QueueBacklog| {
        FORMER_QUEUES.iter().find(|(is, _)| *is == queue.name).map(|(_, was)| *was)
    };
    let named: Vec<(&str, &QueueBacklog)> = queues
        .iter()
        .flat_map(|queue| {
            std::iter::once(queue.name.as_str()).chain(former(queue)).map(move |name| (name, queue))
        })
        .collect();
    let mut families = by(
        "queue",
        "vouch_queue_waiting",
        "Items waiting for the background workers of the instance, by queue. Queues that end with _failed need manual action.",
        named.iter().map(|(name, queue)| (*name, queue.waiting as f64)),
    );
    families.extend(by(
        "queue",
        "vouch_queue_oldest_seconds",
        "Age of the oldest waiting item in seconds, by queue. 0 if the queue is empty.",
        named.iter().map(|(name, queue)| (*name, queue.oldest)),
    ));
    families
}

fn of_dead_jobs(dead: &[(String, i64)]) -> Vec<MetricFamily> {
    let number = |kind: &str| dead.iter().find(|(name, _)| name == kind).map_or(0, |(_, n)| *n);
    by(
        "kind",
        "vouch_jobs_dead_lettered",
        "Background jobs that failed permanently and aren't retried automatically, by kind.",
        workers::kinds().map(|kind| (kind.name, number(kind.name) as f64)),
    )
}

fn of_retention(overdue: &[(String, i64)]) -> Vec<MetricFamily> {
    by(
        "kind",
        "vouch_retention_overdue",
        "Rows that are more than a day past their retention period, by kind.",
        overdue.iter().map(|(name, rows)| (name.as_str(), *rows as f64)),
    )
}

/// A gauge with its current value.
fn one(name: &str, help: &str, value: f64) -> Vec<MetricFamily> {
    let gauge = Gauge::new(name, help).expect("names are fixed");
    gauge.set(value);
    gauge.collect()
}

/// Several gauges, distinguished by `label`.
fn by<'a>(
    label: &str,
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (&'a str, f64)>,
) -> Vec<MetricFamily> {
    let gauges = GaugeVec::new(Opts::new(name, help), &[label]).expect("names are fixed");
    for (of, value) in samples {
        gauges.with_label_values(&[of]).set(value);
    }
    gauges.collect()
}
