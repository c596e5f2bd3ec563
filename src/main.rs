//! `vouch`: the command line, the settings, then the command.

use std::process::ExitCode;

use clap::Parser;
use vouch::app::commands::Command;
use vouch::kit::config::{Config, Settings};
use vouch::kit::log;

/// Self-hosted affiliate programs that run on coupon codes.
#[derive(Parser)]
#[command(version)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    vouch::kit::os::return_memory();
    let CommandLine { settings, command } = CommandLine::parse();
    let config = Config::load(settings);
    let _log = config.as_ref().ok().map(log::start);
    command.unwrap_or_default().run(config)
}
