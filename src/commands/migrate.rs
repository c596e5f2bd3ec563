//! `vouch migrate`

use crate::config::Config;
use crate::db::Source;
use crate::db::migrate::run_pending;

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let source = Source::open(config)?;
    let applied = run_pending(source.url())?;
    for name in &applied {
        println!("Applied {name}.");
    }
    println!("The database is up to date.");
    Ok(())
}
