//! What commands print, except `vouch doctor`. Errors follow "vouch: " on one line, so they begin in
//! lower case.

use std::fmt::Display;
use std::path::Path;

use crate::kit::web::numbers::{counted, thousands};

pub(super) const OUTPUT_LOST: &str = "the output couldn't be written";
pub(super) const DATABASE_UNREACHABLE: &str = "can't connect to the database";

// Users

pub(super) const NOT_AN_EMAIL: &str = "enter an email, such as ana@example.com";

pub(super) fn unknown_user(email: &str) -> String {
    format!("no user has the email {email}")
}

/// The password is only stored as a hash, so this is the only time it's shown.
pub(super) fn sign_in(public_url: &str, email: &str, password: &str) -> String {
    format!(
        "Sign in at {public_url}/login\n  Email:    {email}\n  Password: {password}\n\
         Save the password. Vouch won't show it again."
    )
}

pub(super) fn user_disabled(email: &str, ended: &str) -> String {
    format!("Disabled {email}. {ended}")
}

pub(super) fn user_already_disabled(email: &str) -> String {
    format!("{email} is already disabled.")
}

pub(super) fn user_enabled(email: &str) -> String {
    format!("Enabled {email}. They can sign in again.")
}

pub(super) fn user_not_disabled(email: &str) -> String {
    format!("{email} wasn't disabled.")
}

pub(super) fn two_factor_off(email: &str, is_support: bool) -> String {
    let off = format!("Two-factor sign-in is off for {email}, and all their sessions ended.");
    if is_support {
        format!("{off}\nSupport staff must set up two-factor sign-in again when they sign in.")
    } else {
        off
    }
}

pub(super) fn two_factor_already_off(email: &str) -> String {
    format!("Two-factor sign-in was already off for {email}. Nothing was changed.")
}

// Support staff

pub(super) fn support_created(name: &str) -> String {
    format!("Created the support user {name}.")
}

pub(super) const SUPPORT_SETS_UP_TWO_FACTOR: &str =
    "This user sets up two-factor sign-in when they first sign in.";

pub(super) fn support_added(email: &str) -> String {
    format!("{email} is now support staff and must sign in again.")
}

pub(super) fn support_already_added(email: &str) -> String {
    format!("{email} is already support staff.")
}

pub(super) fn support_removed(email: &str, ended: &str) -> String {
    format!("{email} is no longer support staff. {ended}")
}

pub(super) fn support_not_added(email: &str) -> String {
    format!("{email} wasn't support staff.")
}

// Merchants

pub(super) fn unknown_merchant(slug: &str) -> String {
    format!("no merchant has the slug {slug}")
}

pub(super) fn merchant_created(name: &str, slug: &str) -> String {
    format!("Created the merchant {name} ({slug}).")
}

pub(super) fn owner_keeps_password(email: &str) -> String {
    format!("{email} is the owner and keeps their password.")
}

pub(super) fn merchant_closed(slug: &str, ended: &str) -> String {
    format!("Closed {slug}. {ended}")
}

pub(super) fn merchant_already_closed(slug: &str) -> String {
    format!("{slug} is already closed.")
}

pub(super) fn merchant_reopened(slug: &str) -> String {
    format!("Reopened {slug}. Members and affiliates can sign in again.")
}

pub(super) fn merchant_not_closed(slug: &str) -> String {
    format!("{slug} wasn't closed.")
}

// Emails

pub(super) const NO_EMAILS: &str = "No emails yet.";

pub(super) fn no_held_email(id: i64) -> String {
    format!("email {id} isn't waiting to be sent")
}

pub(super) fn email(recipient: &str, subject: &str, text: &str) -> String {
    format!("To: {recipient}\nSubject: {subject}\n\n{text}")
}

// People

pub(super) const UNKNOWN_PERSON: &str = "no data was found for this email";
pub(super) const PERSON_NOT_FOUND: &str = "No data was found for this email.";
pub(super) const PERSON_NOT_ERASED: &str =
    "Nothing was erased. To erase this person, run the command with --yes.";

/// In how many rows of a program a person is found.
pub(super) struct PersonCounts {
    pub(super) orders: usize,
    pub(super) affiliates: usize,
    pub(super) applications: usize,
    pub(super) triggers: usize,
}

pub(super) fn person_found(slug: &str, counts: &PersonCounts) -> String {
    format!(
        "{slug}: {}, {}, {}, {}",
        counted(counts.orders, "order", "orders"),
        counted(counts.affiliates, "affiliate", "affiliates"),
        counted(counts.applications, "application", "applications"),
        counted(counts.triggers, "Customer Email trigger", "Customer Email triggers"),
    )
}

pub(super) fn person_erased(slug: &str, orders: usize, affiliates: usize) -> String {
    format!(
        "{slug}: erased from {} and {}",
        counted(orders, "order", "orders"),
        counted(affiliates, "affiliate", "affiliates"),
    )
}

// The database

pub(super) fn migration_applied(name: &str) -> String {
    format!("Applied {name}.")
}

pub(super) const UP_TO_DATE: &str = "The database is up to date.";

pub(super) fn file_exists(file: &Path) -> String {
    format!("{} already exists. Choose another file name", file.display())
}

pub(super) fn no_file(file: &Path) -> String {
    format!("there is no file {}", file.display())
}

pub(in crate::app::commands) fn not_a_backup(file: &Path) -> String {
    format!("{} isn't a backup that pg_restore can read", file.display())
}

pub(super) fn empty_backup(file: &Path) -> String {
    format!("{} contains no Vouch tables", file.display())
}

pub(super) fn incomplete_backup(difference: &str) -> String {
    format!("the backup was incomplete, so it was deleted ({difference})")
}

pub(super) fn incomplete_restore(difference: &str) -> String {
    format!("the restored database differs from the backup ({difference})")
}

pub(super) const DATABASE_NOT_EMPTY: &str =
    "the database isn't empty. Restore into a new database, or set VOUCH_DATA to a new folder";

pub(super) const BACKUP_ROLE_MISSING: &str = "the role in DATABASE_URL can't read every row. In \
     VOUCH_BACKUP_DATABASE_URL, use a superuser or a role with BYPASSRLS (docs/backup.md)";

pub(super) const BACKUP_ROLE_BOUND: &str = "row security hides rows from the role in \
     VOUCH_BACKUP_DATABASE_URL. Give it BYPASSRLS, or use a superuser (docs/backup.md)";

pub(super) fn backed_up(rows: i64, tables: usize, file: &Path) -> String {
    format!(
        "Backed up {} in {} to {}.\n\
         Store the secret key separately. Without it, the store credentials in this backup can't be decrypted.",
        counted(rows, "row", "rows"),
        counted(tables, "table", "tables"),
        file.display()
    )
}

pub(super) fn restored(rows: i64, tables: usize) -> String {
    format!("Restored {} in {}.", counted(rows, "row", "rows"), counted(tables, "table", "tables"))
}

pub(super) const RESTORED_OLDER_VERSION: &str = "Start Vouch to run the pending migrations.";
pub(super) const RESTORED_WITH_KEY: &str = "The secret key matches. Start Vouch.";

pub(super) fn restored_without_key(next: &str) -> String {
    format!("The secret key doesn't match this backup. {next}")
}

pub(in crate::app::commands) fn row_difference(table: &str, found: i64, expected: i64) -> String {
    format!("{table} has {found} of {expected} rows")
}

pub(in crate::app::commands) fn program_missing(program: &str) -> String {
    format!("can't run {program}. Install PostgreSQL's client programs, or set VOUCH_PG_BIN")
}

// The secret key

pub(super) const NEW_KEY_NEEDED: &str =
    "set VOUCH_NEW_SECRET_KEY to the new key, because the current key comes from VOUCH_SECRET_KEY";

pub(super) const NEW_KEY_NOT_NEEDED: &str = "remove VOUCH_NEW_SECRET_KEY, because the key is in the data folder and Vouch creates the new one";

pub(super) fn key_rotated(encrypted: usize, unreadable: usize) -> String {
    let mut lines = format!("Store secrets encrypted with the new key: {encrypted}.");
    if unreadable > 0 {
        lines.push_str(&format!(
            "\nStore secrets that neither key decrypts: {unreadable}. Merchants must enter them again in \
             Account > Settings. `vouch doctor` names the stores."
        ));
    }
    lines + "\nEveryone must sign in again. The link to the first-run page has changed."
}

pub(super) const SET_NEW_KEY: &str = "Set VOUCH_SECRET_KEY to the new key, then start Vouch.";
pub(super) const START_WITH_NEW_KEY: &str =
    "The new key is in the data folder. Start every Vouch process again.";

// The server

pub(super) const WORKERS_STARTED: &str = "Background workers are running.";

/// Tests and service managers read the address after "listening on".
pub(super) fn ready(public_url: &str, address: impl Display) -> String {
    format!("Vouch is ready at {public_url}, listening on {address}.")
}

pub(super) fn first_run(link: &str) -> String {
    format!("Set up your program: {link}")
}

// The demo

pub(super) fn demo_loaded(is_new: bool) -> &'static str {
    match is_new {
        true => "Loaded the demo program Juniper & Sage with three months of orders.",
        false => "The demo program Juniper & Sage already exists. Its data wasn't changed.",
    }
}

pub(super) fn bulk_progress(what: &str, done: u64, total: u64, per_second: u64) -> String {
    format!(
        "{:>12} of {} {what} ({} per second)",
        thousands(done),
        thousands(total),
        thousands(per_second)
    )
}

pub(super) fn bulk_loaded(seconds: u64) -> String {
    format!("Loaded Meridian Outfitters in {}.", counted(seconds, "second", "seconds"))
}

pub(super) const BULK_EXISTS: &str =
    "A demo program of this size already exists. Its data wasn't changed.";

pub(super) const DEMO_SUPPORT: &str =
    "The support user sets up two-factor sign-in when they first sign in.";

pub(super) const DEMO_STORE_DISCONNECTED: &str =
    "The demo store is disconnected, so you can't send test orders.";

pub(super) fn demo_order(what: &str, code: &str) -> String {
    format!("To send {what} with the code {code}, run this command. It prints 200 on success.")
}

pub(super) fn demo_updates(refund: &str, update: &str) -> String {
    format!("Then send {refund} and {update}, in any sequence and as often as you like:")
}
