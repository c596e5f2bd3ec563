//! Shared code of all features. It doesn't depend on any feature.

/// The append-only audit log of a merchant.
pub mod audit;
/// The only place that reads the clock.
pub mod clock;
/// The settings of an instance.
pub mod config;
pub(crate) mod console;
/// Counters of this process since its start.
pub(crate) mod counters;
/// Dated facts: which value was active at which time.
pub mod dated;
/// The only access to database connections.
pub mod db;
/// Emails: queued with the change that they report, sent by workers.
pub mod email;
/// Errors of handlers and their status codes.
pub mod error;
/// Background jobs: the queue and the worker pool.
pub mod jobs;
/// Rate limits per key.
pub(crate) mod limiter;
/// Lists: filters in the address, keyset pages, counts, CSV files.
pub(crate) mod lists;
/// The log. Lines can be lost, but logging never blocks.
pub mod log;
/// System calls that the standard library doesn't have.
pub mod os;
/// Pseudonyms of erased users.
pub mod pseudonyms;
/// Facts about the current request.
pub(crate) mod request;
/// Secrets, encrypted with the instance's key.
pub mod secrets;
/// Security events, one log line each.
pub mod security;
/// The contents of a browser session.
pub mod session;
/// Texts that rows store as a code with parameters.
pub mod stored_text;
/// Threads that are restarted when they panic.
pub mod supervise;
/// URLs that several places link to.
pub mod urls;
/// Shared code of pages: layout data, forms, pagination, static files, headers.
pub mod web;
