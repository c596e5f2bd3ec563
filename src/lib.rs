//! Vouch: affiliate programs that run on coupon codes.
//!
//! The module map. Dependencies point down, and `tests/architecture.rs` checks that:
//!
//! | | |
//! | --- | --- |
//! | [`app`] | routes, server, workers, commands, demo data: connects the features |
//! | [`features`] | one module per noun: its model, forms and handlers |
//! | [`kit`] | shared code of the features: database, jobs, email, web, errors |
//! | `crates/platforms` | one folder per store platform |
//! | `crates/core` | domain rules: codes, money, orders, attribution. No SQL, HTTP or clock |
//!
//! * A page: `app/routes.rs` maps its path to the handler; its template has the feature's name.
//! * Attribution: `crates/core/src/attribution`. Order processing: `features/ingest`.
//! * Background jobs: `app/workers.rs` lists them all. Commands: `app/commands`.
//! * Tables: `kit/db/schema.rs`, which is generated from `migrations`.

// These macros panic on a closed pipe; `console` doesn't.
#![warn(clippy::print_stdout, clippy::print_stderr)]

// Templates refer to items of this crate by its name.
extern crate self as vouch;

/// Routes, the server, the workers, the commands.
pub mod app;
/// One module per noun of the product.
pub mod features;
/// Shared code that doesn't depend on any feature.
pub mod kit;
