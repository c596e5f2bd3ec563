//! `vouch migrate`

use super::database::bring_up_to_date;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::Source;
use crate::kit::db::connect::ConnectRetry;

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let source = Source::open(config)?;
    let applied = bring_up_to_date(&source, &ConnectRetry::default())?;
    for name in &applied {
        say!("Applied {name}.");
    }
    say!("The database is up to date.");
    Ok(())
}
