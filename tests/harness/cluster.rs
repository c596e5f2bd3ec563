//! One throw-away server for the whole run, one database per test, copied from a template.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use vouch::kit::db::embedded::{EmbeddedOptions, EmbeddedServer};
use vouch::kit::db::migrate::{self, Addresses};
use vouch::kit::os::free_space;

use super::fixture::{self, Fixture};

struct Cluster {
    server: EmbeddedServer,
    fixture: Fixture,
}

static CLUSTER: OnceLock<Mutex<Option<Cluster>>> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

const PREFIX: &str = "vouch-tests-";
const EMPTY: &str = "empty_template";
const FILLED: &str = "filled_template";

/// Ids of different tables never meet, so that a mixed-up id cannot pass by luck.
const FAR_APART: &str = "DO $$ DECLARE s record; n bigint := 0; BEGIN \
    FOR s IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relkind = 'S' ORDER BY c.relname \
    LOOP n := n + 100000; EXECUTE format('ALTER SEQUENCE %s RESTART WITH %s', s.name, n); \
    END LOOP; END $$";

const MEMORY: &str = "/dev/shm";

/// In memory where there is room: a database for every test is a great many files, made and deleted.
fn folder() -> PathBuf {
    const ROOM: u64 = 4 << 30;
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let has_room = free_space(Path::new(MEMORY)).is_ok_and(|free| free > ROOM);
        let place = if has_room { PathBuf::from(MEMORY) } else { std::env::temp_dir() };
        place.join(format!("{PREFIX}{}", std::process::id()))
    };
    FOLDER.get_or_init(make).clone()
}

/// Gives a data folder to whom the server belongs, whose socket nobody else reaches: a process of
/// ours that is started as root goes on as the owner of its data folder.
pub(crate) fn give_to_server_user(data_dir: &Path) {
    let owner = std::fs::metadata(folder()).unwrap();
    std::os::unix::fs::chown(data_dir, Some(owner.uid()), Some(owner.gid())).unwrap();
}

fn with_cluster<T>(work: impl FnOnce(&Cluster) -> T) -> T {
    let cluster = CLUSTER.get_or_init(|| Mutex::new(Some(start())));
    let cluster = cluster.lock().unwrap_or_else(PoisonError::into_inner);
    work(cluster.as_ref().expect("tests still run"))
}

fn start() -> Cluster {
    sweep();
    let folder = folder();
    std::fs::create_dir_all(&folder).unwrap();
    let settings = [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("wal_compression", "off"),
        ("max_wal_size", "256MB"),
        // Many instances share it, and those of tests that ended close their connections late.
        ("max_connections", "200"),
    ];
    let options = EmbeddedOptions {
        data_dir: folder,
        pg_bin: None,
        extra_settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    let server = EmbeddedServer::start(&options).unwrap();
    // Statics are never dropped; the server must not outlive the run.
    // SAFETY: the function only touches the static above.
    unsafe { libc::atexit(stop) };
    server.create_database(EMPTY).unwrap();
    let (owner, app) = (server.owner_url_of(EMPTY), server.url(EMPTY));
    migrate::run_pending(Addresses { owner: &owner, server: &app }).unwrap();
    let mut conn = PgConnection::establish(&owner).unwrap();
    conn.batch_execute(FAR_APART).unwrap();
    drop(conn);
    copy(&server, EMPTY, FILLED);
    let fixture = fixture::make(&server.url(FILLED));
    Cluster { server, fixture }
}

extern "C" fn stop() {
    let Some(cluster) = CLUSTER.get() else { return };
    let Ok(mut cluster) = cluster.try_lock() else { return };
    if let Some(Cluster { server, .. }) = cluster.take() {
        server.stop();
        let _ = std::fs::remove_dir_all(folder());
    }
}

/// Removes what runs left behind that were killed, wherever they had room.
fn sweep() {
    let places = [PathBuf::from(MEMORY), std::env::temp_dir()];
    for entry in places.iter().flat_map(std::fs::read_dir).flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            remove_left_behind(&entry.path());
        }
    }
}

fn remove_left_behind(folder: &PathBuf) {
    // Joining the folder's server and leaving it again stops it.
    let options = EmbeddedOptions { data_dir: folder.clone(), ..EmbeddedOptions::default() };
    if let Ok(server) = EmbeddedServer::start(&options) {
        server.stop();
    }
    let _ = std::fs::remove_dir_all(folder);
}

fn admin(server: &EmbeddedServer) -> PgConnection {
    PgConnection::establish(&server.admin_url()).unwrap()
}

fn copy(server: &EmbeddedServer, template: &str, name: &str) {
    admin(server)
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template} OWNER vouch_owner"))
        .unwrap();
    // A copy has the grants of everything in it, but not those of the database itself.
    admin(server)
        .batch_execute(&format!("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"))
        .unwrap();
}

fn new_from(template: &str) -> (String, String) {
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    with_cluster(|cluster| {
        copy(&cluster.server, template, &name);
        (name.clone(), cluster.server.url(&name))
    })
}

pub(super) fn new_database() -> (String, String) {
    new_from(FILLED)
}

pub(super) fn new_empty_database() -> (String, String) {
    new_from(EMPTY)
}

pub(super) fn fixture() -> Fixture {
    with_cluster(|cluster| cluster.fixture.clone())
}

/// A database as the owner of its schema sees it.
pub(super) fn owner_url(database: &str) -> String {
    with_cluster(|cluster| cluster.server.owner_url_of(database))
}

/// A database as the server's superuser sees it.
pub(super) fn admin_url_of(database: &str) -> String {
    with_cluster(|cluster| cluster.server.admin_url_of(database))
}

/// The socket of the server at an address of this cluster.
pub(super) fn socket_of(url: &str) -> PathBuf {
    let folder = url.split("host=").nth(1).unwrap().split('&').next().unwrap();
    PathBuf::from(folder.replace("%2F", "/")).join(".s.PGSQL.5432")
}

/// The server as its superuser sees it.
pub(crate) fn admin_url() -> String {
    with_cluster(|cluster| cluster.server.admin_url())
}

pub(super) fn drop_database(name: &str) {
    with_cluster(|cluster| {
        let _ = admin(&cluster.server)
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    });
}
