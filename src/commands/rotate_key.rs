//! `vouch rotate-key`

use secrecy::SecretBox;

use super::with_database;
use crate::auth::two_factor;
use crate::config::{self, Config, NextKey};
use crate::console::say;
use crate::db::{Scope, in_scope};
use crate::mail;
use crate::pseudonyms;
use crate::secrets::Sealer;
use crate::stores::{Resealed, reseal_secrets};

/// Where the new key comes from.
#[derive(clap::Args)]
pub struct Arguments {
    /// The new key, where the present one is given as `VOUCH_SECRET_KEY`: 32 bytes, hexadecimal or
    /// base64
    #[arg(long, env = "VOUCH_NEW_SECRET_KEY", hide_env_values = true)]
    new_secret_key: Option<String>,
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<()> {
    let typed = arguments.new_secret_key.as_deref();
    if !config::is_kept(&config.secret_key, &config.data_dir) {
        let Some(typed) = typed else {
            anyhow::bail!(
                "the present key is given as VOUCH_SECRET_KEY, so give the new one as VOUCH_NEW_SECRET_KEY"
            );
        };
        say(reseal(config, &config::given_key("VOUCH_NEW_SECRET_KEY", typed)?)?);
        say!("Now set VOUCH_SECRET_KEY to the new key, and start Vouch again.");
        return Ok(());
    }
    if typed.is_some() {
        anyhow::bail!(
            "the key is kept in the data folder, where a new one is made: leave VOUCH_NEW_SECRET_KEY out"
        );
    }
    // Kept beside the present key before anything is sealed with it: whatever breaks off, one of
    // the two opens every secret, and the command run again comes to its end.
    let next = NextKey::prepare(&config.data_dir)?;
    say(reseal(config, next.key())?);
    next.take_over()?;
    say!("The new key is in the data folder. Start every Vouch of this installation again.");
    Ok(())
}

fn reseal(config: &Config, key: &SecretBox<[u8; 32]>) -> anyhow::Result<Resealed> {
    let (old, new) = (Sealer::new(&config.secret_key), Sealer::new(key));
    with_database(config, |conn| {
        Ok(in_scope(conn, Scope::Installation, |conn| {
            mail::reseal_links(conn, &old, &new)?;
            pseudonyms::reseal(conn, &old, &new)?;
            two_factor::reseal(conn, &old, &new)?;
            reseal_secrets(conn, &old, &new)
        })?)
    })
}

fn say(done: Resealed) {
    say!("Secrets of stores sealed with the new key: {}.", done.resealed + done.already);
    if done.unreadable > 0 {
        say!(
            "{} open with neither key and stay as they are: enter them again in the settings; \
             `vouch doctor` says of which stores.",
            done.unreadable
        );
    }
    say!("Everybody has to sign in again, and a link to the first-run page is another one.");
}
