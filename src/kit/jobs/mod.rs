//! Background jobs: one queue table for every kind, enqueued in the transaction of what they're for.
//!
//! ```text
//! jobs::enqueue(conn, &queue, &["42"], now)?;
//! ```
//!
//! Jobs of one queue (a kind, of one merchant and maybe one store) run one after the other, queues run
//! side by side: see docs/jobs.md. The app registers who runs which kind.

mod claim;
mod job;
mod kind;
mod pool;
mod problem;
mod queue;
mod run;

pub use self::job::{Finish, Job};
pub(crate) use self::kind::backoff;
pub use self::kind::{JobKind, Priority};
pub use self::pool::{JobRunner, Registry, WorkerPool, drain};
pub use self::problem::QueueProblem;
pub use self::queue::{Queue, enqueue, enqueue_with, sweep};
pub(crate) use self::queue::{cancel, find, last_problem, unpause, wake, wake_store};
pub use self::run::{Ending, Run, RunError};
