//! All settings, read once from the command line or the environment and checked before anything
//! starts. An invalid value stops the start with one line that names the setting and the fix.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use secrecy::{SecretBox, SecretString};

mod addresses;
mod connections;
mod data_dir;
mod error;
mod hand_over;
mod proxies;
mod retention;
mod secret_key;
mod settings;
mod smtp;

pub use connections::Connections;
pub(crate) use connections::{LOOK_UP_CONNECTIONS, WAITING_CONNECTIONS};
pub(crate) use data_dir::SECRET_KEY_FILE;
pub(crate) use error::ConfigError;
pub(crate) use hand_over::{give_to_owner, hand_over};
pub use proxies::TrustedProxies;
pub use retention::InstanceRetention;
pub(crate) use secret_key::{NextKey, UnusedKey, given_key, is_kept};
pub use settings::Settings;
pub use smtp::{Security, Smtp, SmtpCredentials};

use self::addresses::{default_public_url, is_loopback, listen, local_stores, public_url};
use self::data_dir::data_dir;
use self::error::bad;
use self::settings::{
    DEFAULT_INTAKE_CONNECTIONS, DEFAULT_JOB_CONNECTIONS, DEFAULT_KEEP_EMAILS, DEFAULT_KEEP_IPS,
    DEFAULT_KEEP_SESSIONS, DEFAULT_LISTEN, DEFAULT_LOG, DEFAULT_LOG_FILTER,
    DEFAULT_PAGE_CONNECTIONS, DEFAULT_WAIT_FACTOR, given, or_default,
};

/// The embedded server accepts 100 connections. The rest is for a second process and for psql.
const MAX_CONNECTIONS: u32 = 90;
/// With a larger factor, a page would wait minutes for an unreachable database.
const MAX_WAIT_FACTOR: u32 = 20;
/// A token of this length can't be guessed.
const MIN_TOKEN_CHARS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The checked settings.
#[derive(Debug)]
pub struct Config {
    /// `DATABASE_URL`: the database server; `None` means the embedded one.
    pub database_url: Option<SecretString>,
    /// `VOUCH_OWNER_DATABASE_URL`: the same server with the role that owns the schema. `None` means
    /// that the role in `DATABASE_URL` owns it.
    pub owner_database_url: Option<SecretString>,
    /// `VOUCH_LISTEN`: where the web server listens.
    pub listen: SocketAddr,
    /// `VOUCH_DATA`: the data folder, which exists at this point.
    pub data_dir: PathBuf,
    /// `VOUCH_PUBLIC_URL`: scheme, host and port, without a trailing slash.
    pub public_url: String,
    /// `VOUCH_SECRET_KEY`: 32 bytes.
    pub secret_key: SecretBox<[u8; 32]>,
    /// `VOUCH_LOCAL_STORES`: whether stores may use plain HTTP and run on this machine.
    pub local_stores: bool,
    /// `VOUCH_TRUSTED_PROXIES`: the proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// `VOUCH_METRICS_TOKEN`: the token that gives access to the metrics; `None` means no access.
    pub metrics_token: Option<SecretString>,
    /// `VOUCH_SMTP_URL` and `VOUCH_MAIL_FROM`: the mail server. Without one (`None`), emails stay
    /// in the outbox.
    pub smtp: Option<Smtp>,
    /// `VOUCH_DEMO_PASSWORD`: the password of the demo program's users.
    pub demo_password: Option<SecretString>,
    /// `VOUCH_PG_BIN`: the folder of the PostgreSQL programs; `None` means the newest installed
    /// version.
    pub pg_bin: Option<PathBuf>,
    /// `VOUCH_KEEP_EMAILS`, `VOUCH_KEEP_SESSIONS`, `VOUCH_KEEP_IPS`: the retention of data that
    /// doesn't belong to a merchant.
    pub keep: InstanceRetention,
    /// `VOUCH_LOG`: the format of the log.
    pub log_format: LogFormat,
    /// `VOUCH_LOG_FILTER`: a filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub log_filter: String,
    /// `VOUCH_PAGE_CONNECTIONS`, `VOUCH_INTAKE_CONNECTIONS`, `VOUCH_JOB_CONNECTIONS`: the sizes of
    /// the connection pools.
    pub connections: Connections,
}

impl Config {
    /// Checks the settings, creates the data folder if it's missing, and loads or creates the key.
    ///
    /// Fails with the first setting that can't be used.
    pub fn load(settings: Settings) -> Result<Self, ConfigError> {
        let listen = listen(or_default(&settings.listen, DEFAULT_LISTEN))?;
        let public_url = match given(settings.public_url) {
            Some(typed) => public_url(&typed)?,
            None => default_public_url(listen)?,
        };
        let local_stores = local_stores(&settings.local_stores, &public_url)?;
        let trusted_proxies =
            TrustedProxies::parse(or_default(&settings.trusted_proxies, proxies::DEFAULT))?;
        let metrics_token = given(settings.metrics_token).map(metrics_token).transpose()?;
        let smtp =
            smtp(given(settings.smtp_url), given(settings.mail_from), given(settings.smtp_ca))?;
        let keep = InstanceRetention {
            emails_days: days(
                "VOUCH_KEEP_EMAILS",
                or_default(&settings.keep_emails, DEFAULT_KEEP_EMAILS),
                1..=365,
            )?,
            // The session cookie isn't accepted any longer than this.
            sessions_days: days(
                "VOUCH_KEEP_SESSIONS",
                or_default(&settings.keep_sessions, DEFAULT_KEEP_SESSIONS),
                1..=14,
            )?,
            ips_days: days(
                "VOUCH_KEEP_IPS",
                or_default(&settings.keep_ips, DEFAULT_KEEP_IPS),
                1..=3650,
            )?,
        };
        let log_format = log_format(or_default(&settings.log, DEFAULT_LOG))?;
        let log_filter = log_filter(or_default(&settings.log_filter, DEFAULT_LOG_FILTER))?;
        let database_url = given(settings.database_url)
            .map(|typed| self::database_url("DATABASE_URL", typed))
            .transpose()?;
        let owner_database_url = given(settings.owner_database_url)
            .map(|typed| self::database_url("VOUCH_OWNER_DATABASE_URL", typed))
            .transpose()?;
        if owner_database_url.is_some() && database_url.is_none() {
            return Err(bad("VOUCH_OWNER_DATABASE_URL", "set DATABASE_URL too"));
        }
        let pg_bin = given(settings.pg_bin).map(|typed| pg_bin(&typed)).transpose()?;
        let connections = Connections {
            pages: connections(
                "VOUCH_PAGE_CONNECTIONS",
                or_default(&settings.page_connections, DEFAULT_PAGE_CONNECTIONS),
            )?,
            intake: connections(
                "VOUCH_INTAKE_CONNECTIONS",
                or_default(&settings.intake_connections, DEFAULT_INTAKE_CONNECTIONS),
            )?,
            jobs: connections(
                "VOUCH_JOB_CONNECTIONS",
                or_default(&settings.job_connections, DEFAULT_JOB_CONNECTIONS),
            )?,
            wait_factor: wait_factor(or_default(&settings.wait_factor, DEFAULT_WAIT_FACTOR))?,
        };
        if database_url.is_none() && connections.total() > MAX_CONNECTIONS {
            return Err(bad(
                "VOUCH_PAGE_CONNECTIONS",
                format!(
                    "{} plus VOUCH_INTAKE_CONNECTIONS {} and VOUCH_JOB_CONNECTIONS {} needs {} \
                     connections, but Vouch's own PostgreSQL allows {MAX_CONNECTIONS}",
                    connections.pages,
                    connections.intake,
                    connections.jobs,
                    connections.total()
                ),
            ));
        }
        // Changes to the disk come last, so that a rejected start leaves no files.
        let data_dir = data_dir(given(settings.data))?;
        Ok(Self {
            secret_key: secret_key::load(given(settings.secret_key).as_deref(), &data_dir)?,
            database_url,
            owner_database_url,
            listen,
            data_dir,
            public_url,
            local_stores,
            trusted_proxies,
            metrics_token,
            smtp,
            demo_password: given(settings.demo_password).map(SecretString::from),
            pg_bin,
            keep,
            log_format,
            log_filter,
            connections,
        })
    }

    /// Whether browsers use HTTPS to connect to Vouch.
    #[must_use]
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Whether only browsers on this machine can connect to Vouch.
    #[must_use]
    pub(crate) fn is_on_this_machine(&self) -> bool {
        is_loopback(&self.public_url)
    }
}

fn days(
    setting: &'static str,
    typed: &str,
    allowed: RangeInclusive<i64>,
) -> Result<i64, ConfigError> {
    let days = typed.trim().parse().ok().filter(|days| allowed.contains(days));
    let (min, max) = (allowed.start(), allowed.end());
    days.ok_or_else(|| bad(setting, format!("enter a number of days from {min} to {max}")))
}

fn metrics_token(typed: String) -> Result<SecretString, ConfigError> {
    let token = typed.trim();
    // The message never contains the token, because it's a secret.
    if token.len() < MIN_TOKEN_CHARS || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad(
            "VOUCH_METRICS_TOKEN",
            format!("enter {MIN_TOKEN_CHARS} characters or more, without spaces"),
        ));
    }
    Ok(SecretString::from(token))
}

fn smtp(
    url: Option<String>,
    from: Option<String>,
    authority: Option<String>,
) -> Result<Option<Smtp>, ConfigError> {
    let Some(url) = url else { return Ok(None) };
    let smtp =
        Smtp::parse(&url, from.as_deref()).map_err(|(setting, reason)| bad(setting, reason))?;
    let Some(file) = authority else { return Ok(Some(smtp)) };
    let pem = std::fs::read(&file)
        .map_err(|error| bad("VOUCH_SMTP_CA", format!("can't read {file} ({error})")))?;
    let trusting = smtp.trust(&pem);
    trusting.map(Some).map_err(|reason| bad("VOUCH_SMTP_CA", format!("{file} {reason}")))
}

fn log_format(typed: &str) -> Result<LogFormat, ConfigError> {
    match typed {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(bad("VOUCH_LOG", format!("enter text or json, not {other:?}"))),
    }
}

fn log_filter(typed: &str) -> Result<String, ConfigError> {
    tracing_subscriber::EnvFilter::try_new(typed)
        .map(|_| typed.to_owned())
        .map_err(|error| bad("VOUCH_LOG_FILTER", format!("{typed:?} isn't a filter ({error})")))
}

fn database_url(setting: &'static str, typed: String) -> Result<SecretString, ConfigError> {
    // The message never contains the URL, because it may include a password.
    if ["postgres://", "postgresql://"].iter().any(|scheme| typed.starts_with(scheme)) {
        return Ok(SecretString::from(typed));
    }
    Err(bad(setting, "enter a URL like postgresql://role:password@host/database"))
}

fn pg_bin(typed: &str) -> Result<PathBuf, ConfigError> {
    let folder = PathBuf::from(typed);
    if folder.join("initdb").is_file() && folder.join("postgres").is_file() {
        return Ok(folder);
    }
    Err(bad("VOUCH_PG_BIN", format!("{typed} doesn't contain postgres and initdb")))
}

fn wait_factor(typed: &str) -> Result<u32, ConfigError> {
    match typed.parse() {
        Ok(number) if (1..=MAX_WAIT_FACTOR).contains(&number) => Ok(number),
        _ => Err(bad(
            "VOUCH_WAIT_FACTOR",
            format!("enter a number from 1 to {MAX_WAIT_FACTOR}, not {typed:?}"),
        )),
    }
}

fn connections(setting: &'static str, typed: &str) -> Result<u32, ConfigError> {
    match typed.parse() {
        Ok(number) if (1..=MAX_CONNECTIONS).contains(&number) => Ok(number),
        _ => {
            Err(bad(setting, format!("enter a number from 1 to {MAX_CONNECTIONS}, not {typed:?}")))
        }
    }
}

#[cfg(test)]
mod tests;
