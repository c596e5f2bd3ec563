//! Which secret key the rows are encrypted with. The database stores its fingerprint. So no process
//! uses a different key, and the key is never rotated while a process serves.
//!
//! A transaction-level lock, which works behind poolers, separates the two: starting processes
//! share it, a rotation holds it exclusively.

use std::fmt;
use std::path::PathBuf;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use secrecy::{ExposeSecret, SecretBox};

use super::process::{GONE_AFTER_SECONDS, ServerProcess, serving};
use crate::features::auth::two_factor;
use crate::features::emails;
use crate::features::stores::{self, Reencrypted, reencrypt_secrets};
use crate::kit::clock;
use crate::kit::config::{self, Config, NextKey, SECRET_KEY_FILE, UnusedKey};
use crate::kit::db::schema::instance_key;
use crate::kit::db::statement::statement;
use crate::kit::db::{Scope, in_scope};
use crate::kit::pseudonyms;
use crate::kit::secrets::{Encryptor, derive};
use crate::kit::web::numbers::counted;

/// The advisory lock of the key: "vouckey" in ASCII.
const LOCK: i64 = 0x76_6f75_636b_6579;
const FINGERPRINT: &[u8] = b"vouch: fingerprint of the secret key, version 1";
const FINGERPRINT_BYTES: usize = 16;

/// Why the key can't be used or rotated.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeyError {
    /// The key file is gone, but the database has secrets encrypted with a key.
    Missing {
        /// The expected key file.
        file: String,
        /// How many secrets are encrypted.
        secrets: usize,
    },
    /// The configured key isn't the one the secrets are encrypted with.
    Wrong {
        /// Where the right key file belongs.
        file: String,
        /// How many secrets are encrypted.
        secrets: usize,
    },
    /// Every secret is encrypted with the next key, but that key file isn't in place yet.
    BrokenOff,
    /// A rotation holds the lock.
    BeingRotated,
    /// A rotation would leave a running process with the old key.
    Serving(ServerProcess),
    /// A process is starting, or another rotation is running.
    Busy,
}

impl KeyError {
    /// The problem.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Missing { file, secrets } => {
                let secrets = counted(*secrets, "secret", "secrets");
                format!("{file} is missing, and the database has {secrets} encrypted with its key")
            }
            Self::Wrong { secrets, .. } => {
                let secrets = counted(*secrets, "secret", "secrets");
                format!("the database has {secrets} encrypted with another key")
            }
            Self::BrokenOff => "a key rotation was interrupted".to_owned(),
            Self::BeingRotated => "the secret key is being rotated".to_owned(),
            Self::Serving(process) => format!(
                "stop every Vouch process of this instance first ({process} is still running)"
            ),
            Self::Busy => "Vouch is starting, or another `vouch rotate-key` is running".to_owned(),
        }
    }

    /// What to do about it.
    pub(crate) fn next(&self) -> String {
        const IF_LOST: &str =
            "If the key is lost, run `vouch rotate-key --key-lost` and enter the secrets again.";
        match self {
            Self::Missing { .. } => format!("Restore the key file from your backup. {IF_LOST}"),
            Self::Wrong { file, .. } => {
                format!(
                    "Set VOUCH_SECRET_KEY to the right key, or restore {file} from your backup. {IF_LOST}"
                )
            }
            Self::BrokenOff => "Run `vouch rotate-key` to finish it.".to_owned(),
            Self::BeingRotated => "Start Vouch when `vouch rotate-key` has finished.".to_owned(),
            Self::Serving(_) => format!(
                "Then run `vouch rotate-key` again. A killed process counts as running for \
                 {GONE_AFTER_SECONDS} seconds."
            ),
            Self::Busy => "Try again in a moment.".to_owned(),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VOUCH_SECRET_KEY: {}. {}", self.detail(), self.next())
    }
}

impl std::error::Error for KeyError {}

/// How many secrets the database has, and how many of them this key can't decrypt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Secrets {
    all: usize,
    unreadable: usize,
}

impl Secrets {
    /// The caller holds `Scope::Instance`.
    fn check(conn: &mut PgConnection, encryptor: &Encryptor) -> QueryResult<Self> {
        let (of_stores, stuck_stores) = stores::check_secrets(conn, encryptor)?;
        let (of_people, stuck_people) = two_factor::check_secrets(conn, encryptor)?;
        let (of_links, stuck_links) = emails::check_links(conn, encryptor)?;
        let (of_pseudonyms, stuck_pseudonyms) = pseudonyms::check(conn, encryptor)?;
        Ok(Self {
            all: of_stores + of_people + of_links + of_pseudonyms,
            unreadable: stuck_stores.len() + stuck_people.len() + stuck_links + stuck_pseudonyms,
        })
    }
}

/// The database may store these 16 bytes, because the key can't be derived from them.
pub fn fingerprint(key: &SecretBox<[u8; 32]>) -> Vec<u8> {
    derive(key, FINGERPRINT).expose_secret()[..FINGERPRINT_BYTES].to_vec()
}

/// The fingerprint in the database; `None` before the first start of a version that stores it.
pub(super) fn recorded(conn: &mut PgConnection) -> QueryResult<Option<Vec<u8>>> {
    instance_key::table.select(instance_key::fingerprint).first(conn).optional()
}

/// Shares the lock with other serving processes until the transaction ends. Returns `false` if a
/// rotation holds it.
pub(super) fn share_lock(conn: &mut PgConnection) -> QueryResult<bool> {
    statement!("SELECT pg_try_advisory_xact_lock_shared(:lock)", lock: BigInt = LOCK)
        .scalar::<Bool>()
        .get_result(conn)
}

fn lock(conn: &mut PgConnection) -> QueryResult<bool> {
    statement!("SELECT pg_try_advisory_xact_lock(:lock)", lock: BigInt = LOCK)
        .scalar::<Bool>()
        .get_result(conn)
}

/// Whether the configured key is the one the database's secrets are encrypted with. It only reads.
/// The caller holds `Scope::Instance`.
pub(crate) fn judge(conn: &mut PgConnection, config: &Config) -> QueryResult<Result<(), KeyError>> {
    let held = recorded(conn)?;
    if held.as_ref() == Some(&fingerprint(&config.secret_key)) {
        return Ok(Ok(()));
    }
    let secrets = Secrets::check(conn, &Encryptor::new(&config.secret_key))?;
    // If the database has no fingerprint yet, it trusts the first key that decrypts a secret.
    let is_first = held.is_none() && secrets.unreadable < secrets.all;
    if secrets.all == 0 || is_first {
        return Ok(Ok(()));
    }
    Ok(Err(refusal(config, held.as_deref(), secrets.all)))
}

fn refusal(config: &Config, held: Option<&[u8]>, secrets: usize) -> KeyError {
    let next = NextKey::find(&config.data_dir);
    if next.is_some_and(|next| Some(fingerprint(next.key()).as_slice()) == held) {
        return KeyError::BrokenOff;
    }
    let file = key_file(config).display().to_string();
    match UnusedKey::find(&config.data_dir) {
        Some(_) if config::is_kept(&config.secret_key, &config.data_dir) => {
            KeyError::Missing { file, secrets }
        }
        _ => KeyError::Wrong { file, secrets },
    }
}

fn key_file(config: &Config) -> PathBuf {
    config.data_dir.join(SECRET_KEY_FILE)
}

/// Deletes a key that was generated because none was found but doesn't fit this database.
pub(crate) fn discard_unused(config: &Config) {
    if let Some(unused) = UnusedKey::find(&config.data_dir) {
        unused.discard();
    }
}

/// Whether a rotation was interrupted before it encrypted anything: the key file it created is
/// still there.
#[must_use]
pub(crate) fn is_rotation_left(config: &Config) -> bool {
    NextKey::find(&config.data_dir).is_some()
}

/// Records the configured key, if the database's secrets are encrypted with it or there are none.
/// The caller holds `Scope::Instance`.
pub(crate) fn take_into_use(
    conn: &mut PgConnection,
    config: &Config,
) -> QueryResult<Result<(), KeyError>> {
    if !share_lock(conn)? {
        return Ok(Err(KeyError::BeingRotated));
    }
    let judged = judge(conn, config)?;
    let is_kept = config::is_kept(&config.secret_key, &config.data_dir);
    match UnusedKey::find(&config.data_dir).filter(|_| is_kept) {
        Some(unused) if judged.is_err() => unused.discard(),
        Some(unused) => unused.take_into_use().map_err(unwritable)?,
        None => {}
    }
    if judged.is_ok() {
        record(conn, &config.secret_key)?;
    }
    Ok(judged)
}

fn unwritable(cause: std::io::Error) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(format!("can't save the secret key ({cause})").into())
}

fn record(conn: &mut PgConnection, key: &SecretBox<[u8; 32]>) -> QueryResult<()> {
    if recorded(conn)?.is_some_and(|held| held == fingerprint(key)) {
        return Ok(());
    }
    let row = (
        instance_key::fingerprint.eq(fingerprint(key)),
        instance_key::recorded_at.eq(clock::now()),
    );
    diesel::insert_into(instance_key::table)
        .values(row.clone())
        .on_conflict(instance_key::is_only)
        .do_update()
        .set(row)
        .execute(conn)?;
    Ok(())
}

/// Re-encrypts every secret from the configured key to `new`, in one transaction. A second run
/// finds nothing left to do. With `is_lost`, secrets that the old key can't decrypt stay unchanged.
pub(crate) fn rotate(
    conn: &mut PgConnection,
    config: &Config,
    new: &SecretBox<[u8; 32]>,
    is_lost: bool,
) -> QueryResult<Result<Reencrypted, KeyError>> {
    in_scope(conn, Scope::Instance, |conn| {
        if !lock(conn)? {
            return Ok(Err(KeyError::Busy));
        }
        if let Some(process) = serving(conn)?.into_iter().next() {
            return Ok(Err(KeyError::Serving(process)));
        }
        let is_done = recorded(conn)?.is_some_and(|held| held == fingerprint(new));
        if !is_done
            && !is_lost
            && let Err(error) = judge(conn, config)?
        {
            return Ok(Err(error));
        }
        let old = Encryptor::new(&config.secret_key);
        let new_encryptor = Encryptor::new(new);
        emails::reencrypt_links(conn, &old, &new_encryptor)?;
        pseudonyms::reencrypt(conn, &old, &new_encryptor)?;
        two_factor::reencrypt(conn, &old, &new_encryptor)?;
        let done = reencrypt_secrets(conn, &old, &new_encryptor)?;
        record(conn, new)?;
        Ok(Ok(done))
    })
}
