//! What `vouch doctor` prints. Details are fragments in lower case, and steps are sentences.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;

use crate::kit::db::migrate;
use crate::kit::web::numbers::counted;

/// A finding that isn't well: what's wrong, and the next step.
pub(super) struct Advice {
    pub(super) detail: String,
    pub(super) next: String,
}

pub(super) fn advice(detail: impl Into<String>, next: impl Into<String>) -> Advice {
    Advice { detail: detail.into(), next: next.into() }
}

pub(super) fn query_failed(error: impl Display) -> Advice {
    advice(format!("a database query failed ({error})"), "Fix any problems above first.")
}

pub(super) const NO_PROBLEMS: &str = "No problems found.";

pub(super) fn summary(problems: usize, warnings: usize) -> String {
    let problems_found = counted(problems, "problem", "problems");
    let warnings_found = counted(warnings, "warning", "warnings");
    match (problems, warnings) {
        (_, 0) => format!("{problems_found} found."),
        (0, _) => format!("{warnings_found} found."),
        _ => format!("{problems_found} and {warnings_found} found."),
    }
}

// The machine

pub(super) fn folder_unreadable(folder: &Path, cause: impl Display) -> Advice {
    let detail = format!("Vouch can't read {} ({cause})", folder.display());
    advice(detail, "Set VOUCH_DATA to a folder that this user can read.")
}

pub(super) fn folder_writable_by_others(folder: &Path) -> Advice {
    let folder = folder.display();
    advice(format!("other users can write to {folder}"), format!("Run `chmod go-w {folder}`."))
}

pub(super) fn folder_unwritable(folder: &Path, cause: impl Display) -> Advice {
    let detail = format!("Vouch can't write to {} ({cause})", folder.display());
    advice(detail, "Free up disk space, or make the user that runs Vouch the owner of the folder.")
}

pub(super) const KEY_FILE_NOT_NEEDED: &str = "not needed, because VOUCH_SECRET_KEY is set";

pub(super) fn key_file_unreadable(file: impl Display, cause: impl Display) -> Advice {
    advice(
        format!("Vouch can't read {file} ({cause})"),
        format!("Check its permissions with `ls -l {file}`."),
    )
}

pub(super) fn key_file_owned_by_another(file: impl Display, user: u32) -> Advice {
    advice(format!("another user owns {file}"), format!("Run `chown {user} {file}`."))
}

pub(super) fn key_file(file: impl Display) -> String {
    format!("{file}, readable only by its owner (keep a copy apart from the database backups)")
}

pub(super) fn disk_unknown(cause: impl Display) -> Advice {
    advice(cause.to_string(), "Set VOUCH_DATA to an existing folder.")
}

pub(super) fn disk_full(mebibytes: u64, folder: &Path) -> Advice {
    let detail = format!("only {mebibytes} MiB of disk space left in {}", folder.display());
    advice(detail, "Free up disk space, or move the folder and set VOUCH_DATA to its new path.")
}

pub(super) fn disk(mebibytes: u64) -> String {
    format!("{mebibytes} MiB free")
}

// The network

pub(super) fn plain_http(public_url: &str) -> Advice {
    advice(
        format!("browsers connect to {public_url} over plain HTTP, so no one can sign in"),
        "Put a proxy with a certificate in front of Vouch, and set VOUCH_PUBLIC_URL to its https URL.",
    )
}

pub(super) fn urls(public_url: &str, listen: SocketAddr) -> String {
    format!("{public_url}, listening on {listen}")
}

pub(super) fn port_available(listen: SocketAddr) -> String {
    format!("{listen} is available")
}

pub(super) fn port_of_vouch(listen: SocketAddr) -> String {
    format!("Vouch is running on {listen}")
}

pub(super) fn port_forbidden(listen: SocketAddr, error: impl Display) -> Advice {
    advice(
        format!("Vouch can't listen on {listen} ({error})"),
        "Set VOUCH_LISTEN to an address of this machine and a port above 1023.",
    )
}

pub(super) fn vouch_unhealthy(listen: SocketAddr) -> Advice {
    advice(
        format!("Vouch is running on {listen}, but isn't healthy"),
        "Read its log, and restart it if it doesn't recover.",
    )
}

pub(super) fn port_in_use(listen: SocketAddr) -> Advice {
    advice(
        format!("another program uses {listen}"),
        "Stop that program, or set VOUCH_LISTEN to another port.",
    )
}

pub(super) fn public_url_answers(url: &str) -> String {
    format!("Vouch answers at {url}")
}

pub(super) fn public_url_wrong(url: &str) -> Advice {
    advice(format!("another program answers at {url}"), CHECK_PUBLIC_URL)
}

pub(super) fn public_url_unreachable(url: &str, error: impl Display) -> Advice {
    advice(format!("this machine can't reach {url} ({error})"), CHECK_PUBLIC_URL)
}

const CHECK_PUBLIC_URL: &str =
    "Open it in a browser. If it doesn't show Vouch, check DNS, the proxy and VOUCH_PUBLIC_URL.";

pub(super) const LOG_COMPLETE: &str = "no lines were dropped since Vouch started";

pub(super) fn log_dropped(lines: u64) -> Advice {
    let lines = counted(i64::try_from(lines).unwrap_or(i64::MAX), "log line", "log lines");
    advice(
        format!("Vouch dropped {lines} since it started"),
        "Check that the program that reads Vouch's standard error is running and has disk space.",
    )
}

pub(super) fn no_mail_server() -> Advice {
    advice(
        "VOUCH_SMTP_URL isn't set, so Vouch holds emails and sends none",
        "Set VOUCH_SMTP_URL and VOUCH_MAIL_FROM. Until then, list held emails with `vouch email list`.",
    )
}

pub(super) fn mail_server(server: &str, from: impl Display) -> String {
    format!("Vouch can connect to {server}, and sends emails from {from}")
}

pub(super) fn mail_server_refuses(server: &str, why: impl Display) -> Advice {
    advice(
        format!("Vouch can't connect to {server} ({why})"),
        "Check the host, port, user and password in VOUCH_SMTP_URL.",
    )
}

// The database

/// What PostgreSQL or libpq says, and the next step. The first match counts.
const CONNECT_STEPS: [(&str, &str); 8] = [
    ("password authentication failed", "Check the user and the password in {setting}."),
    ("no password supplied", "Add the password to {setting}."),
    ("no pg_hba.conf entry", "Allow this machine in pg_hba.conf on the database server."),
    (
        // copy: quotes PostgreSQL
        "does not exist",
        "Check the names in {setting}. docs/postgresql.md shows how to create the roles and the database.",
    ),
    ("could not translate host name", "Check the host name in {setting}."),
    ("too many", "Close connections of other programs, or raise max_connections on the server."),
    ("starting up", "Wait until the database server has started."),
    ("Connection refused", "Start PostgreSQL, or check the host and the port in {setting}."),
];

pub(super) fn cannot_connect(said: &str, setting: &str) -> Advice {
    let found = CONNECT_STEPS.iter().find(|(words, _)| said.contains(words));
    let next =
        found.map_or("Check {setting}, and that PostgreSQL is running there.", |found| found.1);
    let detail = format!("can't connect to the database ({})", reason_of(said));
    advice(detail, next.replace("{setting}", setting))
}

/// The reason in a message of libpq, without the server's address and the hint after the reason.
fn reason_of(said: &str) -> &str {
    let said = said.strip_prefix("can't connect to the database: ").unwrap_or(said);
    let reason = ["FATAL:", " failed:"].iter().find_map(|mark| said.rsplit_once(mark));
    let reason = reason.map_or(said, |(_, reason)| reason);
    // copy: quotes libpq
    let reason = reason.split_once("Is the server running").map_or(reason, |(reason, _)| reason);
    reason.trim()
}

pub(super) fn embedded_failed(error: impl Display) -> Advice {
    advice(error.to_string(), "Fix this, then run `vouch doctor` again.")
}

pub(super) fn replica() -> Advice {
    advice(
        "the server is a read-only replica",
        "Set DATABASE_URL to the primary, or promote this server.",
    )
}

pub(super) fn read_only() -> Advice {
    advice(
        "the database is read-only",
        // copy: SQL
        "As superuser, run ALTER DATABASE vouch RESET default_transaction_read_only; ALTER ROLE vouch RESET default_transaction_read_only;",
    )
}

pub(super) const WRITABLE: &str = "the database accepts writes";

pub(super) fn wrong_encoding(encoding: &str) -> Advice {
    advice(
        format!("the encoding {encoding} can't store every name"),
        "Create a database with `CREATE DATABASE vouch OWNER vouch_owner ENCODING 'UTF8' TEMPLATE template0;`.",
    )
}

pub(super) fn server(version: impl Display, is_embedded: bool) -> String {
    let kind = if is_embedded { "run by Vouch" } else { "from DATABASE_URL" };
    format!("PostgreSQL {version}, {kind}")
}

pub(super) fn too_old(error: impl Display) -> Advice {
    advice(error.to_string(), "Install PostgreSQL 14 or newer, and move the database there.")
}

pub(super) fn unsafe_role(error: impl Display) -> Advice {
    advice(error.to_string(), "docs/postgresql.md shows how to create the roles.")
}

pub(super) const ROLE: &str = "row security applies to Vouch's role";

pub(super) fn migrations_unknown(error: impl Display) -> Advice {
    advice(error.to_string(), "Fix any problems above first.")
}

pub(super) fn newer_database(migrations: usize) -> Advice {
    let unknown = counted(migrations, "migration", "migrations");
    advice(
        format!("a newer version of Vouch ran {unknown} that this version doesn't have"),
        "Install that version here, or restore the backup from before the upgrade.",
    )
}

pub(super) fn migrations_pending(migrations: usize) -> Advice {
    advice(
        format!("{} pending", counted(migrations, "migration is", "migrations are")),
        "Run `vouch migrate`, or start `vouch serve`, which runs them.",
    )
}

pub(super) const MIGRATED: &str = "none is pending";

pub(super) const RIGHTS: &str =
    "Vouch's role can read and write rows, and only append to the audit log and the ledger";

pub(super) fn wrong_grants(found: &str) -> Advice {
    advice(format!("Vouch's role {found}"), "Run `vouch migrate`, which sets its grants.")
}

pub(super) fn role_owns_schema(found: &str) -> Advice {
    advice(
        format!("Vouch's role {found}"),
        format!(
            "As superuser in this database, run {} Then run `vouch migrate` with vouch_owner in \
             VOUCH_OWNER_DATABASE_URL.",
            migrate::SQL_FOR_OWNER
        ),
    )
}

pub(super) const SETTINGS: &str =
    "SQL statements can't change the settings that separate merchants";

pub(super) fn settings_unprotected() -> Advice {
    advice(
        "SQL statements can change the settings that separate merchants",
        format!(
            "As superuser in this database, run {} Leave out the line with vouch_owner if that role doesn't exist.",
            migrate::SQL_FOR_SETTINGS
        ),
    )
}

pub(super) const EXTENSIONS: &str = "all are installed";

pub(super) fn extensions_missing(names: &[&str]) -> Advice {
    let lines: Vec<String> = names.iter().map(|name| format!("CREATE EXTENSION {name};")).collect();
    advice(
        format!("not installed: {}", names.join(", ")),
        format!("As owner of the database, run {}", lines.join(" ")),
    )
}

pub(super) const SEARCH: &str = "searches use the indexes";

pub(super) fn search_slow() -> Advice {
    advice(
        "row security keeps searches from using the indexes",
        format!("As superuser in this database, run {}", migrate::SQL_FOR_LEAKPROOF),
    )
}

pub(super) const DURABLE: &str = "acknowledged orders survive a power failure";

pub(super) fn not_durable(setting: &str) -> Advice {
    advice(
        format!("{setting} is off, so an acknowledged order can be lost"),
        format!("As superuser, run ALTER SYSTEM SET {setting} = on; SELECT pg_reload_conf();"),
    )
}

pub(super) fn too_few_connections(max: i32, needed: u32) -> Advice {
    advice(
        format!("the server allows {max}, and Vouch needs {needed}"),
        "Lower VOUCH_PAGE_CONNECTIONS, or raise max_connections on the server.",
    )
}

pub(super) fn connections(max: i32, needed: u32) -> String {
    format!("Vouch needs {needed} of the server's {max}")
}

pub(super) const ROW_SECURITY: &str = "on and forced for every table with merchants' data";

pub(super) fn row_security_flaws(flaws: &[String], steps: &[String]) -> Advice {
    advice(
        format!("merchants aren't separated in {}", flaws.join(", ")),
        format!("Stop Vouch, and as the owner of the tables run {}", steps.join(" ")),
    )
}

pub(super) fn clocks_differ(seconds: i64) -> Advice {
    let seconds = counted(seconds, "second", "seconds");
    advice(
        format!("the clocks of this machine and the database differ by {seconds}"),
        "Set up a time server for both (on Debian `apt-get install systemd-timesyncd`).",
    )
}

pub(super) const CLOCK: &str = "the clocks of this machine and the database agree";

pub(super) fn time_zones_differ(zone: impl Display) -> Advice {
    advice(
        format!(
            "the database's rules for {zone} differ from Vouch's, so days can start at different times"
        ),
        "Update the time zones (tzdata) on the database's machine, or update Vouch.",
    )
}

pub(super) const TIME_ZONES: &str = "the database has the same rules";

// Secrets

pub(super) const SECRET_KEY: &str = "matches the database";
pub(super) const NO_ROTATION: &str = "none was interrupted";

pub(super) fn rotation_interrupted() -> Advice {
    advice("a key rotation was interrupted", "Stop Vouch, and run `vouch rotate-key` to finish it.")
}

pub(super) fn secrets(number: usize) -> String {
    match number {
        0 => "no secrets are stored yet".to_owned(),
        number => format!("the secret key decrypts {}", counted(number, "secret", "secrets")),
    }
}

pub(super) fn store_secrets_unreadable(stores: &[String]) -> Advice {
    advice(
        format!("the secret key doesn't decrypt the secrets of {}", stores.join(", ")),
        "Set VOUCH_SECRET_KEY to the key that encrypted them, or ask the merchants to enter them again in Account > Settings.",
    )
}

pub(super) fn two_factor_unreadable(emails: &[String]) -> Advice {
    advice(
        format!(
            "the secret key doesn't decrypt the secrets of {}, so only their recovery codes work",
            emails.join(", ")
        ),
        "Set VOUCH_SECRET_KEY to the key that encrypted them, or run `vouch two-factor remove` for each user.",
    )
}

pub(super) fn pseudonyms_unreadable(unreadable: usize, all: usize) -> Advice {
    advice(
        format!(
            "the secret key doesn't decrypt {unreadable} of {all} erasure keys, so erased people's data can reappear"
        ),
        "Set VOUCH_SECRET_KEY to the key that encrypted them.",
    )
}

// Stores

/// `Tea on Shopify of Acme (the token was revoked), 2 more`.
pub(super) fn store_list(rows: &[(String, String, Option<String>)], max: usize) -> String {
    let mut listed: Vec<String> = rows
        .iter()
        .take(max)
        .map(|(store, merchant, why)| {
            let why = why.as_deref().unwrap_or_default();
            format!("{store} of {merchant} ({why})")
        })
        .collect();
    if rows.len() > max {
        listed.push(format!("{} more", rows.len() - max));
    }
    listed.join(", ")
}

pub(super) const STORE_ACCESS: &str = "no store rejects Vouch's credentials";

pub(super) fn stores_refuse(stores: &str) -> Advice {
    advice(
        format!("these stores reject Vouch's credentials: {stores}"),
        "Ask the merchant to enter new API credentials in Account > Settings.",
    )
}

pub(super) const STORE_WEBHOOKS: &str = "no webhook is missing";

pub(super) fn webhooks_missing(stores: &str) -> Advice {
    advice(
        format!("webhooks are missing or misconfigured, so orders arrive late: {stores}"),
        "Check VOUCH_PUBLIC_URL. Then ask the merchant to fix the webhooks as shown in Account > Settings.",
    )
}

pub(super) const STORE_JOBS: &str = "no store's calls fail repeatedly";

pub(super) fn calls_failing(stores: &str) -> Advice {
    advice(
        format!("calls fail repeatedly: {stores}"),
        "Vouch retries automatically. If a store isn't down or limiting calls, check that this machine \
         can reach it.",
    )
}

pub(super) const STORE_CLOCKS: &str = "none differs from this machine's, as far as Vouch knows";

pub(super) fn store_clock(behind_seconds: i64, is_certain: bool) -> String {
    let direction = if behind_seconds > 0 { "behind" } else { "ahead" };
    let maybe = if is_certain { "" } else { "perhaps " };
    format!("{maybe}{} s {direction}", behind_seconds.abs())
}

pub(super) fn store_clocks_differ(stores: &str) -> Advice {
    advice(
        format!("these clocks differ from this machine's: {stores}"),
        "Set up a time server for this machine and the stores you host. Vouch corrects \
         order times that affect attribution.",
    )
}

// Background work

pub(super) fn several_versions(processes: &[String]) -> Advice {
    advice(
        format!("several versions of Vouch run on this database: {}", processes.join(", ")),
        "Restart the older processes with the newest version.",
    )
}

pub(super) const NOT_RUNNING: &str = "Vouch isn't running now";
pub(super) const QUEUES_NOT_CHECKED: &str = "not checked, because Vouch isn't running now";

pub(super) fn processes(number: usize, first: impl Display) -> String {
    if number == 1 { format!("{first} is running") } else { format!("{number} are running") }
}

pub(super) const QUEUES: &str = "no background work is overdue";

pub(super) fn late_work(queues: &[(String, i64)]) -> Advice {
    let listed: Vec<String> = queues
        .iter()
        .map(|(name, minutes)| format!("{name} ({})", counted(*minutes, "minute", "minutes")))
        .collect();
    advice(
        format!("background work is overdue: {}", listed.join(", ")),
        "Check that a process runs the background workers (`vouch serve` without --web-only), and read its log.",
    )
}

pub(super) const NONE_FAILED: &str = "none failed";

pub(super) fn recalculations_failed(number: i64, reason: &str) -> Advice {
    advice(
        format!("{number} failed, so some orders have outdated commission (last error: {reason})"),
        "Fix the cause and restart Vouch to retry.",
    )
}

pub(super) fn emails_failed(number: i64, reason: &str) -> Advice {
    advice(
        format!("{number} failed (last error: {reason})"),
        "Fix the cause, then ask support staff to retry them on /support/emails.",
    )
}

pub(super) fn deliveries_failed(left: i64, retried: i64) -> Advice {
    let mut detail = format!("{left} failed and need attention");
    if retried > 0 {
        detail.push_str(&format!(", and {retried} are retried automatically"));
    }
    advice(
        detail,
        "Owners and admins can retry them on the merchant's Webhooks page. Vouch retries them when a new version starts.",
    )
}

pub(super) fn deliveries_retried(retried: i64) -> Advice {
    advice(
        format!("{retried} failed, and Vouch retries them automatically"),
        "Run `vouch doctor` again later. Members see the reasons on the merchant's Webhooks page.",
    )
}

pub(super) const RETENTION: &str = "no data is overdue for deletion";

pub(super) fn retention_overdue(kinds: &[(String, i64)]) -> Advice {
    let listed: Vec<String> = kinds.iter().map(|(name, rows)| format!("{name} ({rows})")).collect();
    advice(
        format!("data is overdue for deletion: {}", listed.join(", ")),
        "Run the background workers (`vouch serve`), and look for `task_failed` in their log.",
    )
}
