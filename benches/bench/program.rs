//! The program that is measured: a database filled by `vouch demo`, and a running `vouch serve`.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::Sha256;
use vouch::features::stores;
use vouch::kit::db::embedded::{EmbeddedOptions, EmbeddedServer};
use vouch::kit::db::schema::{
    affiliates, conversions, deliveries, members, orders, stores as store_rows, triggers, users,
};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::secrets::Encryptor;

use crate::load::Connection;

const VOUCH: &str = env!("CARGO_BIN_EXE_vouch");
pub(crate) const PASSWORD: &str = "violet harbour 9 anvil";
pub(crate) const SECRET_KEY: [u8; 32] = [11; 32];

/// The names under which the log is found, so that statements can be read from it.
const SETTINGS: [(&str, &str); 7] = [
    ("logging_collector", "on"),
    ("log_destination", "jsonlog"),
    ("log_directory", "log"),
    ("log_filename", "bench"),
    ("log_rotation_age", "0"),
    ("log_rotation_size", "0"),
    ("log_parameter_max_length", "-1"),
];

/// How large the program is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub affiliates: u64,
    pub triggers: u64,
    pub orders: u64,
}

/// A store that sends signed orders.
pub(crate) struct Shop {
    pub store_key: String,
    pub secret: Vec<u8>,
}

/// What is known of the program.
pub(crate) struct Program {
    conn: Mutex<PgConnection>,
    pub merchant_id: i64,
    owner: String,
    shop: Shop,
}

/// A running server on a filled database.
pub(crate) struct Running {
    pub address: String,
    pub folder: PathBuf,
    pub postgres: PathBuf,
    pub program: Program,
    server: Child,
    database: EmbeddedServer,
}

/// An order to be sent.
pub(crate) struct Order {
    pub request: Vec<u8>,
    order_ref: String,
}

/// What a captured order got.
pub(crate) struct OrderIds {
    pub order_ref: String,
    pub delivery_ref: String,
    pub order_id: String,
    pub delivery_id: String,
    pub conversion_id: String,
}

fn vouch(folder: &Path) -> Command {
    let mut command = Command::new(VOUCH);
    command
        .env("VOUCH_DATA", folder)
        .env("VOUCH_SECRET_KEY", hex::encode(SECRET_KEY))
        .env("VOUCH_DEMO_PASSWORD", PASSWORD)
        // Wrong passwords are warnings.
        .env("VOUCH_LOG_FILTER", "error")
        .env_remove("DATABASE_URL");
    command
}

impl Running {
    /// Fills the database in `folder` unless it is filled, and starts the server.
    pub(crate) fn start(folder: &Path, size: Size) -> Self {
        std::fs::create_dir_all(folder).expect("the bench folder can be made");
        let folder = folder.canonicalize().expect("the bench folder is there");
        open_to_the_server(&folder);
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let options =
            EmbeddedOptions { data_dir: folder.clone(), pg_bin: None, extra_settings: settings };
        let database = EmbeddedServer::start(&options).unwrap_or_else(|error| panic!("{error}"));
        fill(&folder, size);
        tell_ids_apart(&database);
        let program = Program::open(&database.app_url());
        let (server, address) = serve(&folder);
        let postgres = postgres_folder();
        Self { address, folder, postgres, program, server, database }
    }

    /// A session cookie of the owner.
    pub(crate) fn sign_in(&self) -> String {
        self.sign_in_as(&self.program.owner)
    }

    /// A session cookie of somebody with the usual password.
    pub(crate) fn sign_in_as(&self, email: &str) -> String {
        let mut connection = Connection::open(&self.address);
        let (cookie, token) = self.sign_in_form(&mut connection);
        let form = format!(
            "csrf={token}&email={}&password={}&next=",
            vouch::kit::urls::encode(email),
            vouch::kit::urls::encode(PASSWORD)
        );
        let post = format!(
            "POST /login HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        );
        let (status, headers, _) = connection.ask_with_headers(post.as_bytes());
        assert_eq!(status, 303, "{email} cannot sign in");
        session_of(&headers).expect("sign-in gives a session")
    }

    /// The session of someone who is about to sign in, and the token of their form.
    pub(crate) fn sign_in_form(&self, connection: &mut Connection) -> (String, String) {
        let get = format!("GET /login HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        let (_, headers, body) = connection.ask_with_headers(get.as_bytes());
        let cookie = session_of(&headers).expect("the sign-in page gives a session");
        (cookie, csrf_of(&body))
    }

    pub(crate) fn get(&self, path: &str, cookie: &str) {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\r\n", self.address);
        let (status, body) = Connection::open(&self.address).ask(request.as_bytes());
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    }

    /// Sends the form of the page `path` with these fields; answers the status.
    pub(crate) fn post(&self, path: &str, cookie: &str, fields: &str) -> u16 {
        let mut connection = Connection::open(&self.address);
        let head = format!("{path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}", self.address);
        let (_, page) = connection.ask(format!("GET {head}\r\n\r\n").as_bytes());
        let form = format!("csrf={}&{fields}", csrf_of(&page));
        let post = format!(
            "POST {head}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            form.len()
        );
        connection.ask(post.as_bytes()).0
    }

    /// The CSRF token of a page's form.
    pub(crate) fn token(&self, path: &str, cookie: &str) -> String {
        let get =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\r\n", self.address);
        csrf_of(&Connection::open(&self.address).ask(get.as_bytes()).1)
    }

    pub(crate) fn send(&self, order: &Order) {
        let (status, body) = Connection::open(&self.address).ask(&order.request);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }

    /// A signed order with one code and two lines; every number is another order.
    pub(crate) fn order(&self, number: u64, code: &str) -> Order {
        self.order_of(&self.program.shop, "orders/create", number, code)
    }

    /// The same of any shop, and of a topic.
    pub(crate) fn order_of(&self, shop: &Shop, topic: &str, number: u64, code: &str) -> Order {
        let process = u64::from(std::process::id());
        let order_ref = (9_000_000_000_000_000 + process * 1_000_000_000 + number).to_string();
        let body = shopify_order(&order_ref, code);
        let mac =
            Hmac::<Sha256>::new_from_slice(&shop.secret).expect("HMAC takes keys of any length");
        let signature = STANDARD.encode(mac.chain_update(&body).finalize().into_bytes());
        // Every update is a delivery of its own.
        let delivery_ref = match topic {
            "orders/create" => format!("d{order_ref}"),
            _ => format!("d{order_ref}-{}", vouch::kit::clock::now().timestamp_micros()),
        };
        let request = format!(
            "POST /hooks/shopify/{} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             x-shopify-topic: {topic}\r\nx-shopify-webhook-id: {delivery_ref}\r\n\
             x-shopify-hmac-sha256: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
            shop.store_key,
            self.address,
            body.len()
        );
        Order { request: request.into_bytes(), order_ref }
    }

    /// The keys that a sent order got.
    pub(crate) fn ids_of(&self, order: &Order) -> OrderIds {
        let (order_id, delivery_id, conversion_id): (i64, i64, i64) = self.program.within(|conn| {
            let order_id = orders::table
                .filter(orders::order_ref.eq(&order.order_ref))
                .select(orders::id)
                .first::<i64>(conn)?;
            let delivery = deliveries::table.filter(deliveries::order_id.eq(order_id));
            let conversion = conversions::table.filter(conversions::order_id.eq(order_id));
            Ok((
                order_id,
                delivery.select(deliveries::id).first(conn)?,
                conversion.select(conversions::id).first(conn)?,
            ))
        });
        OrderIds {
            order_ref: order.order_ref.clone(),
            delivery_ref: format!("d{}", order.order_ref),
            order_id: order_id.to_string(),
            delivery_id: delivery_id.to_string(),
            conversion_id: conversion_id.to_string(),
        }
    }

    /// The address of the database as `role`.
    pub(crate) fn url_of(&self, role: &str) -> String {
        match role {
            "vouch" => self.database.app_url(),
            _ => self.database.admin_url_of("vouch"),
        }
    }

    /// Puts what differs between captured credits where the bound's script reads it.
    pub(crate) fn keep_variants(&self, table: &str, variants: &[Vec<String>]) {
        let mut conn = PgConnection::establish(&self.url_of("vouch_admin")).expect("the superuser");
        let columns = variants.first().map_or(0, Vec::len);
        let columns: Vec<String> =
            (0..columns).map(|at| format!(", p{at} text NOT NULL")).collect();
        let mut sql = format!(
            "DROP TABLE IF EXISTS {table}; \
             CREATE TABLE {table} (variant bigint PRIMARY KEY{}); GRANT SELECT ON {table} TO vouch;",
            columns.concat()
        );
        for (at, values) in variants.iter().enumerate() {
            let values: Vec<String> =
                values.iter().map(|value| format!(", '{}'", value.replace('\'', "''"))).collect();
            write!(sql, "INSERT INTO {table} VALUES ({at}{});", values.concat())
                .expect("writing to a string cannot fail");
        }
        conn.batch_execute(&sql).expect("a superuser may");
    }

    /// Whether the database writes every statement into its log.
    pub(crate) fn log_statements(&self, every: bool) {
        let mut conn = PgConnection::establish(&self.database.admin_url()).expect("the superuser");
        let what = if every { "all" } else { "none" };
        conn.batch_execute(&format!("ALTER SYSTEM SET log_statement = '{what}'"))
            .expect("a superuser may");
        conn.batch_execute("SELECT pg_reload_conf()").expect("a superuser may");
        std::thread::sleep(std::time::Duration::from_millis(60));
    }

    fn log(&self) -> PathBuf {
        let versions = self.folder.join("postgres");
        [self.folder.join("postgres/log/bench.json"), versions.join("data/log/bench.json")]
            .into_iter()
            .find(|path| path.exists())
            .expect("the database writes its log")
    }

    pub(crate) fn log_length(&self) -> u64 {
        self.log().metadata().map_or(0, |log| log.len())
    }

    pub(crate) fn log_from(&self, begin: u64) -> String {
        let mut log = std::fs::File::open(self.log()).expect("the log can be read");
        log.seek(SeekFrom::Start(begin)).expect("the log has grown");
        let mut text = String::new();
        log.read_to_string(&mut text).expect("the log is text");
        text
    }

    /// The most memory that the server process has held.
    pub(crate) fn peak_mebibytes(&self) -> u64 {
        self.mebibytes("VmHWM:")
    }

    /// The memory that the server process holds now.
    pub(crate) fn resident_mebibytes(&self) -> u64 {
        self.mebibytes("VmRSS:")
    }

    fn mebibytes(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) / 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM, so that it leaves the database in peace; SAFETY: the child is still ours.
        unsafe { libc::kill(self.server.id().cast_signed(), libc::SIGTERM) };
        let _ = self.server.wait();
    }
}

/// The database runs as another user where we are root, and must reach its folder.
fn open_to_the_server(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755));
}

/// An order, its delivery and its conversion get keys far apart, so that a captured one is not
/// mistaken for another.
fn tell_ids_apart(database: &EmbeddedServer) {
    let mut conn = PgConnection::establish(&database.admin_url_of("vouch")).expect("the superuser");
    for (table, offset) in [("deliveries", 1_000_000_000_i64), ("conversions", 2_000_000_000)] {
        conn.batch_execute(&format!(
            "SELECT setval(s, greatest({offset}, nextval(s))) \
             FROM pg_get_serial_sequence('{table}', 'id') AS s"
        ))
        .expect("a sequence can be set");
    }
}

fn fill(folder: &Path, size: Size) {
    let filled = folder.join("filled");
    let wanted = format!("{} {} {}", size.affiliates, size.triggers, size.orders);
    if std::fs::read_to_string(&filled).is_ok_and(|known| known == wanted) {
        let status = vouch(folder).arg("migrate").stdout(Stdio::null()).status();
        assert!(status.expect("vouch migrate runs").success(), "vouch migrate failed");
        return;
    }
    println!("  filling {wanted} (affiliates, codes, orders)");
    let status = vouch(folder)
        .arg("demo")
        .args(["--affiliates", &size.affiliates.to_string()])
        .args(["--triggers", &size.triggers.to_string()])
        .args(["--orders", &size.orders.to_string()])
        .stdout(Stdio::null())
        .status()
        .expect("vouch demo runs");
    assert!(status.success(), "vouch demo failed");
    std::fs::write(filled, wanted).expect("the bench folder can be written");
}

fn serve(folder: &Path) -> (Child, String) {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let address = format!("127.0.0.1:{port}");
    let mut child = vouch(folder)
        .arg("serve")
        .env("VOUCH_LISTEN", &address)
        .stdout(Stdio::piped())
        .spawn()
        .expect("vouch serve runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is ours")).lines();
    let ready = lines.any(|line| line.is_ok_and(|line| line.contains("ready")));
    assert!(ready, "vouch serve did not get ready");
    // It must not wait for somebody to read on.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

fn postgres_folder() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.into_iter().rfind(|folder| folder.join("pgbench").exists()).unwrap_or_default()
}

fn csrf_of(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(page);
    let (_, after) = page.split_once("name=\"csrf\" value=\"").expect("the form has a token");
    after.split('"').next().unwrap_or_default().to_owned()
}

fn session_of(headers: &[String]) -> Option<String> {
    let set = headers.iter().find_map(|header| {
        let (name, value) = header.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then_some(value)
    })?;
    Some(set.split(';').next().unwrap_or_default().to_owned())
}

fn shopify_order(order_ref: &str, code: &str) -> String {
    let at = vouch::kit::clock::now().to_rfc3339();
    let mut lines = String::new();
    for (n, (sku, price)) in [("LEAVES", "80.00"), ("MUG", "30.00")].into_iter().enumerate() {
        let allocation =
            if n == 0 { r#"{"amount":"8.00","discount_application_index":0}"# } else { "" };
        write!(
            lines,
            r#"{}{{"id":46615704900000{n},"sku":"{sku}","title":"Tea {sku}","name":"Tea {sku}",
            "quantity":1,"current_quantity":1,"price":"{price}","total_discount":"0.00",
            "tax_lines":[],"discount_allocations":[{allocation}]}}"#,
            if n == 0 { "" } else { "," },
        )
        .expect("writing to a string cannot fail");
    }
    let tail = &order_ref[order_ref.len() - 6..];
    // Real payloads are some 10 kB, mostly of what is not read.
    let note = "x".repeat(6000);
    format!(
        r##"{{"id":{order_ref},"name":"#{tail}","test":false,"created_at":"{at}",
        "updated_at":"{at}","processed_at":"{at}","cancelled_at":null,"currency":"USD",
        "financial_status":"paid","taxes_included":false,"email":"s{tail}@customers.example",
        "customer":{{"id":1,"first_name":"Sia","last_name":"Shopper"}},
        "discount_codes":[{{"code":"{code}","amount":"8.00","type":"fixed_amount"}}],
        "discount_applications":[{{"type":"discount_code","code":"{code}"}}],
        "line_items":[{lines}],"shipping_lines":[],"refunds":[],"subtotal_price":"102.00",
        "total_discounts":"8.00","total_price":"102.00","total_tax":"0.00","note":"{note}"}}"##
    )
}

impl Program {
    fn open(url: &str) -> Self {
        let mut conn = PgConnection::establish(url).expect("the application's role connects");
        let (merchant_id, owner, store_key): (i64, String, String) =
            in_scope(&mut conn, Scope::Instance, |conn| {
                let shop = store_rows::merchant_id
                    .eq(members::merchant_id)
                    .and(store_rows::platform.eq("shopify"));
                members::table
                    .inner_join(users::table)
                    .inner_join(store_rows::table.on(shop))
                    .filter(members::role.eq("owner"))
                    .order(members::merchant_id)
                    .select((members::merchant_id, users::email, store_rows::store_key))
                    .first(conn)
            })
            .expect("the demo program is there");
        let encryptor = Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
        let store = in_scope(&mut conn, Scope::Merchant(merchant_id), |conn| {
            stores::find_by_key(conn, merchant_id, &store_key)
        })
        .expect("the store is there");
        let secrets = store.webhook_secrets(&encryptor).expect("its secret opens");
        let secret = secrets.first().expect("it has a secret").expose_secret().to_vec();
        Self { conn: Mutex::new(conn), merchant_id, owner, shop: Shop { store_key, secret } }
    }

    /// Runs `work` within the program, in a transaction.
    pub(crate) fn within<T>(&self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
        self.within_scope(Scope::Merchant(self.merchant_id), work)
    }

    /// Runs `work` in a transaction of any scope.
    pub(crate) fn within_scope<T>(
        &self,
        scope: Scope,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> T {
        in_scope(&mut self.conn.lock().expect("nobody panicked"), scope, work)
            .expect("the database answers")
    }

    /// Affiliates, triggers, orders.
    pub(crate) fn counts(&self) -> (i64, i64, i64) {
        self.within(|conn| {
            Ok((
                affiliates::table.count().get_result(conn)?,
                triggers::table.count().get_result(conn)?,
                orders::table.count().get_result(conn)?,
            ))
        })
    }

    /// The key of an affiliate in the middle.
    pub(crate) fn some_affiliate(&self) -> i64 {
        self.within(|conn| {
            affiliates::table
                .filter(affiliates::merchant_id.eq(self.merchant_id))
                .order(affiliates::id)
                .offset(20)
                .select(affiliates::id)
                .first(conn)
        })
    }

    /// A part of some affiliate's name.
    pub(crate) fn some_word(&self) -> String {
        let name: String = self.within(|conn| {
            affiliates::table
                .filter(affiliates::merchant_id.eq(self.merchant_id))
                .filter(sql::<Bool>("name ~ '^[A-Za-z]{5,} '"))
                .order(affiliates::id.desc())
                .select(affiliates::name)
                .first(conn)
        });
        name.chars().take(5).collect::<String>().to_lowercase()
    }

    /// A part of some code that not many codes share.
    pub(crate) fn some_code_part(&self) -> String {
        let code = self.some_codes(1).remove(0);
        code.chars().skip(1).take(6).collect()
    }

    /// The email addresses of some affiliates.
    pub(crate) fn some_emails(&self, count: i64) -> Vec<String> {
        self.within(|conn| {
            affiliates::table
                .filter(affiliates::merchant_id.eq(self.merchant_id))
                .order(affiliates::id)
                .limit(count)
                .select(affiliates::email)
                .load(conn)
        })
    }

    /// Codes of active affiliates, spread over the program.
    pub(crate) fn some_codes(&self, count: usize) -> Vec<String> {
        let limit = i64::try_from(count).expect("a small number");
        self.within(|conn| {
            let holder = affiliates::merchant_id
                .eq(triggers::merchant_id)
                .and(affiliates::id.eq(triggers::affiliate_id));
            triggers::table
                .inner_join(affiliates::table.on(holder))
                .filter(triggers::merchant_id.eq(self.merchant_id))
                .filter(triggers::kind.eq("coupon_code"))
                .filter(triggers::retired_at.is_null())
                .filter(affiliates::status.eq("active"))
                .order(sql::<Text>("md5(triggers.id::text)"))
                .limit(limit)
                .select(triggers::value)
                .load(conn)
        })
    }
}
