//! Tests of attribution and commission: single rules first, then their laws.

mod attribution;
mod commission;
mod fixtures;
mod laws;
mod payments;
mod text;
