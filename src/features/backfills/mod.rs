//! Imports orders from the store, because webhooks can get lost. It regularly imports what changed,
//! and it imports a period when a member requests that.
//!
//! An order may arrive by both import and webhook. The result is the same.

pub(crate) mod handlers;
mod model;
mod run;
mod text;

pub(crate) use self::run::run;
