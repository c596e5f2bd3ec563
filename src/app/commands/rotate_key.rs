//! `vouch rotate-key`

use diesel::PgConnection;
use secrecy::SecretBox;

use super::database::with_connection;
use crate::app::instance::key::{self, KeyError};
use crate::features::stores::Reencrypted;
use crate::kit::config::{self, Config, NextKey};
use crate::kit::console::say;
use crate::kit::db::Source;

/// Where the new key comes from.
#[derive(clap::Args)]
pub struct RotateKeyArguments {
    /// The new key, where the present one is given as `VOUCH_SECRET_KEY`: 32 bytes, hexadecimal or
    /// base64
    #[arg(long, env = "VOUCH_NEW_SECRET_KEY", hide_env_values = true)]
    new_secret_key: Option<String>,
    /// The key that the secrets are encrypted with is lost for good: go on with a new one, and enter
    /// them again
    #[arg(long)]
    key_lost: bool,
}

pub(super) fn run(config: &Config, arguments: &RotateKeyArguments) -> anyhow::Result<()> {
    let typed = arguments.new_secret_key.as_deref();
    if !config::is_kept(&config.secret_key, &config.data_dir) {
        let Some(typed) = typed else {
            anyhow::bail!(
                "the present key is given as VOUCH_SECRET_KEY, so give the new one as VOUCH_NEW_SECRET_KEY"
            );
        };
        let new = config::given_key("VOUCH_NEW_SECRET_KEY", typed)?;
        say(rotate(config, &new, arguments.key_lost)?);
        say!("Now set VOUCH_SECRET_KEY to the new key, and start Vouch again.");
        return Ok(());
    }
    if typed.is_some() {
        anyhow::bail!(
            "the key is kept in the data folder, where a new one is made: leave VOUCH_NEW_SECRET_KEY out"
        );
    }
    // Kept beside the present key before anything is encrypted with it: whatever breaks off, one of
    // the two opens every secret, and the command run again comes to its end.
    let next = NextKey::prepare(&config.data_dir)?;
    match rotate(config, next.key(), arguments.key_lost) {
        Ok(done) => say(done),
        // Where it's unknown whether anything was encrypted with it, it stays.
        Err(error) if error.is::<KeyError>() => {
            next.discard_new();
            return Err(error);
        }
        Err(error) => return Err(error),
    }
    next.take_over()?;
    say!("The new key is in the data folder. Start every Vouch of this installation again.");
    Ok(())
}

fn rotate(
    config: &Config,
    new: &SecretBox<[u8; 32]>,
    is_lost: bool,
) -> anyhow::Result<Reencrypted> {
    let work = |conn: &mut PgConnection| Ok(key::rotate(conn, config, new, is_lost)??);
    with_connection(config, Source::url, work)
}

fn say(done: Reencrypted) {
    say!("Secrets of stores encrypted with the new key: {}.", done.reencrypted + done.already);
    if done.unreadable > 0 {
        say!(
            "{} open with neither key and stay as they are: enter them again in the settings; \
             `vouch doctor` says of which stores.",
            done.unreadable
        );
    }
    say!("Everybody has to sign in again, and a link to the first-run page is another one.");
}
