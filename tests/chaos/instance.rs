//! An installation of its own: PostgreSQL, the network in front of it, and `vouch serve`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer};
use secrecy::SecretBox;
use ureq::Agent;
use vouch::features::stores::{self, WebhookSecret};
use vouch::kit::audit::Actor;
use vouch::kit::db::embedded::{EmbeddedOptions, EmbeddedServer};
use vouch::kit::db::migrate::{self, Addresses};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::secrets::Encryptor;

use crate::harness::fixture::{self, Fixture, SHOP_SECRET};
use crate::harness::program::signal;
use crate::harness::proxy::{Mode, Proxy};
use crate::harness::{METRICS_TOKEN, Person, SECRET_KEY};

/// A build of Vouch other than that of the tests: `script/chaos` names its release build.
const PROGRAM: &str = "VOUCH_CHAOS_PROGRAM";
/// The shortest time in which a process has to end once it's told to.
pub(super) const END: Duration = Duration::from_secs(10);

/// A Shopify store that sends signed orders.
#[derive(Clone)]
pub(super) struct Shop {
    pub store_key: String,
    pub secret: &'static str,
}

/// Everything that a fault can be done to. It goes when it's dropped.
pub(super) struct Instance {
    /// Where Vouch answers, also after a restart.
    pub base: String,
    /// Between Vouch and PostgreSQL.
    pub network: Proxy,
    pub fixture: Fixture,
    /// A store of each of two merchants.
    pub shops: [Shop; 2],
    folder: PathBuf,
    postgres: Option<EmbeddedServer>,
    server: Mutex<Option<Child>>,
    peak_kibibytes: Mutex<u64>,
}

impl Instance {
    /// Fills a database and serves it.
    pub(super) fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("vouch-chaos-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for path in [folder.clone(), folder.join("postgres-data"), folder.join("vouch")] {
            DirBuilder::new().mode(0o755).create(path).unwrap();
        }
        let options = EmbeddedOptions {
            data_dir: folder.join("postgres-data"),
            pg_bin: None,
            extra_settings: vec![("max_connections".to_owned(), "60".to_owned())],
        };
        let postgres = EmbeddedServer::start(&options).unwrap();
        let (owner, server) = (postgres.owner_url(), postgres.app_url());
        migrate::run_pending(Addresses { owner: &owner, server: &server }).unwrap();
        let fixture = fixture::make(&server);
        let other = connect_store(&server, fixture.stranger_merchant_id);
        let shops = [
            Shop { store_key: fixture.store_key.clone(), secret: SHOP_SECRET },
            Shop { store_key: other, secret: OTHER_SECRET },
        ];
        let network = Proxy::start(socket_of(&folder));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let instance = Self {
            base: format!("http://127.0.0.1:{port}"),
            network,
            fixture,
            shops,
            folder,
            postgres: Some(postgres),
            server: Mutex::default(),
            peak_kibibytes: Mutex::default(),
        };
        instance.start_vouch(Stdio::null());
        instance.wait_until_ready().unwrap();
        instance
    }

    /// The program, on this database and without any setting of whoever runs the tests.
    #[expect(clippy::disallowed_methods, reason = "tests have no settings but the environment")]
    pub(super) fn vouch(&self, arguments: &[&str]) -> Command {
        let program =
            std::env::var_os(PROGRAM).unwrap_or_else(|| env!("CARGO_BIN_EXE_vouch").into());
        let mut command = Command::new(program);
        let database = format!("postgresql://vouch@{}/vouch", self.network.addr());
        command
            .args(arguments)
            .current_dir("/")
            .env("DATABASE_URL", database)
            .env("VOUCH_DATA", self.folder.join("vouch"))
            .env("VOUCH_SECRET_KEY", hex::encode(SECRET_KEY))
            .env("VOUCH_LISTEN", self.base.trim_start_matches("http://"))
            .env("VOUCH_LOCAL_STORES", "1")
            .env("VOUCH_METRICS_TOKEN", METRICS_TOKEN)
            .env_remove("VOUCH_PUBLIC_URL")
            .stdin(Stdio::null());
        command
    }

    /// A process more, whose address the caller chooses.
    pub(super) fn another(&self, address: &str) -> Child {
        let mut command = self.vouch(&["serve"]);
        command.env("VOUCH_LISTEN", address).stdout(Stdio::null()).stderr(self.log());
        command.spawn().unwrap()
    }

    /// Starts Vouch, with its output where the tests don't look.
    pub(super) fn start_vouch(&self, output: Stdio) {
        self.start_logging_to(output, self.log().into(), "info");
    }

    /// Starts Vouch with its standard output and its log elsewhere.
    pub(super) fn start_logging_to(&self, output: Stdio, log: Stdio, filter: &str) {
        let mut command = self.vouch(&["serve"]);
        command.env("VOUCH_LOG_FILTER", filter).stdout(output).stderr(log);
        *self.server() = Some(command.spawn().unwrap());
    }

    fn log(&self) -> File {
        let path = self.folder.join("vouch.log");
        OpenOptions::new().create(true).append(true).open(path).unwrap()
    }

    fn server(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a signal to Vouch.
    pub(super) fn signal(&self, number: i32) {
        let pid = self.server().as_ref().map(Child::id).unwrap();
        signal(pid.cast_signed(), number);
    }

    /// Sends a signal that ends Vouch and waits for the end; how long that took.
    ///
    /// # Errors
    /// When it still runs after [`END`], it's killed.
    pub(super) fn end_vouch(&self, number: i32) -> Result<Duration, String> {
        let begun = Instant::now();
        let mut server = self.server();
        let Some(mut child) = server.take() else { return Ok(Duration::ZERO) };
        signal(child.id().cast_signed(), number);
        while begun.elapsed() < END {
            if ended(&mut child).is_some() {
                return Ok(begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        Err(format!("still ran {} s after signal {number}", END.as_secs()))
    }

    /// Starts Vouch again, with nothing in its way.
    pub(super) fn set_right(&self) {
        self.network.set(Mode::Pass);
        let _ = self.end_vouch(libc::SIGKILL);
        self.start_vouch(Stdio::null());
        self.wait_until_ready().unwrap();
    }

    /// Waits until Vouch says that it can be sent requests.
    ///
    /// # Errors
    /// When it doesn't say so within a minute.
    pub(super) fn wait_until_ready(&self) -> Result<(), String> {
        let begun = Instant::now();
        let agent = agent(Duration::from_secs(2));
        let url = format!("{}/readyz", self.base);
        while !agent.get(&url).call().is_ok_and(|answer| answer.status() == 200) {
            if begun.elapsed() > Duration::from_secs(60) {
                return Err("Vouch didn't get ready".to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The superuser, past the network that the faults are in.
    pub(super) fn admin(&self) -> PgConnection {
        PgConnection::establish(&self.postgres().admin_url_of("vouch")).unwrap()
    }

    /// The same, where PostgreSQL may be down.
    pub(super) fn try_admin(&self) -> ConnectionResult<PgConnection> {
        PgConnection::establish(&self.postgres().admin_url_of("vouch"))
    }

    /// Has the superuser run statements, each in a transaction of its own.
    pub(super) fn sql(&self, statements: &[&str]) {
        run(&mut self.admin(), statements);
    }

    /// The same from the database beside it, for what can't be done from within.
    pub(super) fn sql_beside(&self, statements: &[&str]) {
        run(&mut PgConnection::establish(&self.postgres().admin_url()).unwrap(), statements);
    }

    /// How many rows a table has.
    pub(super) fn count(&self, table: &str) -> i64 {
        let count = diesel::dsl::sql::<BigInt>(&format!("(SELECT count(*) FROM {table})"));
        diesel::select(count).get_result(&mut self.admin()).unwrap()
    }

    /// The processes of PostgreSQL that serve Vouch.
    pub(super) fn backends(&self) -> Vec<i32> {
        let pids = diesel::dsl::sql::<Array<Integer>>(
            "(SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE usename = 'vouch')",
        );
        diesel::select(pids).get_result(&mut self.admin()).unwrap()
    }

    /// Whether Vouch runs.
    pub(super) fn runs(&self) -> bool {
        self.server().as_mut().is_some_and(|child| ended(child).is_none())
    }

    fn postgres(&self) -> &EmbeddedServer {
        self.postgres.as_ref().expect("it runs until the end")
    }

    /// The first process of PostgreSQL.
    pub(super) fn postmaster(&self) -> i32 {
        let path = self.folder.join("postgres-data/postgres/postmaster.pid");
        let content = fs::read_to_string(path).unwrap_or_default();
        content.lines().next().and_then(|line| line.parse().ok()).unwrap_or_default()
    }

    /// Somebody at a browser.
    pub(super) fn person(&self) -> Person {
        Person::new(&self.base)
    }

    /// Looks how much memory Vouch holds, so that the most of all looks is known at the end.
    pub(super) fn sample_memory(&self) {
        let Some(pid) = self.server().as_ref().map(Child::id) else { return };
        let mut peak = self.peak_kibibytes.lock().unwrap();
        *peak = (*peak).max(resident_kibibytes(pid));
    }

    /// The most that Vouch held since the last question, in MiB.
    pub(super) fn take_peak(&self) -> u64 {
        std::mem::take(&mut *self.peak_kibibytes.lock().unwrap()) / 1024
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.end_vouch(libc::SIGTERM);
        self.postgres = None;
        if std::thread::panicking() {
            eprintln!("The log is in {}.", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn run(conn: &mut PgConnection, statements: &[&str]) {
    for statement in statements {
        conn.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

const OTHER_SECRET: &str = "other-secret-of-the-tests-0123456789";

/// A Shopify store for the merchant that has none; its key.
fn connect_store(url: &str, merchant_id: i64) -> String {
    let mut conn = PgConnection::establish(url).unwrap();
    let encryptor = Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
    let secret = WebhookSecret::parse(OTHER_SECRET).unwrap();
    let actor = Actor::system(merchant_id, fixture::then());
    in_scope(&mut conn, Scope::Merchant(merchant_id), |conn| {
        let store =
            stores::connect_shopify(conn, &actor, &encryptor, "borealis.myshopify.com", &secret);
        QueryResult::Ok(store.unwrap().store_key)
    })
    .unwrap()
}

/// The socket that PostgreSQL listens on.
fn socket_of(folder: &Path) -> PathBuf {
    let path = folder.join("postgres-data/postgres/postmaster.pid");
    let content = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = content.lines().collect();
    Path::new(lines[4]).join(format!(".s.PGSQL.{}", lines[3]))
}

/// A client that waits no longer than that for an answer, and takes any.
pub(super) fn agent(timeout: Duration) -> Agent {
    Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .build()
        .new_agent()
}

/// How a process ended, if it has.
pub(super) fn ended(child: &mut Child) -> Option<ExitStatus> {
    child.try_wait().unwrap()
}

/// The processes that this one started.
pub(super) fn children_of(pid: i32) -> Vec<i32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let listed = fs::read_to_string(path).unwrap_or_default();
    listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn resident_kibibytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or_default()
}
