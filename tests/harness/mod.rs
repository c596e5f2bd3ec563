//! What tests share: a database each, the application over real HTTP, and people who use it.

pub(crate) mod bigcommerce;
pub(crate) mod browser;
mod cluster;
pub(crate) mod fixture;
mod page;
mod person;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod shopify;
pub(crate) mod smtp;
pub(crate) mod stores;
mod time;
pub(crate) mod two_factor;
pub(crate) mod woocommerce;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::SecretBox;
use vouch::app::operations::Readiness;
use vouch::app::server::{self, AppState};
use vouch::kit::audit::{Actor, ActorKind};
use vouch::kit::config::Connections;
use vouch::kit::config::{Config, LogFormat, TrustedProxies};
use vouch::kit::db::migrate::{self, Addresses};
use vouch::kit::db::{Db, Scope, in_scope};

pub(crate) use self::cluster::{admin_url, give_to_server_user};
pub(crate) use self::fixture::{Fixture, PASSWORD, SHOP_SECRET, then};
pub(crate) use self::page::Page;
pub(crate) use self::person::Person;
use self::proxy::Proxy;
pub(crate) use self::time::on_this_machine;

/// The secret key of the installation under test.
pub(crate) const SECRET_KEY: [u8; 32] = [7; 32];

/// What makes pseudonyms of erased people in the instance under test.
pub(crate) fn pseudonyms() -> vouch::kit::pseudonyms::Pseudonyms {
    let encryptor = vouch::kit::secrets::Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
    vouch::kit::pseudonyms::Pseudonyms::new(&encryptor)
}

/// The token that reads the metrics of the installation under test.
pub(crate) const METRICS_TOKEN: &str = "metrics-of-the-tests-0123456789";

/// On a busy machine no test may depend on how quick it is, so the program under test waits longer than usual.
const LONG_TIMEOUTS: u32 = 20;
/// As long as usual, for tests of these waits.
const USUAL_TIMEOUTS: u32 = 1;

fn connections(wait_factor: u32) -> Connections {
    Connections { pages: 8, intake: 4, jobs: 4, wait_factor }
}

/// The application, on a database and a port of its own. Both go when it is dropped.
pub(crate) struct TestApp {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    /// The door to its database.
    pub db: Db,
    /// Who and what is there from the start.
    pub fixture: Fixture,
    /// Whether it should be sent requests.
    pub readiness: Data<Readiness>,
    /// The address of its database, for what needs a connection of its own.
    pub database_url: String,
    database: String,
    server: ServerHandle,
}

impl TestApp {
    /// The application with the people of [`Fixture`], signed in as nobody yet.
    pub(crate) fn start() -> Self {
        let (database, database_url) = cluster::new_database();
        Self::on(database, database_url, cluster::fixture(), None)
    }

    /// The application that waits for its database as long as usual.
    pub(crate) fn start_with_usual_waits() -> Self {
        let (database, database_url) = cluster::new_database();
        let reached_at = database_url.clone();
        let people = cluster::fixture();
        Self::reaching(&reached_at, database, database_url, people, None, USUAL_TIMEOUTS)
    }

    /// The application as browsers reach it by https, through a proxy.
    pub(crate) fn start_https() -> Self {
        let (database, database_url) = cluster::new_database();
        let public_url = Some("https://vouch.example");
        Self::on(database, database_url, cluster::fixture(), public_url)
    }

    /// The application on a database with nothing in it but its tables.
    pub(crate) fn start_empty() -> Self {
        let (database, database_url) = cluster::new_empty_database();
        Self::on(database, database_url, Fixture::default(), None)
    }

    /// The application with a network of its own between it and its database.
    pub(crate) fn start_behind_proxy() -> (Self, Proxy) {
        let (database, database_url) = cluster::new_database();
        let proxy = Proxy::start(cluster::socket_of(&database_url));
        let reached_at = through(&proxy, &database_url);
        let people = cluster::fixture();
        let app = Self::reaching(&reached_at, database, database_url, people, None, USUAL_TIMEOUTS);
        (app, proxy)
    }

    fn on(
        database: String,
        database_url: String,
        fixture: Fixture,
        public_url: Option<&str>,
    ) -> Self {
        let reached_at = database_url.clone();
        Self::reaching(&reached_at, database, database_url, fixture, public_url, LONG_TIMEOUTS)
    }

    fn reaching(
        reached_at: &str,
        database: String,
        database_url: String,
        fixture: Fixture,
        public_url: Option<&str>,
        wait_factor: u32,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let db = Db::connect(reached_at, connections(wait_factor)).unwrap();
        let state =
            AppState::new(Arc::new(config(public_url.unwrap_or(&base))), db.clone()).unwrap();
        let readiness = state.readiness.clone();
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = server::serve(listener, state, 2).unwrap();
                send.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let server = receive.recv().unwrap();
        Self { base, db, fixture, readiness, database_url, database, server }
    }

    /// Somebody who is not signed in.
    pub(crate) fn anonymous(&self) -> Person {
        Person::new(&self.base)
    }

    /// The owner of the program.
    pub(crate) fn owner(&self) -> Person {
        self.sign_in("owner@acme.example")
    }

    /// An admin of the program.
    pub(crate) fn admin(&self) -> Person {
        self.sign_in("admin@acme.example")
    }

    /// A viewer of the program.
    pub(crate) fn viewer(&self) -> Person {
        self.sign_in("viewer@acme.example")
    }

    /// The owner of another program.
    pub(crate) fn stranger(&self) -> Person {
        self.sign_in("owner@borealis.example")
    }

    /// An affiliate of the program.
    pub(crate) fn affiliate(&self) -> Person {
        self.sign_in("ada@affiliates.example")
    }

    /// Support staff of the installation.
    pub(crate) fn support(&self) -> Person {
        self.sign_in("support@vouch.example")
    }

    /// Signs in over the real page.
    pub(crate) fn sign_in(&self, email: &str) -> Person {
        let person = Person::new(&self.base);
        let page = person.get("/login");
        let answer = person.submit(&page, "form", &[("email", email), ("password", PASSWORD)]);
        if answer.location() == Some("/login/code") {
            let mut conn = PgConnection::establish(&self.database_url).unwrap();
            two_factor::forget_codes(&mut conn).unwrap();
            assert_eq!(two_factor::enter(&person, &answer).status, 303);
            return person;
        }
        assert_eq!(answer.status, 303, "{email} cannot sign in: {}", answer.text());
        person
    }

    /// Works on the program's rows.
    pub(crate) fn within<T>(&self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
        self.within_merchant(self.fixture.merchant_id, work)
    }

    /// Works on the rows of any merchant.
    pub(crate) fn within_merchant<T>(
        &self,
        merchant_id: i64,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> T {
        let mut conn = PgConnection::establish(&self.database_url).unwrap();
        in_scope(&mut conn, Scope::Merchant(merchant_id), work).unwrap()
    }

    /// Ends every connection to this application's database; `open` says whether new ones are let
    /// in.
    pub(crate) fn cut_off(&self, open: bool) {
        let is_name = |part: &&str| part.starts_with("test_");
        let name = self.database_url.split(['/', '?']).find(is_name).unwrap();
        let mut admin = PgConnection::establish(&admin_url()).unwrap();
        // One after the other: in one transaction, Vouch could come back in before its end.
        for statement in [
            format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {open}"),
            format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
        ] {
            diesel::sql_query(statement).execute(&mut admin).unwrap();
        }
    }

    /// A connection of the schema's owner, for what the server itself may not do.
    pub(crate) fn as_owner(&self) -> PgConnection {
        PgConnection::establish(&self.owner_url()).unwrap()
    }

    /// The address of its database as the schema's owner.
    pub(crate) fn owner_url(&self) -> String {
        cluster::owner_url(&self.database)
    }

    /// Brings its database up to date, after a test took migrations back.
    pub(crate) fn migrate(&self) {
        let addresses = Addresses { owner: &self.owner_url(), server: &self.database_url };
        migrate::run_pending(addresses).unwrap();
    }

    /// A connection of the database server's superuser.
    pub(crate) fn as_superuser(&self) -> PgConnection {
        PgConnection::establish(&self.superuser_url()).unwrap()
    }

    /// The address of its database as the server's superuser.
    pub(crate) fn superuser_url(&self) -> String {
        cluster::admin_url_of(&self.database)
    }

    /// Does what the workers would: creates imported triggers, and recalculates what changes have left to
    /// them.
    pub(crate) fn work(&self) {
        vouch::features::imports::drain(&self.db).unwrap();
        vouch::features::ingest::recalculation::drain(&self.db).unwrap();
    }

    /// Enables Coupon Exclusions for a merchant, as support staff do.
    pub(crate) fn enable_exclusions(&self, merchant_id: i64) {
        let actor = Actor::system(merchant_id, vouch::kit::clock::now());
        self.within_merchant(merchant_id, |conn| {
            vouch::features::exclusions::enable(conn, &actor, true, "Tests")
        });
    }

    /// The owner as an actor, at `now`, for calling domain functions.
    pub(crate) fn actor_at(&self, now: DateTime<Utc>) -> Actor {
        Actor {
            merchant_id: self.fixture.merchant_id,
            kind: ActorKind::Member,
            user_id: Some(self.fixture.owner_id),
            name: "Olga Owner".to_owned(),
            came_from: None,
            now,
        }
    }

    /// The owner as an actor, now.
    pub(crate) fn actor(&self) -> Actor {
        self.actor_at(vouch::kit::clock::now())
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // Not awaited: the database is dropped by force, whatever still runs.
        drop(self.server.stop(false));
        cluster::drop_database(&self.database);
    }
}

/// The address of a test's database, through `proxy`.
pub(crate) fn through(proxy: &Proxy, database_url: &str) -> String {
    let database = database_url.split(['/', '?']).find(|part| part.starts_with("test_")).unwrap();
    format!("postgresql://vouch@{}/{database}?sslmode=disable", proxy.addr())
}

/// The settings of an installation under test.
pub(crate) fn config(base: &str) -> Config {
    Config {
        keep: vouch::kit::config::InstanceRetention::default(),
        database_url: None,
        owner_database_url: None,
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: PathBuf::new(),
        public_url: base.to_owned(),
        secret_key: SecretBox::new(Box::new(SECRET_KEY)),
        local_stores: true,
        trusted_proxies: TrustedProxies::default(),
        metrics_token: Some(METRICS_TOKEN.into()),
        smtp: None,
        demo_password: None,
        pg_bin: None,
        log_format: LogFormat::Text,
        log_filter: "error".to_owned(),
        connections: connections(USUAL_TIMEOUTS),
    }
}
