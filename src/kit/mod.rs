//! What features share. Knows none of them.

/// Who did what: the append-only record that a merchant can read.
pub mod audit;
/// The wall clock, in one place, so that everything else is told the time.
pub mod clock;
/// The settings of an installation.
pub mod config;
pub(crate) mod console;
/// What this process has done since its start, counted.
pub(crate) mod counters;
/// Facts with dates: what was in force when.
pub mod dated;
/// The only door to a database connection.
pub mod db;
/// Letters: posted with what they tell of, sent by the workers.
pub mod email;
/// What can go wrong at the edge, and the page that says so.
pub mod error;
/// How often something may happen, per key.
pub mod limiter;
/// The log: lines that can be lost, and never hold anything up.
pub mod log;
/// The few system calls that the standard library does not have.
pub mod os;
/// Pseudonyms of people who were erased.
pub mod pseudonyms;
/// What is known of the request that is being answered.
pub mod request;
/// Secrets at rest: sealed with the installation's key.
pub mod secrets;
/// Security events: a line of the log each.
pub mod security;
/// What the session of a browser holds.
pub mod session;
/// What is to be done for stores in the background.
pub mod store_jobs;
/// Threads that are started again when they panic.
pub mod supervise;
/// Addresses that are linked from more than one place.
pub mod urls;
/// What pages share: layout data, forms, paging, static files, headers.
pub mod web;
