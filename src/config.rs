//! Every setting of Vouch: read once, from the command line or the environment, checked before
//! anything starts. A bad value ends the start with one line that says which setting and why.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use actix_web::http::Uri;
use secrecy::{SecretBox, SecretString};

use crate::mail::Smtp;
use crate::os;

mod proxies;
mod secret_key;

pub use proxies::TrustedProxies;
pub use secret_key::SECRET_KEY_FILE;
pub(crate) use secret_key::{NextKey, given_key, is_kept};

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const DEFAULT_LOG: &str = "text";
/// Without what the web server tells of its threads at every start and stop.
const DEFAULT_LOG_FILTER: &str = "info,actix_server=warn";
const DEFAULT_PAGE_CONNECTIONS: &str = "8";
const DEFAULT_INTAKE_CONNECTIONS: &str = "4";
/// The embedded server takes 100 connections; some remain for a second process and for people.
const MOST_CONNECTIONS: u32 = 90;

/// The settings as they were typed. All are text here, so that a bad value is reported by us, in
/// one line, wherever it came from; an empty value counts as not given.
#[derive(clap::Args)]
pub struct Settings {
    /// Address of a PostgreSQL server (14 or newer), as a role that is bound by row security;
    /// without it, Vouch runs a server of its own in the data folder
    #[arg(long, env, global = true, hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// Address and port to listen on
    #[arg(long, env = "VOUCH_LISTEN", global = true, value_name = "ADDRESS", default_value = DEFAULT_LISTEN)]
    pub listen: String,

    /// Data folder: the secret key, and the database if Vouch runs it
    /// [default: /var/lib/vouch for root, else $XDG_DATA_HOME/vouch or ~/.local/share/vouch]
    #[arg(long = "data", env = "VOUCH_DATA", global = true, value_name = "FOLDER")]
    pub data: Option<String>,

    /// Address at which browsers and stores reach Vouch [default: http:// and the listen address]
    #[arg(long, env = "VOUCH_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,

    /// 32 random bytes in hexadecimal or base64; encrypts the stores' credentials
    /// [default: made at the first start and kept in the data folder]
    #[arg(
        long,
        env = "VOUCH_SECRET_KEY",
        global = true,
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub secret_key: Option<String>,

    /// 1 allows stores on plain http and on this machine, for development; only with a public URL
    /// on this machine
    #[arg(
        long,
        env = "VOUCH_LOCAL_STORES",
        global = true,
        value_name = "0|1",
        default_value = "0"
    )]
    pub local_stores: String,

    /// Addresses and networks of the proxies in front of Vouch, with commas between them: what these
    /// say in X-Forwarded-For decides whose tries at signing in are counted together
    #[arg(
        long,
        env = "VOUCH_TRUSTED_PROXIES",
        global = true,
        value_name = "ADDRESSES",
        default_value = proxies::DEFAULT
    )]
    pub trusted_proxies: String,

    /// Mail server that takes Vouch's letters: smtp://user:password@host (STARTTLS; none on this
    /// machine) or smtps://user:password@host (TLS); without it, letters wait for support staff
    #[arg(long, env = "VOUCH_SMTP_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<String>,

    /// Sender of Vouch's letters, such as "Vouch <vouch@example.com>"
    #[arg(long, env = "VOUCH_MAIL_FROM", global = true, value_name = "SENDER")]
    pub mail_from: Option<String>,

    /// File with the certificates (PEM) of an authority that vouches for the mail server, where it is
    /// none that browsers know
    #[arg(long, env = "VOUCH_SMTP_CA", global = true, value_name = "FILE")]
    pub smtp_ca: Option<String>,

    /// Password of the demo program's people [default: a random one, printed by `vouch demo`]
    #[arg(
        long,
        env = "VOUCH_DEMO_PASSWORD",
        global = true,
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub demo_password: Option<String>,

    /// Folder of the PostgreSQL programs [default: the newest on this machine]
    #[arg(long, env = "VOUCH_PG_BIN", global = true, value_name = "FOLDER")]
    pub pg_bin: Option<String>,

    /// How the log is written: text or json
    #[arg(long, env = "VOUCH_LOG", global = true, value_name = "FORMAT", default_value = DEFAULT_LOG)]
    pub log: String,

    /// What is logged: error, warn, info, debug or trace, also per module
    #[arg(long, env = "VOUCH_LOG_FILTER", global = true, value_name = "FILTER", default_value = DEFAULT_LOG_FILTER)]
    pub log_filter: String,

    /// Database connections for pages
    #[arg(long, env = "VOUCH_PAGE_CONNECTIONS", global = true, value_name = "NUMBER", default_value = DEFAULT_PAGE_CONNECTIONS)]
    pub page_connections: String,

    /// Database connections for the intake of orders, which pages cannot take away
    #[arg(long, env = "VOUCH_INTAKE_CONNECTIONS", global = true, value_name = "NUMBER", default_value = DEFAULT_INTAKE_CONNECTIONS)]
    pub intake_connections: String,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The settings, checked.
#[derive(Debug)]
pub struct Config {
    /// `DATABASE_URL`: the database server; `None` means the embedded one.
    pub database_url: Option<SecretString>,
    /// `VOUCH_LISTEN`: where the web server listens.
    pub listen: SocketAddr,
    /// `VOUCH_DATA`: the data folder; it exists.
    pub data_dir: PathBuf,
    /// `VOUCH_PUBLIC_URL`: scheme, host and port, without a slash at the end.
    pub public_url: String,
    /// `VOUCH_SECRET_KEY`: 32 bytes.
    pub secret_key: SecretBox<[u8; 32]>,
    /// `VOUCH_LOCAL_STORES`: whether stores may be on plain http and on this machine.
    pub local_stores: bool,
    /// `VOUCH_TRUSTED_PROXIES`: who is believed when they say whom a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// `VOUCH_SMTP_URL` and `VOUCH_MAIL_FROM`: who takes the letters; `None` means that they wait.
    pub smtp: Option<Smtp>,
    /// `VOUCH_DEMO_PASSWORD`: the password of the demo program's people.
    pub demo_password: Option<SecretString>,
    /// `VOUCH_PG_BIN`: the folder of the PostgreSQL programs; `None` means the newest.
    pub pg_bin: Option<PathBuf>,
    /// `VOUCH_LOG`: how the log is written.
    pub log_format: LogFormat,
    /// `VOUCH_LOG_FILTER`: what is logged, in the words of `tracing_subscriber::EnvFilter`.
    pub log_filter: String,
    /// `VOUCH_PAGE_CONNECTIONS`: size of the pool for pages.
    pub page_connections: u32,
    /// `VOUCH_INTAKE_CONNECTIONS`: size of the pool for the intake of orders.
    pub intake_connections: u32,
}

/// A setting that cannot be used. Shown as one line.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The environment variable of the setting.
    pub setting: &'static str,
    /// Why its value cannot be used; never holds the value of a secret.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Checks the settings, makes the data folder if it is missing, and reads or makes the key.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that cannot be used.
    pub fn load(settings: Settings) -> Result<Self, ConfigError> {
        let listen = listen(or_default(&settings.listen, DEFAULT_LISTEN))?;
        let public_url = match given(settings.public_url) {
            Some(typed) => public_url(&typed)?,
            None => default_public_url(listen)?,
        };
        let local_stores = local_stores(&settings.local_stores, &public_url)?;
        let trusted_proxies =
            TrustedProxies::parse(or_default(&settings.trusted_proxies, proxies::DEFAULT))?;
        let smtp =
            smtp(given(settings.smtp_url), given(settings.mail_from), given(settings.smtp_ca))?;
        let log_format = log_format(or_default(&settings.log, DEFAULT_LOG))?;
        let log_filter = log_filter(or_default(&settings.log_filter, DEFAULT_LOG_FILTER))?;
        let database_url = given(settings.database_url).map(database_url).transpose()?;
        let pg_bin = given(settings.pg_bin).map(|typed| pg_bin(&typed)).transpose()?;
        let page_connections = connections(
            "VOUCH_PAGE_CONNECTIONS",
            or_default(&settings.page_connections, DEFAULT_PAGE_CONNECTIONS),
        )?;
        let intake_connections = connections(
            "VOUCH_INTAKE_CONNECTIONS",
            or_default(&settings.intake_connections, DEFAULT_INTAKE_CONNECTIONS),
        )?;
        // What touches the disk comes last: a start that is refused leaves nothing behind.
        let data_dir = data_dir(given(settings.data))?;
        Ok(Self {
            secret_key: secret_key::load(given(settings.secret_key).as_deref(), &data_dir)?,
            database_url,
            listen,
            data_dir,
            public_url,
            local_stores,
            trusted_proxies,
            smtp,
            demo_password: given(settings.demo_password).map(SecretString::from),
            pg_bin,
            log_format,
            log_filter,
            page_connections,
            intake_connections,
        })
    }

    /// Whether browsers reach Vouch by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Whether only browsers on this machine reach Vouch.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        is_loopback(&self.public_url)
    }
}

fn bad(setting: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError { setting, reason: reason.into() }
}

fn given(typed: Option<String>) -> Option<String> {
    typed.filter(|typed| !typed.trim().is_empty())
}

fn or_default<'a>(typed: &'a str, default: &'a str) -> &'a str {
    match typed.trim() {
        "" => default,
        typed => typed,
    }
}

fn listen(typed: &str) -> Result<SocketAddr, ConfigError> {
    typed.parse().map_err(|_| {
        bad(
            "VOUCH_LISTEN",
            format!("{typed:?} is not an address and a port, such as 127.0.0.1:8080"),
        )
    })
}

fn public_url(typed: &str) -> Result<String, ConfigError> {
    let refuse = |reason: &str| bad("VOUCH_PUBLIC_URL", format!("{typed:?} {reason}"));
    let uri: Uri = typed
        .trim()
        .parse()
        .map_err(|_| refuse("is not an address, such as https://vouch.example.com"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refuse("must begin with https:// or http://"));
    };
    if !matches!(scheme, "https" | "http") {
        return Err(refuse("must begin with https:// or http://"));
    }
    if authority.host().is_empty() || authority.as_str().contains('@') {
        return Err(refuse("must be a host, with a port if need be"));
    }
    if uri.path() != "/" || uri.query().is_some() || typed.contains('#') {
        return Err(refuse("must not have a path: Vouch needs a host of its own"));
    }
    Ok(format!("{scheme}://{}", authority.as_str().to_lowercase()))
}

fn default_public_url(listen: SocketAddr) -> Result<String, ConfigError> {
    if listen.ip().is_unspecified() {
        return Err(bad(
            "VOUCH_PUBLIC_URL",
            format!(
                "must be given when VOUCH_LISTEN is {listen}: at which address do browsers reach Vouch?"
            ),
        ));
    }
    Ok(format!("http://{listen}"))
}

fn local_stores(typed: &str, public_url: &str) -> Result<bool, ConfigError> {
    match typed.trim() {
        "" | "0" => Ok(false),
        "1" if is_loopback(public_url) => Ok(true),
        "1" => Err(bad(
            "VOUCH_LOCAL_STORES",
            format!(
                "1 is for development, where VOUCH_PUBLIC_URL is on this machine; it is {public_url}"
            ),
        )),
        other => Err(bad("VOUCH_LOCAL_STORES", format!("{other:?} is neither 0 nor 1"))),
    }
}

/// Whether a public URL, as [`public_url`] returns it, can only be reached on this machine.
fn is_loopback(public_url: &str) -> bool {
    let Some(authority) = public_url.split("://").nth(1) else {
        return false;
    };
    let Ok(uri) = authority.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
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
        .map_err(|error| bad("VOUCH_SMTP_CA", format!("{file} cannot be read: {error}")))?;
    let trusting = smtp.trust(&pem);
    trusting.map(Some).map_err(|reason| bad("VOUCH_SMTP_CA", format!("{file} {reason}")))
}

fn log_format(typed: &str) -> Result<LogFormat, ConfigError> {
    match typed {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(bad("VOUCH_LOG", format!("{other:?} is neither text nor json"))),
    }
}

fn log_filter(typed: &str) -> Result<String, ConfigError> {
    tracing_subscriber::EnvFilter::try_new(typed)
        .map(|_| typed.to_owned())
        .map_err(|error| bad("VOUCH_LOG_FILTER", format!("{typed:?}: {error}")))
}

fn database_url(typed: String) -> Result<SecretString, ConfigError> {
    // The value may hold a password, so that it is never repeated.
    if ["postgres://", "postgresql://"].iter().any(|scheme| typed.starts_with(scheme)) {
        return Ok(SecretString::from(typed));
    }
    Err(bad("DATABASE_URL", "must look like postgresql://role:password@host/database"))
}

fn pg_bin(typed: &str) -> Result<PathBuf, ConfigError> {
    let folder = PathBuf::from(typed);
    if folder.join("initdb").is_file() && folder.join("postgres").is_file() {
        return Ok(folder);
    }
    Err(bad("VOUCH_PG_BIN", format!("there are no programs postgres and initdb in {typed}")))
}

fn connections(setting: &'static str, typed: &str) -> Result<u32, ConfigError> {
    match typed.parse() {
        Ok(number) if (1..=MOST_CONNECTIONS).contains(&number) => Ok(number),
        _ => Err(bad(setting, format!("{typed:?} is not a number from 1 to {MOST_CONNECTIONS}"))),
    }
}

/// The data folder, made if it is missing.
///
/// The default does not depend on the current folder: started from elsewhere, an installation
/// would otherwise seem to have lost its data. Root's is not in root's home folder, which the
/// database server, running as another user, could not enter.
fn data_dir(typed: Option<String>) -> Result<PathBuf, ConfigError> {
    let folder = match typed {
        Some(typed) => PathBuf::from(typed),
        None => default_data_dir()
            .ok_or_else(|| bad("VOUCH_DATA", "must be given: this user has no home folder"))?,
    };
    let folder = std::path::absolute(&folder)
        .map_err(|cause| bad("VOUCH_DATA", format!("{}: {cause}", folder.display())))?;
    make_data_dir(&folder)
        .map_err(|cause| bad("VOUCH_DATA", format!("cannot make {}: {cause}", folder.display())))?;
    Ok(folder)
}

fn default_data_dir() -> Option<PathBuf> {
    if os::effective_uid() == 0 {
        return Some(PathBuf::from("/var/lib/vouch"));
    }
    #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
    let xdg = std::env::var_os("XDG_DATA_HOME");
    xdg.map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/share")))
        .map(|folder| folder.join("vouch"))
}

fn make_data_dir(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // As root, the database server runs as another user, who has to pass through.
    let mode = if os::effective_uid() == 0 { 0o711 } else { 0o700 };
    match std::fs::DirBuilder::new().mode(mode).create(folder) {
        // Another process was quicker.
        Err(error) if folder.is_dir() && error.kind() == std::io::ErrorKind::AlreadyExists => {
            Ok(())
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests;
