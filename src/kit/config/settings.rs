//! The settings as typed.

use super::proxies;

pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
pub(super) const DEFAULT_KEEP_EMAILS: &str = "30";
pub(super) const DEFAULT_KEEP_SESSIONS: &str = "14";
pub(super) const DEFAULT_KEEP_IPS: &str = "180";
pub(super) const DEFAULT_LOG: &str = "text";
/// Without the web server's lines about its threads at every start and stop.
pub(super) const DEFAULT_LOG_FILTER: &str = "info,actix_server=warn";
pub(super) const DEFAULT_PAGE_CONNECTIONS: &str = "8";
pub(super) const DEFAULT_INTAKE_CONNECTIONS: &str = "4";
pub(super) const DEFAULT_JOB_CONNECTIONS: &str = "4";
pub(super) const DEFAULT_WAIT_FACTOR: &str = "1";

/// The settings as typed. All are text here, so that we report an invalid value in one line,
/// wherever it came from. An empty value counts as missing.
#[derive(clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// URL of a PostgreSQL server (14 or newer) [default: Vouch runs its own in the data folder]
    #[arg(long, env, global = true, hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// URL of the same server for the schema's owner, used by migrations [default: DATABASE_URL]
    #[arg(
        long,
        env = "VOUCH_OWNER_DATABASE_URL",
        global = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub owner_database_url: Option<String>,

    /// IP address and port to listen on
    #[arg(long, env = "VOUCH_LISTEN", global = true, value_name = "ADDRESS", default_value = DEFAULT_LISTEN)]
    pub listen: String,

    /// Folder for the secret key, and for the database if Vouch runs it
    /// [default: /var/lib/vouch for root, else $XDG_DATA_HOME/vouch or ~/.local/share/vouch]
    #[arg(long = "data", env = "VOUCH_DATA", global = true, value_name = "FOLDER")]
    pub data: Option<String>,

    /// URL that browsers and stores use for Vouch [default: http:// and the listen address]
    #[arg(long, env = "VOUCH_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,

    /// Key that encrypts secrets and signs cookies (32 bytes, hexadecimal or base64)
    /// [default: created at the first start and saved in the data folder]
    #[arg(
        long,
        env = "VOUCH_SECRET_KEY",
        global = true,
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub secret_key: Option<String>,

    /// Set to 1 to allow stores over plain HTTP and on this machine, for development only
    #[arg(
        long,
        env = "VOUCH_LOCAL_STORES",
        global = true,
        value_name = "0|1",
        default_value = "0"
    )]
    pub local_stores: String,

    /// IP addresses and networks of the proxies in front of Vouch, separated by commas. Vouch trusts
    /// their X-Forwarded-For
    #[arg(
        long,
        env = "VOUCH_TRUSTED_PROXIES",
        global = true,
        value_name = "ADDRESSES",
        default_value = proxies::DEFAULT
    )]
    pub trusted_proxies: String,

    /// Bearer token for /metrics (20 characters or more) [default: /metrics is disabled]
    #[arg(
        long,
        env = "VOUCH_METRICS_TOKEN",
        global = true,
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub metrics_token: Option<String>,

    /// SMTP server for outgoing email: smtps://user:password@host (TLS) or
    /// smtp://user:password@host (STARTTLS) [default: emails are held]
    #[arg(long, env = "VOUCH_SMTP_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<String>,

    /// Sender of the emails, such as "Vouch <vouch@example.com>" (required with VOUCH_SMTP_URL)
    #[arg(long, env = "VOUCH_MAIL_FROM", global = true, value_name = "SENDER")]
    pub mail_from: Option<String>,

    /// File with PEM certificates of the mail server's own certificate authority
    #[arg(long, env = "VOUCH_SMTP_CA", global = true, value_name = "FILE")]
    pub smtp_ca: Option<String>,

    /// Password of the demo users [default: random, printed by `vouch demo`]
    #[arg(
        long,
        env = "VOUCH_DEMO_PASSWORD",
        global = true,
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub demo_password: Option<String>,

    /// Folder of the PostgreSQL programs [default: the newest version on this machine]
    #[arg(long, env = "VOUCH_PG_BIN", global = true, value_name = "FOLDER")]
    pub pg_bin: Option<String>,

    /// Days until sent and failed emails are deleted, from 1 to 365
    #[arg(long, env = "VOUCH_KEEP_EMAILS", global = true, value_name = "DAYS", default_value = DEFAULT_KEEP_EMAILS)]
    pub keep_emails: String,

    /// Days until users must sign in again, from 1 to 14
    #[arg(long, env = "VOUCH_KEEP_SESSIONS", global = true, value_name = "DAYS", default_value = DEFAULT_KEEP_SESSIONS)]
    pub keep_sessions: String,

    /// Days until IP addresses are deleted from the instance's log, from 1 to 3650
    #[arg(long, env = "VOUCH_KEEP_IPS", global = true, value_name = "DAYS", default_value = DEFAULT_KEEP_IPS)]
    pub keep_ips: String,

    /// Format of the log (text or json)
    #[arg(long, env = "VOUCH_LOG", global = true, value_name = "FORMAT", default_value = DEFAULT_LOG)]
    pub log: String,

    /// Log level (error, warn, info, debug or trace), also per module
    #[arg(long, env = "VOUCH_LOG_FILTER", global = true, value_name = "FILTER", default_value = DEFAULT_LOG_FILTER)]
    pub log_filter: String,

    /// Database connections for pages
    #[arg(long, env = "VOUCH_PAGE_CONNECTIONS", global = true, value_name = "NUMBER", default_value = DEFAULT_PAGE_CONNECTIONS)]
    pub page_connections: String,

    /// Database connections for order processing
    #[arg(long, env = "VOUCH_INTAKE_CONNECTIONS", global = true, value_name = "NUMBER", default_value = DEFAULT_INTAKE_CONNECTIONS)]
    pub intake_connections: String,

    /// Database connections for the background workers
    #[arg(long, env = "VOUCH_JOB_CONNECTIONS", global = true, value_name = "NUMBER", default_value = DEFAULT_JOB_CONNECTIONS)]
    pub job_connections: String,

    /// Factor for all database timeouts on a slow machine, from 1 to 20
    #[arg(long, env = "VOUCH_WAIT_FACTOR", global = true, value_name = "NUMBER", default_value = DEFAULT_WAIT_FACTOR)]
    pub wait_factor: String,
}

pub(super) fn given(typed: Option<String>) -> Option<String> {
    typed.filter(|typed| !typed.trim().is_empty())
}

pub(super) fn or_default<'a>(typed: &'a str, default: &'a str) -> &'a str {
    match typed.trim() {
        "" => default,
        typed => typed,
    }
}
