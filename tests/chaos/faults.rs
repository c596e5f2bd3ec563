//! The faults: each is done to a running installation and ends, while orders come in.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _};

use super::instance::{END, Instance, agent, children_of, ended};
use crate::harness::PASSWORD;
use crate::harness::program::signal;
use crate::harness::proxy::Mode;
use crate::harness::shopify::sign;

/// What is done to the installation.
pub(super) struct Fault {
    pub name: &'static str,
    /// Orders have to be acknowledged while it lasts.
    pub is_served: bool,
    /// It's part of the short run.
    pub is_short: bool,
    /// Does it, and returns when it's over.
    pub run: fn(&Instance, &mut Chance) -> Result<(), String>,
}

/// What differs between runs.
pub(super) struct Chance {
    pub rng: StdRng,
    /// How long a fault lasts.
    pub lasts: Duration,
}

impl Chance {
    fn wait(&self) {
        std::thread::sleep(self.lasts);
    }

    /// A moment of up to this many milliseconds.
    fn moment(&mut self, milliseconds: u64) {
        std::thread::sleep(Duration::from_millis(self.rng.random_range(0..milliseconds)));
    }
}

macro_rules! faults {
    ($($name:ident: $served:literal, $short:literal;)*) => {
        /// All of them.
        pub(crate) const FAULTS: &[Fault] = &[$(Fault {
            name: stringify!($name),
            is_served: $served,
            is_short: $short,
            run: $name,
        }),*];
    };
}

// Whether orders are served meanwhile, and whether the short run has it.
faults! {
    postgres_restarts: false, false;
    postgres_is_killed: false, true;
    postgres_stands_still: false, false;
    a_backend_is_killed: false, false;
    backends_are_terminated: false, false;
    the_database_lets_nobody_in: false, false;
    connections_are_used_up: false, false;
    the_database_is_read_only: false, false;
    the_disk_is_full: false, true;
    statements_fail_in_passing: false, false;
    the_network_is_a_black_hole: false, true;
    the_network_resets: false, true;
    the_network_refuses: false, false;
    the_network_is_slow: true, false;
    the_network_comes_and_goes: false, false;
    orders_are_locked: false, true;
    sessions_are_locked: true, true;
    people_are_locked: true, false;
    jobs_are_locked: true, false;
    rows_are_locked_in_any_order: true, false;
    vouch_is_killed: false, true;
    vouch_is_terminated: false, false;
    vouch_is_terminated_in_a_black_hole: false, true;
    vouch_stands_still: false, false;
    vouch_starts_before_postgres: false, true;
    one_of_two_processes_is_killed: true, false;
    the_log_cannot_be_written: true, false;
    nobody_reads_the_log: true, false;
    a_recalculation_is_cut_off: false, false;
    large_bodies_come_unsigned: true, false;
    clients_are_slow: true, false;
    messages_make_no_sense: true, false;
}

fn postgres_restarts(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    for _ in 0..2 {
        signal(instance.postmaster(), libc::SIGINT);
        chance.moment(1500);
        std::thread::sleep(Duration::from_secs(1));
    }
    postgres_is_back(instance)
}

fn postgres_is_killed(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    chance.moment(500);
    signal(instance.postmaster(), libc::SIGKILL);
    std::thread::sleep(Duration::from_secs(1));
    postgres_is_back(instance)
}

fn postgres_is_back(instance: &Instance) -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if instance.try_admin().is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err("PostgreSQL didn't come back".to_owned())
}

fn postgres_stands_still(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    let postmaster = instance.postmaster();
    let all: Vec<i32> = children_of(postmaster).into_iter().chain([postmaster]).collect();
    // One that has ended by then is told nothing.
    let tell = |number| all.iter().map(|pid| signal(*pid, number)).filter(|told| *told).count();
    let told = tell(libc::SIGSTOP);
    chance.wait();
    tell(libc::SIGCONT);
    if told == 0 { Err("nothing stood still".to_owned()) } else { Ok(()) }
}

fn a_backend_is_killed(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    // PostgreSQL ends all the others too, and recovers.
    for _ in 0..2 {
        let backends = instance.backends();
        if let Some(pid) = backends.choose(&mut chance.rng) {
            signal(*pid, libc::SIGKILL);
        }
        std::thread::sleep(Duration::from_secs(1));
        postgres_is_back(instance)?;
    }
    Ok(())
}

fn backends_are_terminated(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < chance.lasts {
        instance.sql(&[TERMINATE]);
        chance.moment(300);
    }
    Ok(())
}

/// Ends the connections of Vouch.
const TERMINATE: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'vouch'";

fn the_database_lets_nobody_in(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    // From the database beside it: none can close the one that it's in.
    instance.sql_beside(&["ALTER DATABASE vouch ALLOW_CONNECTIONS false", TERMINATE]);
    chance.wait();
    instance.sql_beside(&["ALTER DATABASE vouch ALLOW_CONNECTIONS true"]);
    Ok(())
}

fn connections_are_used_up(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    instance.sql(&["ALTER ROLE vouch CONNECTION LIMIT 0", TERMINATE]);
    chance.wait();
    instance.sql(&["ALTER ROLE vouch CONNECTION LIMIT -1"]);
    Ok(())
}

fn the_database_is_read_only(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    instance.sql(&["ALTER DATABASE vouch SET default_transaction_read_only = on", TERMINATE]);
    chance.wait();
    instance.sql_beside(&["ALTER DATABASE vouch RESET default_transaction_read_only", TERMINATE]);
    Ok(())
}

fn the_disk_is_full(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    fails_with(instance, "53100", "conversions", chance)
}

fn statements_fail_in_passing(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    // Out of memory, an error of the disk, a crash elsewhere, a lock that wasn't had, a deadlock.
    let states = ["53200", "58030", "57P02", "55P03", "40P01"];
    let tables = ["orders", "conversions", "deliveries"];
    let part = chance.lasts / 3;
    for _ in 0..3 {
        let state = *states.choose(&mut chance.rng).expect("there are some");
        let table = *tables.choose(&mut chance.rng).expect("there are some");
        let lasts = std::mem::replace(&mut chance.lasts, part);
        let outcome = fails_with(instance, state, table, chance);
        chance.lasts = lasts;
        outcome?;
    }
    Ok(())
}

/// Every row that is added to `table` meanwhile fails with that SQLSTATE.
fn fails_with(
    instance: &Instance,
    state: &str,
    table: &str,
    chance: &mut Chance,
) -> Result<(), String> {
    instance.sql(&[
        &format!(
            "CREATE FUNCTION fails_in_passing() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN RAISE EXCEPTION 'could not extend a file' USING ERRCODE = '{state}'; END $$"
        ),
        &format!(
            "CREATE TRIGGER fails_in_passing BEFORE INSERT ON {table} \
             FOR EACH ROW EXECUTE FUNCTION fails_in_passing()"
        ),
    ]);
    chance.wait();
    instance.sql(&["DROP FUNCTION fails_in_passing CASCADE"]);
    Ok(())
}

fn the_network_is_a_black_hole(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    the_network_is(instance, Mode::BlackHole, chance)
}

fn the_network_resets(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    the_network_is(instance, Mode::Reset, chance)
}

fn the_network_refuses(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    the_network_is(instance, Mode::Refuse, chance)
}

fn the_network_is_slow(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    the_network_is(instance, Mode::Delay(Duration::from_millis(20)), chance)
}

fn the_network_is(instance: &Instance, mode: Mode, chance: &mut Chance) -> Result<(), String> {
    instance.network.set(mode);
    chance.wait();
    instance.network.set(Mode::Pass);
    Ok(())
}

fn the_network_comes_and_goes(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < chance.lasts {
        let mode = *[Mode::Reset, Mode::Refuse].choose(&mut chance.rng).expect("there are some");
        instance.network.set(mode);
        chance.moment(400);
        instance.network.set(Mode::Pass);
        chance.moment(400);
    }
    Ok(())
}

fn orders_are_locked(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    locks(instance, "orders", chance)
}

fn sessions_are_locked(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    locks(instance, "sessions", chance)
}

fn people_are_locked(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    locks(instance, "users, members, api_keys", chance)
}

fn jobs_are_locked(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    locks(instance, "emails, job_queues, jobs, pushes, recalculations", chance)
}

fn locks(instance: &Instance, tables: &str, chance: &mut Chance) -> Result<(), String> {
    let mut conn = instance.admin();
    let lock = format!("BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE");
    conn.batch_execute(&lock).map_err(|error| error.to_string())?;
    chance.wait();
    conn.batch_execute("ROLLBACK").map_err(|error| error.to_string())
}

fn rows_are_locked_in_any_order(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    let mut rows = [
        "SELECT 1 FROM triggers ORDER BY random() LIMIT 1 FOR UPDATE",
        "SELECT 1 FROM affiliates ORDER BY random() LIMIT 1 FOR UPDATE",
        "SELECT 1 FROM orders ORDER BY random() LIMIT 5 FOR UPDATE",
        "SELECT 1 FROM conversions ORDER BY random() LIMIT 5 FOR UPDATE",
        "SELECT 1 FROM daily_rollups ORDER BY random() LIMIT 5 FOR UPDATE",
    ];
    let mut conn = instance.admin();
    let begun = Instant::now();
    while begun.elapsed() < chance.lasts {
        rand::seq::SliceRandom::shuffle(&mut rows[..], &mut chance.rng);
        // PostgreSQL may end this one as the victim of a deadlock: then Vouch goes on.
        let _ = conn.batch_execute("BEGIN; SET LOCAL deadlock_timeout = '50ms'");
        for row in rows {
            let _ = conn.batch_execute(row);
            chance.moment(60);
        }
        let _ = conn.batch_execute("ROLLBACK");
        chance.moment(200);
    }
    Ok(())
}

fn vouch_is_killed(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    chance.moment(500);
    instance.end_vouch(libc::SIGKILL)?;
    instance.start_vouch(Stdio::null());
    Ok(())
}

fn vouch_is_terminated(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    chance.moment(500);
    instance.end_vouch(libc::SIGTERM)?;
    instance.start_vouch(Stdio::null());
    Ok(())
}

fn vouch_is_terminated_in_a_black_hole(instance: &Instance, _: &mut Chance) -> Result<(), String> {
    instance.network.set(Mode::BlackHole);
    std::thread::sleep(Duration::from_secs(1));
    let ended = instance.end_vouch(libc::SIGTERM);
    instance.network.set(Mode::Pass);
    instance.start_vouch(Stdio::null());
    ended.map(drop)
}

fn vouch_stands_still(instance: &Instance, _: &mut Chance) -> Result<(), String> {
    instance.signal(libc::SIGSTOP);
    std::thread::sleep(Duration::from_secs(3));
    instance.signal(libc::SIGCONT);
    Ok(())
}

fn vouch_starts_before_postgres(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    instance.end_vouch(libc::SIGTERM)?;
    instance.network.set(Mode::Refuse);
    instance.start_vouch(Stdio::null());
    chance.wait();
    let runs = instance.runs();
    instance.network.set(Mode::Pass);
    runs.then_some(()).ok_or_else(|| "it gave up".to_owned())
}

fn one_of_two_processes_is_killed(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| error.to_string())?;
    let mut other = instance.another(&port.to_string());
    chance.wait();
    let ran = ended(&mut other).is_none();
    let _ = other.kill();
    let _ = other.wait();
    ran.then_some(()).ok_or_else(|| "the second process didn't run".to_owned())
}

fn the_log_cannot_be_written(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").map(Stdio::from);
    let (output, log) = (full().map_err(said)?, full().map_err(said)?);
    logs_to(instance, output, log, chance)
}

fn nobody_reads_the_log(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    // A pipe holds 64 KiB; everything after that waits for a reader who never comes.
    logs_to(instance, Stdio::null(), Stdio::piped(), chance)
}

/// Has Vouch work with much to log, and a log that takes nothing.
fn logs_to(instance: &Instance, output: Stdio, log: Stdio, chance: &Chance) -> Result<(), String> {
    instance.end_vouch(libc::SIGTERM)?;
    instance.start_logging_to(output, log, "trace");
    let served = instance.wait_until_ready().and_then(|()| {
        provoke_log_lines(instance);
        chance.wait();
        says_that_it_works(instance)
    });
    let ended = instance.end_vouch(libc::SIGTERM);
    instance.start_vouch(Stdio::null());
    served.and(ended.map(drop))
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A warning for each request, until one isn't answered.
fn provoke_log_lines(instance: &Instance) {
    let agent = agent(END);
    let url = format!("{}/hooks/shopify/{}", instance.base, instance.shops[0].store_key);
    let send = || agent.post(&url).header("x-shopify-hmac-sha256", "wrong").send(&b"{}"[..]);
    (0..200).all(|_| send().is_ok());
}

/// Whether the process says of itself that it works.
fn says_that_it_works(instance: &Instance) -> Result<(), String> {
    let agent = agent(END);
    for path in ["/healthz", "/readyz"] {
        let answer = agent.get(format!("{}{path}", instance.base)).call().map_err(said)?;
        if answer.status() != 200 {
            return Err(format!("{path} answers {}", answer.status()));
        }
    }
    Ok(())
}

fn a_recalculation_is_cut_off(instance: &Instance, _: &mut Chance) -> Result<(), String> {
    let owner = instance.person();
    let page = owner.get("/login");
    let typed = [("email", "owner@acme.example"), ("password", PASSWORD)];
    owner.submit(&page, "form", &typed);
    let path = format!("/triggers/{}/reassignment", instance.fixture.ada10_id);
    let today = vouch::kit::clock::now().format("%Y-%m-%d").to_string();
    for affiliate in [instance.fixture.ben_id, instance.fixture.ada_id] {
        let affiliate = affiliate.to_string();
        let typed = [("affiliate_id", affiliate.as_str()), ("from", today.as_str())];
        let answer = owner.post_signed(&path, &typed);
        if answer.status != 303 {
            return Err(format!("the reassignment was answered {}", answer.status));
        }
    }
    instance.end_vouch(libc::SIGTERM)?;
    instance.start_vouch(Stdio::null());
    instance.wait_until_ready()?;
    let begun = Instant::now();
    while instance.count("recalculations") > 0 {
        if begun.elapsed() > Duration::from_secs(60) {
            return Err("the recalculation wasn't finished".to_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn large_bodies_come_unsigned(instance: &Instance, _: &mut Chance) -> Result<(), String> {
    const BODIES: usize = 60;
    let body = vec![b'x'; 15 << 20];
    let shop = &instance.shops[0];
    let url = format!("{}/hooks/shopify/{}", instance.base, shop.store_key);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..BODIES)
            .map(|_| {
                scope.spawn(|| {
                    let request = agent(Duration::from_secs(60)).post(&url);
                    let request = request.header("x-shopify-hmac-sha256", "wrong");
                    request.send(&body[..]).map_or(0, |answer| answer.status().as_u16())
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    // Refused, or asked to come again; a connection may be closed before the body has gone.
    let is_fine = |status: &u16| matches!(status, 0 | 400..500 | 503);
    match statuses.iter().find(|status| !is_fine(status)) {
        Some(status) => Err(format!("a large body was answered {status}")),
        None => Ok(()),
    }
}

fn clients_are_slow(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    const CLIENTS: usize = 200;
    let address = instance.base.trim_start_matches("http://");
    let store = &instance.shops[0].store_key;
    let heads = [
        "GET /dashboard HTTP/1.1\r\nhost: ".to_owned(),
        format!(
            "POST /hooks/shopify/{store} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
        ),
    ];
    let mut connections = Vec::new();
    for at in 0..CLIENTS {
        let mut connection = TcpStream::connect(address).map_err(said)?;
        connection.set_nonblocking(true).map_err(said)?;
        let _ = connection.write_all(heads[at % 2].as_bytes());
        connections.push(connection);
    }
    let begun = Instant::now();
    while begun.elapsed() < chance.lasts {
        for connection in &mut connections {
            let _ = connection.write(b"x");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn messages_make_no_sense(instance: &Instance, chance: &mut Chance) -> Result<(), String> {
    let agent = agent(END);
    let shop = &instance.shops[0];
    let begun = Instant::now();
    while begun.elapsed() < chance.lasts {
        let mut bytes = vec![0; chance.rng.random_range(0..200)];
        chance.rng.fill_bytes(&mut bytes);
        let deep = "[".repeat(chance.rng.random_range(1..100_000)).into_bytes();
        let odd =
            br#"{"id":1e400,"line_items":{"a":[null,"\u0000"]},"created_at":"9999999-99-99"}"#;
        let bodies = [bytes, deep, odd.to_vec(), b"{\"id\":12}".to_vec(), b"null".to_vec()];
        let body = bodies.choose(&mut chance.rng).expect("there are some");
        let number: u64 = chance.rng.random();
        let answer = agent
            .post(format!("{}/hooks/shopify/{}", instance.base, shop.store_key))
            .header("content-type", "application/json")
            .header("x-shopify-topic", "orders/create")
            .header("x-shopify-webhook-id", number.to_string())
            .header("x-shopify-hmac-sha256", sign(shop.secret, body))
            .send(&body[..])
            .map_err(said)?;
        if answer.status().is_server_error() {
            return Err(format!("answered {}", answer.status()));
        }
    }
    Ok(())
}
