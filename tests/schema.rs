//! `src/kit/db/schema.rs` is what the migrations make, and every migration can be taken back.

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::{Connection as _, PgConnection};
use diesel_migrations::MigrationHarness as _;
use vouch::kit::db::embedded::{EmbeddedOptions, EmbeddedServer};
use vouch::kit::db::migrate::{self, Addresses, MIGRATIONS};

#[test]
#[ignore = "needs the diesel command; script/test installs it and runs this"]
fn the_schema_is_fresh_also_after_every_migration_was_reverted_and_applied_again() {
    let folder = std::env::temp_dir().join(format!("vouch-test-schema-{}", std::process::id()));
    let options = EmbeddedOptions {
        data_dir: folder.clone(),
        pg_bin: None,
        extra_settings: vec![("fsync".to_owned(), "off".to_owned())],
    };
    std::fs::create_dir_all(&folder).unwrap();
    let server = EmbeddedServer::start(&options).unwrap();
    server.create_database("fresh").unwrap();
    let (url, server_url) = (server.owner_url_of("fresh"), server.url("fresh"));
    let addresses = Addresses { owner: &url, server: &server_url };

    migrate::run_pending(addresses).unwrap();
    let kept = std::fs::read_to_string(root().join("src/kit/db/schema.rs")).unwrap();
    assert_same(&kept, &print_schema(&url), "src/kit/db/schema.rs is not what the migrations make");

    let mut conn = PgConnection::establish(&url).unwrap();
    conn.revert_all_migrations(MIGRATIONS).unwrap();
    assert!(!print_schema(&url).contains("table!"), "a down.sql leaves tables behind");
    migrate::run_pending(addresses).unwrap();
    assert_same(&kept, &print_schema(&url), "a down.sql leaves something behind");

    drop(conn);
    server.stop();
    std::fs::remove_dir_all(&folder).unwrap();
}

fn print_schema(url: &str) -> String {
    let output = Command::new("diesel")
        .args(["print-schema", "--database-url", url])
        .current_dir(root())
        .output()
        .expect("the diesel command is missing: run script/test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn assert_same(kept: &str, made: &str, message: &str) {
    let differs = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made);
    let at = differs.unwrap_or_else(|| kept.lines().count().min(made.lines().count()));
    assert!(
        kept == made,
        "{message}: first difference in line {}. Run diesel print-schema.",
        at + 1
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
