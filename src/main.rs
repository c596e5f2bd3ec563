//! `vouch`: the command line, the settings, then the command.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use vouch::commands::Command;
use vouch::config::{Config, LogFormat, Settings};

/// Runs affiliate programs that work with coupon codes.
#[derive(Parser)]
#[command(version)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    vouch::os::return_memory();
    let CommandLine { settings, command } = CommandLine::parse();
    let config = Config::load(settings);
    if let Ok(config) = &config {
        start_log(config);
    }
    command.unwrap_or_default().run(config)
}

/// The log goes to the standard error: what commands answer stays apart from it.
fn start_log(config: &Config) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&config.log_filter))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
