mod commands;
mod embedded;
mod harness;
mod look;
mod schema;
