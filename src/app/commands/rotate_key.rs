//! `vouch rotate-key`

use diesel::PgConnection;
use secrecy::SecretBox;

use super::database::with_connection;
use super::text;
use crate::app::instance::key::{self, KeyError};
use crate::features::stores::Reencrypted;
use crate::kit::config::{self, Config, NextKey};
use crate::kit::console::say;
use crate::kit::db::Source;

/// Where the new key comes from.
#[derive(clap::Args)]
pub struct RotateKeyArguments {
    /// The new key, if the current one comes from VOUCH_SECRET_KEY (32 bytes, hexadecimal or base64)
    #[arg(long, env = "VOUCH_NEW_SECRET_KEY", hide_env_values = true)]
    new_secret_key: Option<String>,
    /// Switch to the new key even if the current one is lost. Secrets must be entered again
    #[arg(long)]
    key_lost: bool,
}

pub(super) fn run(config: &Config, arguments: &RotateKeyArguments) -> anyhow::Result<()> {
    let typed = arguments.new_secret_key.as_deref();
    if !config::is_kept(&config.secret_key, &config.data_dir) {
        let Some(typed) = typed else {
            anyhow::bail!(text::NEW_KEY_NEEDED);
        };
        let new = config::given_key("VOUCH_NEW_SECRET_KEY", typed)?;
        say(rotate(config, &new, arguments.key_lost)?);
        say!("{}", text::SET_NEW_KEY);
        return Ok(());
    }
    if typed.is_some() {
        anyhow::bail!(text::NEW_KEY_NOT_NEEDED);
    }
    // Saved beside the current key before anything is encrypted with it. After an interruption one of
    // the two decrypts every secret, and running the command again finishes the rotation.
    let next = NextKey::prepare(&config.data_dir)?;
    match rotate(config, next.key(), arguments.key_lost) {
        Ok(done) => say(done),
        // The new key stays if it's unknown whether anything was encrypted with it.
        Err(error) if error.is::<KeyError>() => {
            next.discard_new();
            return Err(error);
        }
        Err(error) => return Err(error),
    }
    next.take_over()?;
    say!("{}", text::START_WITH_NEW_KEY);
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
    say!("{}", text::key_rotated(done.reencrypted + done.already, done.unreadable));
}
