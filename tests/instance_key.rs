//! The secret key of an instance: no command goes on with another one, and it's never rotated under a
//! server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use vouch::kit::db::schema::{instance_key, server_processes, stores};

use crate::commands::{Instance, text};

const KEY: [u8; 32] = [0xba; 32];

fn keep(file: &Path, key: &str) {
    fs::write(file, key).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// An instance with one store, whose secret is encrypted with `KEY` in the data folder.
fn with_secret(name: &str) -> Instance {
    let here = Instance::new(name);
    keep(&here.folder.join("secret.key"), &hex::encode(KEY));
    here.connect_store("tea.myshopify.com");
    here
}

/// The command is refused, in one line that says what to do.
fn refused(here: &Instance, arguments: &[&str], next: &str) {
    let output = here.output(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("vouch: ") && last.contains(next), "{arguments:?}: {said}");
}

#[test]
fn without_its_key_file_no_command_makes_a_new_key() {
    let here = with_secret("key-gone");
    let file = here.folder.join("secret.key");
    fs::remove_file(&file).unwrap();
    for _ in 0..2 {
        refused(&here, &["serve"], "secret.key");
        refused(&here, &["mail", "list"], "secret.key");
        let output = here.output(&["doctor"]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        assert!(!file.exists(), "a key that may not be used isn't left behind");
    }
    keep(&file, &hex::encode(KEY));
    let serving = here.serve();
    serving.signal(libc::SIGTERM);
    assert_eq!(serving.ended().code(), Some(0));
}

#[test]
fn with_another_key_no_command_goes_on() {
    let here = with_secret("key-other");
    let other = format!("--secret-key={}", "ab".repeat(32));
    refused(&here, &["serve", &other], "VOUCH_SECRET_KEY");
    refused(&here, &["mail", "list", &other], "VOUCH_SECRET_KEY");
    keep(&here.folder.join("secret.key"), &"ab".repeat(32));
    refused(&here, &["serve"], "VOUCH_SECRET_KEY");
    refused(&here, &["rotate-key"], "--key-lost");
}

#[test]
fn an_existing_database_learns_its_key_from_the_first_that_decrypts() {
    let here = with_secret("key-older");
    // As an older version has left it.
    here.within_database(|conn| diesel::delete(instance_key::table).execute(conn));
    refused(&here, &["mail", "list", &format!("--secret-key={}", "ab".repeat(32))], "encrypted");
    assert_eq!(here.output(&["mail", "list"]).status.code(), Some(0));
    let known: i64 = here.within_database(|conn| instance_key::table.count().get_result(conn));
    assert_eq!(known, 1);
}

#[test]
fn an_instance_without_secrets_may_get_a_new_key() {
    let here = Instance::new("key-unneeded");
    assert_eq!(here.output(&["mail", "list"]).status.code(), Some(0));
    fs::remove_file(here.folder.join("secret.key")).unwrap();
    assert_eq!(here.output(&["mail", "list"]).status.code(), Some(0));
    let key = fs::read_to_string(here.folder.join("secret.key")).unwrap();
    assert_eq!(key.trim().len(), 64, "it's in use");
}

#[test]
fn a_key_that_is_lost_for_good_is_replaced_on_request() {
    let here = with_secret("key-lost");
    fs::remove_file(here.folder.join("secret.key")).unwrap();
    refused(&here, &["rotate-key"], "--key-lost");
    let output = here.output(&["rotate-key", "--key-lost"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(here.output(&["mail", "list"]).status.code(), Some(0), "it goes on");
    let said = text(&here.output(&["doctor"]).stdout);
    assert!(said.contains("problem  store secrets"), "what has to be entered again: {said}");
}

#[test]
fn the_key_is_not_rotated_while_a_server_runs() {
    let here = with_secret("key-served");
    let secret = |here: &Instance| -> Option<Vec<u8>> {
        here.within_database(|conn| stores::table.select(stores::webhook_secret).first(conn))
    };
    let before = secret(&here);
    let serving = here.serve();
    refused(&here, &["rotate-key"], "vouch rotate-key");
    assert_eq!(secret(&here), before);
    assert!(!here.folder.join("secret.key.next").exists(), "a refusal leaves nothing behind");
    serving.signal(libc::SIGTERM);
    assert_eq!(serving.ended().code(), Some(0));
    let output = here.output(&["rotate-key"]);
    assert_eq!(output.status.code(), Some(0), "it said goodbye: {}", text(&output.stderr));

    // One that was killed is waited out, by the database's clock.
    let serving = here.serve();
    serving.signal(libc::SIGKILL);
    serving.ended();
    refused(&here, &["rotate-key"], "vouch rotate-key");
    here.within_database(|conn| {
        diesel::update(server_processes::table)
            .set(server_processes::seen_at.eq(sql::<Timestamptz>("now() - interval '1 minute'")))
            .execute(conn)
    });
    assert_eq!(here.output(&["rotate-key"]).status.code(), Some(0));
}

#[test]
fn a_server_whose_key_was_rotated_behind_it_ends() {
    let here = with_secret("key-changed");
    let serving = here.serve();
    here.within_database(|conn| {
        diesel::update(instance_key::table)
            .set(instance_key::fingerprint.eq(vec![1_u8; 16]))
            .execute(conn)
    });
    assert_eq!(serving.ended().code(), Some(0));
}

#[test]
fn a_rotation_that_was_broken_off_keeps_servers_out_and_is_finished_by_itself() {
    let here = with_secret("key-broken-off");
    let (file, next) = (here.folder.join("secret.key"), here.folder.join("secret.key.next"));
    assert_eq!(here.output(&["rotate-key"]).status.code(), Some(0));
    let rotated = fs::read_to_string(&file).unwrap();
    // As if it had been killed before the new key took its place.
    keep(&next, &rotated);
    keep(&file, &hex::encode(KEY));
    refused(&here, &["serve"], "vouch rotate-key");
    let said = text(&here.output(&["doctor"]).stdout);
    assert!(said.contains("vouch rotate-key"), "{said}");
    for _ in 0..2 {
        assert_eq!(here.output(&["rotate-key"]).status.code(), Some(0));
    }
    let serving = here.serve();
    serving.signal(libc::SIGTERM);
    assert_eq!(serving.ended().code(), Some(0));
}
