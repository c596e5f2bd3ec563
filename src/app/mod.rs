//! What connects the features: routes, the server, workers and commands.

/// The command line.
pub mod commands;
/// Demo programs.
pub mod demo;
pub mod instance;
/// Monitoring: readiness and metrics.
pub mod operations;
/// Recalculates stored keys when their rules change.
pub mod rekey;
pub mod routes;
pub mod server;
/// Background work.
pub mod workers;
