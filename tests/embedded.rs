//! The embedded PostgreSQL server, really started, in folders that go with the test.

use crate::harness::on_this_machine;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use vouch::kit::db::embedded::{EmbeddedError, EmbeddedOptions, EmbeddedServer};
use vouch::kit::db::migrate::{self, Addresses, MigrateError};

use crate::harness::program::{eventually, signal};

/// A data folder. When it goes, a server that a test has left behind goes too.
struct DataFolder(PathBuf);

impl DataFolder {
    fn new(name: &str) -> Self {
        Self::at(std::env::temp_dir().join(format!("vouch-test-{name}-{}", std::process::id())))
    }

    fn at(path: PathBuf) -> Self {
        // Others may pass through: as root, the server runs as another user.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(&path).unwrap();
        Self(fs::canonicalize(path).unwrap())
    }

    fn options(&self) -> EmbeddedOptions {
        EmbeddedOptions {
            data_dir: self.0.clone(),
            pg_bin: None,
            extra_settings: vec![
                ("fsync".to_owned(), "off".to_owned()),
                ("shared_buffers".to_owned(), "16MB".to_owned()),
            ],
        }
    }

    fn start(&self) -> EmbeddedServer {
        EmbeddedServer::start(&self.options()).unwrap()
    }

    fn postmaster(&self) -> Option<i32> {
        let content = fs::read_to_string(self.0.join("postgres/postmaster.pid")).ok()?;
        content.lines().next()?.parse().ok()
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if let Some(pid) = self.postmaster() {
            signal(pid, libc::SIGQUIT);
            let begun = Instant::now();
            while signal(pid, 0) && begun.elapsed() < on_this_machine(Duration::from_secs(5)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap()
}

fn text(conn: &mut PgConnection, query: &str) -> String {
    diesel::select(sql::<Text>(query)).get_result(conn).unwrap()
}

fn is_true(conn: &mut PgConnection, query: &str) -> bool {
    diesel::select(sql::<Bool>(query)).get_result(conn).unwrap()
}

/// Both roles of a database, as migrations take them.
fn migrate_as(owner: &str, server: &str) -> Result<Vec<String>, MigrateError> {
    migrate::run_pending(Addresses { owner, server })
}

fn migrated(server: &EmbeddedServer) -> PgConnection {
    migrate_as(&server.owner_url(), &server.app_url()).unwrap();
    connect(&server.app_url())
}

#[test]
fn the_application_is_a_guest_in_its_database_and_is_bound_by_row_security() {
    let folder = DataFolder::new("roles");
    let server = folder.start();
    let mut conn = migrated(&server);
    assert_eq!(text(&mut conn, "current_user::text"), "vouch");
    assert_eq!(text(&mut conn, "current_database()::text"), "vouch");
    assert!(is_true(
        &mut conn,
        "(SELECT pg_get_userbyid(datdba) = 'vouch_owner' FROM pg_database WHERE datname = 'vouch')"
    ));
    assert_eq!(text(&mut conn, "current_setting('data_checksums')"), "on");
    assert_eq!(text(&mut conn, "current_setting('listen_addresses')"), "");
    assert_eq!(text(&mut conn, "lower('ŁÓDŹ')"), "łódź");
    assert!(migrate::like_is_leakproof(&mut conn).unwrap());
    assert!(migrate::missing_extensions(&mut conn).unwrap().is_empty());
    assert_eq!(migrate::rights_to_fix(&mut conn).unwrap(), [""; 0]);
    assert!(!migrate::can_change_settings(&mut conn).unwrap());
    migrate::check_server(&mut conn).unwrap();
    migrate::check_server(&mut connect(&server.owner_url())).unwrap();
    for ddl in ["CREATE TABLE mine (word text)", "TRUNCATE audit_log", "DROP TABLE orders"] {
        assert!(sql_query(ddl).execute(&mut conn).is_err(), "{ddl}");
    }
}

/// Takes everything back that tells the owner from the application: as Vouch made folders before.
fn as_it_was_before(server: &EmbeddedServer) {
    let mut admin = connect(&server.admin_url_of("vouch"));
    for statement in [
        "ALTER DATABASE vouch OWNER TO vouch",
        "REASSIGN OWNED BY vouch_owner TO vouch",
        "DROP OWNED BY vouch_owner",
        "DROP ROLE vouch_owner",
        // copy: SQL
        "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
        "GRANT TEMPORARY ON DATABASE vouch TO PUBLIC",
    ] {
        sql_query(statement).execute(&mut admin).unwrap();
    }
}

#[test]
fn an_older_folder_is_handed_over_with_everything_in_it() {
    let folder = DataFolder::new("handed-over");
    let server = folder.start();
    let add =
        "INSERT INTO users (email, email_key, name) VALUES ('a@x.example', 'a@x.example', 'A')";
    sql_query(add).execute(&mut migrated(&server)).unwrap();
    as_it_was_before(&server);
    assert_eq!(migrate_as(&server.app_url(), &server.app_url()).unwrap(), [""; 0], "one role");
    let mut conn = connect(&server.app_url());
    assert!(migrate::rights_to_fix(&mut conn).unwrap().contains(&"owns tables"));
    assert!(migrate::can_change_settings(&mut conn).unwrap());
    drop(conn);
    server.stop();
    // A map of an older Vouch, which a server that still runs has read.
    let rules = folder.0.join("postgres/pg_ident.conf");
    let known = fs::read_to_string(&rules).unwrap();
    let older: Vec<&str> = known.lines().filter(|line| !line.ends_with("vouch_owner")).collect();
    fs::write(&rules, format!("{}\n", older.join("\n"))).unwrap();

    for _ in 0..2 {
        let server = folder.start();
        let mut conn = migrated(&server);
        assert_eq!(migrate::rights_to_fix(&mut conn).unwrap(), [""; 0]);
        assert!(!migrate::can_change_settings(&mut conn).unwrap());
        assert!(is_true(&mut conn, "(SELECT count(*) = 1 FROM users)"), "what was there is there");
        drop(conn);
        server.stop();
    }
}

#[test]
fn a_running_server_of_an_older_vouch_lets_the_owner_in() {
    let folder = DataFolder::new("still-running");
    let older = folder.start();
    let rules = folder.0.join("postgres/pg_ident.conf");
    let known = fs::read_to_string(&rules).unwrap();
    let kept: Vec<&str> = known.lines().filter(|line| !line.ends_with("vouch_owner")).collect();
    fs::write(&rules, format!("{}\n", kept.join("\n"))).unwrap();
    let mut admin = connect(&older.admin_url());
    sql_query("SELECT pg_reload_conf()").execute(&mut admin).unwrap();
    eventually("the owner is kept out", || PgConnection::establish(&older.owner_url()).is_err());
    let newer = folder.start();
    assert_eq!(text(&mut connect(&newer.owner_url()), "current_user::text"), "vouch_owner");
}

#[test]
fn a_role_that_does_not_own_the_schema_only_finds_it_up_to_date() {
    let folder = DataFolder::new("not-owner");
    let server = folder.start();
    let error = migrate_as(&server.app_url(), &server.app_url()).unwrap_err();
    assert!(matches!(error, MigrateError::NotOwner { .. }), "{error}");
    let line = error.to_string();
    assert!(line.contains("VOUCH_OWNER_DATABASE_URL") && !line.contains('\n'), "{line}");
    migrated(&server);
    assert_eq!(migrate_as(&server.app_url(), &server.app_url()).unwrap(), [""; 0]);
}

#[test]
fn a_superuser_is_refused_with_the_line_that_makes_a_proper_role() {
    let folder = DataFolder::new("superuser");
    let server = folder.start();
    let url = server.admin_url_of("vouch");
    let error = migrate_as(&url, &url).unwrap_err();
    assert!(matches!(error, MigrateError::BypassesRowSecurity { .. }), "{error}");
    let error = migrate_as(&url, &server.app_url()).unwrap_err();
    assert!(matches!(error, MigrateError::BypassesRowSecurity { .. }), "{error}");
    let line = error.to_string();
    assert!(line.contains("CREATE ROLE vouch LOGIN") && !line.contains('\n'), "{line}");
}

#[test]
fn migrations_run_once_however_many_start() {
    let folder = DataFolder::new("migrate");
    let server = folder.start();
    let (owner, url) = (server.owner_url(), server.app_url());
    let applied: usize = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..4).map(|_| scope.spawn(|| migrate_as(&owner, &url).unwrap().len())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).sum()
    });
    let mut conn = connect(&url);
    let known: i64 =
        diesel::select(sql::<BigInt>("(SELECT count(*) FROM __diesel_schema_migrations)"))
            .get_result::<i64>(&mut conn)
            .unwrap_or_default();
    assert_eq!(i64::try_from(applied).unwrap(), known);
    assert!(migrate::pending(&mut conn).unwrap().is_empty());
}

#[test]
fn only_the_user_of_the_server_can_reach_it() {
    let folder = DataFolder::new("private");
    let _server = folder.start();
    for private in ["postgres", "socket"] {
        let mode = fs::metadata(folder.0.join(private)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{private}");
    }
}

#[test]
fn data_survives_a_stop_and_a_start() {
    let folder = DataFolder::new("restart");
    let server = folder.start();
    sql_query("CREATE TABLE kept (word text)").execute(&mut connect(&server.owner_url())).unwrap();
    let pid = folder.postmaster().unwrap();
    server.stop();
    assert!(!signal(pid, 0), "the last user has stopped the server");

    let server = folder.start();
    assert!(is_true(&mut connect(&server.app_url()), "to_regclass('kept') IS NOT NULL"));
}

#[test]
fn two_users_share_one_server_and_the_last_one_stops_it() {
    let folder = DataFolder::new("shared");
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| folder.start());
        let second = scope.spawn(|| folder.start());
        (first.join().unwrap(), second.join().unwrap())
    });
    first.stop();
    assert_eq!(text(&mut connect(&second.app_url()), "'still here'"), "still here");
    second.stop();
    eventually("the server has ended", || folder.postmaster().is_none());
}

#[test]
fn a_killed_server_comes_back_by_itself() {
    let folder = DataFolder::new("killed");
    let server = folder.start();
    let pid = folder.postmaster().unwrap();
    assert!(signal(pid, libc::SIGKILL));
    eventually("the server is back", || {
        folder.postmaster().is_some_and(|new| new != pid)
            && PgConnection::establish(&server.app_url()).is_ok()
    });
}

#[test]
fn a_stale_process_number_does_not_prevent_a_start() {
    let folder = DataFolder::new("recycled");
    folder.start().stop();
    // As after a restart of the container: the number is now this process's, which is no server.
    let stale = format!(
        "{}\n{}\n0\n5432\n{}\n\n0 0\nready\n",
        std::process::id(),
        folder.0.join("postgres").display(),
        folder.0.join("socket").display()
    );
    fs::write(folder.0.join("postgres/postmaster.pid"), stale).unwrap();
    let server = folder.start();
    assert_eq!(text(&mut connect(&server.app_url()), "'back'"), "back");
}

#[test]
fn a_long_path_gets_a_socket_elsewhere() {
    let top = DataFolder::new("long");
    let folder = DataFolder::at(top.0.join("deep".repeat(20)).join("deeper".repeat(10)));
    let server = folder.start();
    assert_eq!(text(&mut connect(&server.app_url()), "'reached'"), "reached");
    assert!(!folder.0.join("socket").exists());
    let socket = server.app_url();
    server.stop();
    let name = socket.split("%2Ftmp%2F").nth(1).unwrap().split('&').next().unwrap();
    fs::remove_dir_all(Path::new("/tmp").join(name)).unwrap();
}

#[test]
fn a_folder_that_only_root_can_enter_will_do() {
    let folder = DataFolder::new("roots-own");
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700)).unwrap();
    match EmbeddedServer::start(&folder.options()) {
        Ok(server) => assert_eq!(text(&mut connect(&server.app_url()), "'reached'"), "reached"),
        // Where the system does not let root make user namespaces, as in some containers.
        Err(error) => assert!(error.to_string().contains("VOUCH_DATA"), "{error}"),
    }
}

#[test]
fn says_which_version_an_older_folder_needs() {
    let folder = DataFolder::new("other-major");
    folder.start().stop();
    fs::write(folder.0.join("postgres/PG_VERSION"), "9\n").unwrap();
    let error = EmbeddedServer::start(&folder.options()).unwrap_err();
    assert!(matches!(error, EmbeddedError::OtherMajor { .. }), "{error}");
    let line = error.to_string();
    assert!(line.contains("postgresql-9") && !line.contains('\n'), "{line}");
}

#[test]
fn says_what_to_install_when_there_is_no_server() {
    let folder = DataFolder::new("no-binaries");
    let options = EmbeddedOptions { pg_bin: Some(folder.0.clone()), ..folder.options() };
    let error = EmbeddedServer::start(&options).unwrap_err();
    assert!(matches!(error, EmbeddedError::NoBinaries { .. }), "{error}");
    let line = error.to_string();
    assert!(line.contains("apt-get install postgresql") && !line.contains('\n'), "{line}");
}

#[test]
fn says_what_the_server_complained_about() {
    let folder = DataFolder::new("bad-setting");
    let mut options = folder.options();
    options.extra_settings.push(("max_connections".to_owned(), "none".to_owned()));
    let error = EmbeddedServer::start(&options).unwrap_err().to_string();
    assert!(error.contains("max_connections") && error.contains("postgres.log"), "{error}");
}
