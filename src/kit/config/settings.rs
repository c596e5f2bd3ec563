//! The settings as they are typed.

use super::proxies;

pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
pub(super) const DEFAULT_KEEP_EMAILS: &str = "30";
pub(super) const DEFAULT_KEEP_SESSIONS: &str = "14";
pub(super) const DEFAULT_KEEP_IPS: &str = "180";
pub(super) const DEFAULT_LOG: &str = "text";
/// Without what the web server tells of its threads at every start and stop.
pub(super) const DEFAULT_LOG_FILTER: &str = "info,actix_server=warn";
pub(super) const DEFAULT_PAGE_CONNECTIONS: &str = "8";
pub(super) const DEFAULT_INTAKE_CONNECTIONS: &str = "4";
pub(super) const DEFAULT_JOB_CONNECTIONS: &str = "4";
pub(super) const DEFAULT_WAIT_FACTOR: &str = "1";

/// The settings as they were typed. All are text here, so that a bad value is reported by us, in
/// one line, wherever it came from; an empty value counts as not given.
#[derive(clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// Address of a PostgreSQL server (14 or newer), as a role that is bound by row security;
    /// without it, Vouch runs a server of its own in the data folder
    #[arg(long, env, global = true, hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// The same server as the role that owns the schema, for `vouch migrate`; without it, the role in
    /// DATABASE_URL is to own the schema
    #[arg(
        long,
        env = "VOUCH_OWNER_DATABASE_URL",
        global = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub owner_database_url: Option<String>,

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

    /// Token with which Prometheus reads /metrics (Authorization: Bearer ...); without it, nobody does
    #[arg(
        long,
        env = "VOUCH_METRICS_TOKEN",
        global = true,
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub metrics_token: Option<String>,

    /// Mail server that takes Vouch's emails: smtp://user:password@host (STARTTLS; none on this
    /// machine) or smtps://user:password@host (TLS); without it, emails wait for support staff
    #[arg(long, env = "VOUCH_SMTP_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<String>,

    /// Sender of Vouch's emails, such as "Vouch <vouch@example.com>"
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

    /// For how many days emails that Vouch sent stay in the list, 1 to 365
    #[arg(long, env = "VOUCH_KEEP_EMAILS", global = true, value_name = "DAYS", default_value = DEFAULT_KEEP_EMAILS)]
    pub keep_emails: String,

    /// After how many days a session ends, used or not, 1 to 14
    #[arg(long, env = "VOUCH_KEEP_SESSIONS", global = true, value_name = "DAYS", default_value = DEFAULT_KEEP_SESSIONS)]
    pub keep_sessions: String,

    /// For how many days the log of the instance keeps IP addresses, 1 to 3650
    #[arg(long, env = "VOUCH_KEEP_IPS", global = true, value_name = "DAYS", default_value = DEFAULT_KEEP_IPS)]
    pub keep_ips: String,

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

    /// Database connections for the background workers
    #[arg(long, env = "VOUCH_JOB_CONNECTIONS", global = true, value_name = "NUMBER", default_value = DEFAULT_JOB_CONNECTIONS)]
    pub job_connections: String,

    /// How many times as long as usual to wait for the database, for a slow machine
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
