mod commands;
mod embedded;
mod harness;
mod intake;
mod look;
mod schema;
mod triggers;
