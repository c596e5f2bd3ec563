//! The only door to a connection.

pub mod embedded;
pub mod migrate;
