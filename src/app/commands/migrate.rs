//! `vouch migrate`

use super::database::bring_up_to_date;
use super::text;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::Source;
use crate::kit::db::connect::ConnectRetry;

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let source = Source::open(config)?;
    let applied = bring_up_to_date(&source, &ConnectRetry::default())?;
    for name in &applied {
        say!("{}", text::migration_applied(name));
    }
    say!("{}", text::UP_TO_DATE);
    Ok(())
}
