//! Bulk upload: conversion triggers from a CSV file, first reviewed, then created in
//! portions.

mod check;
mod choice;
mod columns;
mod complete;
mod file;
pub(crate) mod handlers;
mod model;
mod parse;
mod row;
mod run;
mod text;

pub(crate) use check::{CheckedRow, ImportCounts, RowStatus, check};
pub(crate) use choice::ImportDecisions;
pub(crate) use complete::{Completed, complete};
pub use file::read;
pub(crate) use model::{Import, rows, skipped_rows, waiting_count};
pub(crate) use model::{NEWEST, page};
pub use model::{open, sweep};
pub(crate) use row::ImportRow;
pub use row::Problem;
pub use run::{PORTION, drain, run_due};
