//! What requests can do to the server's memory: a real process, measured from outside.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::harness::program::{DataFolder, vouch};
use crate::harness::{Person, TestApp, on_this_machine};

const MIB: usize = 1024 * 1024;

/// `vouch serve` on the database of an application; killed when it goes.
struct Server {
    child: Child,
    _folder: DataFolder,
    address: String,
}

impl Server {
    fn start(app: &TestApp, name: &str) -> Self {
        let folder = DataFolder::new(&format!("memory-{name}"));
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let child = vouch(&app.database_url, &folder, &["serve"])
            .env("VOUCH_OWNER_DATABASE_URL", app.owner_url())
            .env("VOUCH_LISTEN", &address)
            .env("VOUCH_PUBLIC_URL", &app.base)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, _folder: folder, address };
        let begun = Instant::now();
        let is_ready = || {
            TcpStream::connect(&server.address).is_ok()
                && server.ask("GET /readyz HTTP/1.1", b"").0 == 200
        };
        while !is_ready() {
            assert!(begun.elapsed() < on_this_machine(Duration::from_secs(60)), "it doesn't start");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Sends a request, and answers the status and the length of what came back.
    fn ask(&self, head: &str, body: &[u8]) -> (u16, usize) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let length = body.len();
        let head = format!(
            "{head}\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        // It may answer before it has read all of it.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let status = std::str::from_utf8(answer.get(9..12).unwrap_or_default()).unwrap();
        (status.parse().unwrap_or(0), answer.len())
    }

    /// As many of these at once; answers all statuses.
    fn at_once(&self, count: usize, ask: impl Fn(usize) -> (u16, usize) + Sync) -> Vec<u16> {
        thread::scope(|scope| {
            let all: Vec<_> = (0..count)
                .map(|n| {
                    scope.spawn({
                        let ask = &ask;
                        move || ask(n)
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap().0).collect()
        })
    }

    /// By how much the process grows at most while `work` is done, in MiB.
    fn growth(&self, work: impl FnOnce()) -> usize {
        let status = format!("/proc/{}/status", self.child.id());
        // Sets the peak back to what it is now.
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
        let value = |name: &str| -> usize {
            let status = fs::read_to_string(&status).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        let before = value("VmRSS:");
        work();
        let grown = value("VmHWM:").saturating_sub(before).div_ceil(1024);
        eprintln!("grew by {grown} MiB from {} MiB", before / 1024);
        grown
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn signed_in(person: &Person, method_and_path: &str) -> String {
    format!("{method_and_path} HTTP/1.1\r\ncookie: {}", person.cookie().unwrap())
}

#[test]
fn bodies_that_no_store_signed_take_little_memory_however_many_come_at_once() {
    let app = TestApp::start();
    let server = Server::start(&app, "bodies");
    let head = |signature: &str| {
        format!(
            "POST /hooks/shopify/{} HTTP/1.1\r\nx-shopify-topic: orders/create\r\n\
             x-shopify-hmac-sha256: {signature}",
            app.fixture.store_key
        )
    };
    let body = vec![b'x'; 15 * MIB];
    assert_eq!(server.ask(&head(""), b"{}").0, 401);
    let unsigned = server.growth(|| {
        let statuses = server.at_once(40, |_| server.ask(&head(""), &body));
        // On a busy machine, bodies can arrive too slowly.
        assert!(statuses.iter().all(|status| matches!(status, 401 | 400)), "{statuses:?}");
        assert!(statuses.contains(&401), "{statuses:?}");
    });
    assert!(unsigned <= 16, "without a signature: {unsigned} MiB");
    let wrong = "AHT49MhvBTUK/7xUX+OvvU3G7dR2uVK13zprd6eQ7jk=";
    let forged = server.growth(|| {
        let statuses = server.at_once(40, |_| server.ask(&head(wrong), &body));
        // Those that find no room in time are told to come again.
        assert!(statuses.iter().all(|status| matches!(status, 401 | 503 | 400)), "{statuses:?}");
        assert!(statuses.contains(&401), "{statuses:?}");
    });
    assert!(forged <= 32, "with a wrong signature: {forged} MiB");
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_anything_is_read() {
    let app = TestApp::start();
    let address = app.base.trim_start_matches("http://");
    for path in ["/hooks/shopify/", "/hooks/woocommerce/", "/hooks/bigcommerce/"] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let head = format!(
            "POST {path}{} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 17000000\r\n\r\n",
            app.fixture.store_key
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{path}");
    }
}

#[test]
fn a_small_body_gets_through_while_large_ones_wait() {
    let app = TestApp::start();
    let server = Server::start(&app, "small");
    let head = |signature: &str| {
        format!(
            "POST /hooks/shopify/{} HTTP/1.1\r\nx-shopify-hmac-sha256: {signature}",
            app.fixture.store_key
        )
    };
    let wrong = "AHT49MhvBTUK/7xUX+OvvU3G7dR2uVK13zprd6eQ7jk=";
    // Each declares 15 MiB and sends nothing.
    let stuck: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            let head =
                format!("{}\r\nhost: x\r\ncontent-length: {}\r\n\r\n", head(wrong), 15 * MIB);
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    assert_eq!(server.ask(&head(wrong), b"{}").0, 401);
    assert!(begun.elapsed() < on_this_machine(Duration::from_secs(1)));
    drop(stuck);
}

#[test]
fn files_in_both_directions_take_little_memory() {
    let app = TestApp::start();
    app.within(|conn| {
        diesel::sql_query(
            "INSERT INTO triggers (merchant_id, kind, value, key, look_alike, affiliate_id) \
             SELECT $1, 'coupon_code', c, c, c, $2 \
             FROM (SELECT 'BULK' || n FROM generate_series(1, 50000) n) s (c)",
        )
        .bind::<BigInt, _>(app.fixture.merchant_id)
        .bind::<BigInt, _>(app.fixture.ada_id)
        .execute(conn)
    });
    let server = Server::start(&app, "files");
    let owner = app.owner();
    let export = signed_in(&owner, "GET /triggers.csv");
    assert!(server.ask(&export, b"").1 > MIB);
    let exports = server.growth(|| {
        let statuses = server.at_once(6, |_| server.ask(&export, b""));
        assert_eq!(statuses, [200; 6]);
    });
    assert!(exports <= 16, "exports: {exports} MiB");

    let token = owner.token();
    let rows: String = (0..10_000).map(|n| format!("ben@affiliates.example,NEW{n}\r\n")).collect();
    let body = format!(
        "--BB\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--BB\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"codes.csv\"\r\n\r\n\
         Email,Code\r\n{rows}\r\n--BB--\r\n"
    );
    let upload = signed_in(&owner, "POST /triggers/imports")
        + "\r\ncontent-type: multipart/form-data; boundary=BB";
    let uploads = server.growth(|| {
        let statuses = server.at_once(6, |_| server.ask(&upload, body.as_bytes()));
        assert_eq!(statuses, [303; 6]);
        let shown = owner.get("/triggers/imports").values("tbody th a", "href");
        let looks: Vec<String> =
            shown.iter().map(|path| signed_in(&owner, &format!("GET {path}"))).collect();
        let looks = server.at_once(looks.len(), |n| server.ask(&looks[n], b""));
        // All at once they may take longer than a page may.
        assert!(looks.iter().all(|status| matches!(status, 200 | 503)), "{looks:?}");
        assert!(looks.contains(&200), "{looks:?}");
    });
    assert!(uploads <= 48, "uploads: {uploads} MiB");
}
