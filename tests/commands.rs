//! The program itself: its settings, its signals, its death.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use secrecy::SecretBox;
use vouch::features::ingest::intake::{DeliverySource, IncomingDelivery, gzip, ingest_one};
use vouch::features::stores::{WebhookSecret, connect_shopify};
use vouch::kit::audit::Actor;
use vouch::kit::clock;
use vouch::kit::db::embedded::{EmbeddedOptions, EmbeddedServer};
use vouch::kit::db::schema::{audit_log, instance_log, merchants, orders, stores};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::secrets::Encryptor;
use vouch_core::platform::Platform;
use vouch_platforms::parse_message;

use crate::harness::program::{eventually, signal};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, on_this_machine, pseudonyms, then};

/// A data folder that goes with the test, and the program run on it.
pub(crate) struct Instance {
    pub(crate) folder: PathBuf,
    /// The user to run as, when the tests run as root.
    user: Option<u32>,
}

impl Instance {
    pub(crate) fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("vouch-command-{name}-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o711).create(&folder).unwrap();
        Self { folder, user: None }
    }

    pub(crate) fn vouch(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        command
            .args(arguments)
            .current_dir("/")
            .env_remove("DATABASE_URL")
            .env_remove("VOUCH_PUBLIC_URL")
            .env_remove("VOUCH_SECRET_KEY")
            .env("VOUCH_LISTEN", "127.0.0.1:0")
            .env("VOUCH_DATA", &self.folder)
            .env("VOUCH_WAIT_FACTOR", "20")
            .stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.vouch(arguments).output().unwrap()
    }

    /// Starts `vouch serve` and waits until it says that it is ready.
    pub(crate) fn serve(&self) -> Serving {
        let mut child =
            self.vouch(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains("listening on"))
            .expect("it says where it listens");
        let address = ready.trim_end_matches('.').rsplit(' ').next().unwrap();
        Serving { child, address: address.to_owned() }
    }

    /// Makes the merchant Tea and connects a Shopify store, with a secret that was encrypted with some
    /// other key than this installation's.
    pub(crate) fn connect_store(&self, address: &str) {
        self.connect_store_with(address, &[]);
    }

    /// The same with settings of the command.
    fn connect_store_with(&self, address: &str, settings: &[&str]) {
        let create = ["merchant", "create", "--name=Tea", "--email=ana@example.com"];
        let create: Vec<&str> = create.iter().chain(settings).copied().collect();
        assert_eq!(self.output(&create).status.code(), Some(0));
        let encryptor = Encryptor::new(&SecretBox::new(Box::new([0xba; 32])));
        let secret = WebhookSecret::parse(&"5ec2e7".repeat(6)).unwrap();
        self.within_database(|conn| {
            let merchant_id = merchants::table.select(merchants::id).first(conn)?;
            let actor = Actor::system(merchant_id, clock::now());
            connect_shopify(conn, &actor, &encryptor, address, &secret).unwrap();
            Ok(())
        });
    }

    /// Works on everything in its database.
    pub(crate) fn within_database<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> T {
        let server = EmbeddedServer::start(&EmbeddedOptions {
            data_dir: self.folder.clone(),
            ..EmbeddedOptions::default()
        })
        .unwrap();
        let mut conn = PgConnection::establish(&server.app_url()).unwrap();
        in_scope(&mut conn, Scope::Instance, work).unwrap()
    }

    fn postmaster(&self) -> Option<i32> {
        let content = fs::read_to_string(self.folder.join("postgres/postmaster.pid")).ok()?;
        content.lines().next()?.parse().ok()
    }

    /// Waits for the end of the database server: on a busy disk it ends a little after Vouch has.
    fn ends_its_server(&self) {
        eventually("the server has ended", || self.postmaster().is_none());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(pid) = self.postmaster() {
            signal(pid, libc::SIGQUIT);
            let begun = Instant::now();
            while signal(pid, 0) && begun.elapsed() < on_this_machine(Duration::from_secs(5)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A running `vouch serve`.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
}

impl Serving {
    fn get(&self, path: &str) -> u16 {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .into();
        let url = format!("http://{}{path}", self.address);
        agent.get(url).call().map_or(0, |answer| answer.status().as_u16())
    }

    pub(crate) fn signal(&self, number: i32) {
        assert!(signal(i32::try_from(self.child.id()).unwrap(), number));
    }

    pub(crate) fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The doctor's line about a subject.
fn doctor_line<'a>(said: &'a str, subject: &str) -> &'a str {
    let found = said.lines().find(|line| line.contains(&format!(" {subject}:")));
    found.unwrap_or_else(|| panic!("{said}"))
}

/// How many of the doctor's checks found something. These instances have no mail server.
fn issues(said: &str) -> usize {
    let is_issue = |line: &&str| {
        line.starts_with("problem ")
            || line.starts_with("warning ") && !line.contains("VOUCH_SMTP_URL")
    };
    said.lines().filter(is_issue).count()
}

#[test]
fn a_bad_setting_is_refused_in_one_line() {
    let here = Instance::new("bad-setting");
    for arguments in [["migrate", "--listen=nowhere"], ["--listen=nowhere", "serve"]] {
        let output = here.output(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("vouch: VOUCH_LISTEN: "), "{said}");
    }
}

#[test]
fn help_lists_every_setting() {
    let here = Instance::new("help");
    let help = text(&here.output(&["--help"]).stdout);
    assert!(help.contains("127.0.0.1:8080"));
    // And so does the README.
    let listed = include_str!("../README.md").lines().filter_map(|line| {
        let (setting, flag) = line.strip_prefix("| `")?.split_once("` | `--")?;
        Some((setting, flag.split('`').next()?))
    });
    let listed: BTreeSet<(&str, &str)> = listed.collect();
    let named: BTreeSet<&str> = help
        .split(['[', ']'])
        .filter_map(|part| part.strip_prefix("env: ")?.split('=').next())
        .collect();
    assert!(named.len() > 15 && named.contains("VOUCH_LISTEN"), "{named:?}");
    assert_eq!(listed.iter().map(|(setting, _)| *setting).collect::<BTreeSet<_>>(), named);
    for (_, flag) in listed {
        assert!(help.contains(&format!("--{flag} ")), "{flag}");
    }
}

#[test]
fn the_options_of_a_command_stand_before_the_settings_of_all() {
    let here = Instance::new("options");
    let help = text(&here.output(&["merchant", "create", "--help"]).stdout);
    let at = |part: &str| help.find(part).unwrap_or_else(|| panic!("no {part}: {help}"));
    assert!(at("--time-zone <") < at("Settings:") && at("Settings:") < at("--listen <"));
}

#[test]
fn a_demo_password_that_is_easy_to_guess_is_refused() {
    let here = Instance::new("guess");
    for easy in ["x", "password123", "juniper-sage"] {
        let output = here.output(&["demo", &format!("--demo-password={easy}")]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{easy}: {said}");
        assert!(said.starts_with("vouch: VOUCH_DEMO_PASSWORD: "), "{said}");
        assert!(said.lines().count() == 1 && !said.contains(easy), "{said}");
    }
    assert!(!here.folder.join("postgres").exists(), "nothing was started");
}

#[test]
fn a_port_in_use_is_named() {
    let here = Instance::new("port");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--listen={}", taken.local_addr().unwrap());
    let output = here.output(&["serve", &listen]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("VOUCH_LISTEN") && said.lines().count() == 1, "{said}");
    assert!(!here.folder.join("postgres").exists(), "nothing was started");
}

#[test]
fn a_database_that_does_not_answer_is_waited_for_with_a_line_a_second() {
    let here = Instance::new("unreachable");
    let mut child = here
        .vouch(&["migrate", "--database-url=postgresql://me:hunter2@127.0.0.1:1/vouch"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said: Vec<String> = lines.take(2).map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    for line in said {
        assert!(line.contains("waiting_for_database") && line.contains("refused"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
}

#[test]
fn the_server_ends_with_the_program() {
    let here = Instance::new("sigterm");
    for number in [libc::SIGTERM, libc::SIGINT] {
        let serving = here.serve();
        assert_eq!(serving.get("/healthz"), 200);
        let server = here.postmaster().unwrap();
        let asked = Instant::now();
        serving.signal(number);
        assert_eq!(serving.ended().code(), Some(0));
        assert!(asked.elapsed() < on_this_machine(Duration::from_secs(10)));
        here.ends_its_server();
        eventually("its process is gone", || !signal(server, 0));
    }
}

#[test]
fn a_killed_program_finds_its_server_again() {
    let here = Instance::new("sigkill");
    let serving = here.serve();
    let server = here.postmaster().unwrap();
    serving.signal(libc::SIGKILL);
    serving.ended();
    assert!(signal(server, 0), "nobody was there to stop it");

    let serving = here.serve();
    assert_eq!(here.postmaster(), Some(server));
    serving.signal(libc::SIGTERM);
    assert_eq!(serving.ended().code(), Some(0));
    here.ends_its_server();
}

#[test]
fn what_was_begun_is_finished_before_the_end() {
    let here = Instance::new("begun");
    let serving = here.serve();
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    // However busy the machine is: from here on somebody reads what comes along this connection.
    // copy: HTTP
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: vouch\r\n\r\n").unwrap();
    assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let origin = format!("http://{}", serving.address);
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nemail",
        serving.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    assert!(stream.read(&mut answer).is_err(), "it waits for the rest of the body");

    serving.signal(libc::SIGTERM);
    eventually("nobody is let in any more", || TcpStream::connect(&serving.address).is_err());
    stream.write_all(b"=abcd").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 "), "{}", text(&answer));
    assert_eq!(serving.ended().code(), Some(0));
}

#[test]
fn who_is_told_to_stop_is_not_ready_any_more() {
    let here = Instance::new("unready");
    let serving = here.serve();
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut ask = || {
        let mut answer = [0; 4096];
        let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: vouch\r\n\r\n");
        let read = asked.and_then(|()| stream.read(&mut answer)).unwrap_or_default();
        text(&answer[..read])
    };
    let answer = ask();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A load balancer keeps its connections, and asks on one of them: it is closed by then, or told.
    serving.signal(libc::SIGTERM);
    eventually("nobody is let in any more", || TcpStream::connect(&serving.address).is_err());
    let answer = ask();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(serving.ended().code(), Some(0));
}

#[test]
fn pages_come_back_after_the_database_was_killed() {
    let here = Instance::new("dbkilled");
    let serving = here.serve();
    let server = here.postmaster().unwrap();
    assert!(signal(server, libc::SIGKILL));
    eventually("pages are back", || {
        here.postmaster().is_some_and(|new| new != server) && serving.get("/login") == 200
    });
    serving.signal(libc::SIGTERM);
    assert_eq!(serving.ended().code(), Some(0));
}

#[test]
fn two_programs_share_a_server_and_the_last_one_stops_it() {
    let here = Instance::new("two");
    // Both find an empty folder.
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| here.serve());
        let second = scope.spawn(|| here.serve());
        (first.join().unwrap(), second.join().unwrap())
    });
    first.signal(libc::SIGTERM);
    assert_eq!(first.ended().code(), Some(0));
    assert!(here.postmaster().is_some());
    assert_eq!(here.output(&["migrate"]).status.code(), Some(0));
    second.signal(libc::SIGTERM);
    assert_eq!(second.ended().code(), Some(0));
    here.ends_its_server();
}

#[test]
fn an_end_in_the_middle_of_initdb_does_no_harm() {
    let here = Instance::new("initdb");
    let mut child =
        here.vouch(&["migrate"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("initdb is at work", || {
        fs::read_dir(&here.folder)
            .unwrap()
            .flatten()
            .any(|entry| entry.path().join("base").exists())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!here.folder.join("postgres").exists());
    let output = here.output(&["migrate"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn merchants_and_support_staff_are_made_on_the_command_line() {
    let here = Instance::new("people");
    let create = |name: &str, email: &str| {
        here.output(&["merchant", "create", "--name", name, "--email", email, "--currency=eur"])
    };
    let output = create("Tea House", "ana@example.com");
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(said.contains("tea-house") && said.contains("Password: "), "{said}");

    let said = text(&create("Tea House", "Ana@Example.com").stdout);
    assert!(said.contains("tea-house-2") && !said.contains("Password"), "{said}");

    let support = ["support", "create", "--name", "Bo", "--email", "bo@example.com"];
    assert_eq!(here.output(&support).status.code(), Some(0));
    let output = here.output(&support);
    assert_eq!(output.status.code(), Some(1), "a known email");
    assert_eq!(text(&output.stderr).lines().count(), 1);

    for wrong in ["--currency=XX", "--time-zone=Mars/Olympus", "--email=nobody"] {
        let mut arguments = vec!["merchant", "create", "--name=Tea", wrong];
        if !wrong.starts_with("--email") {
            arguments.push("--email=ana@example.com");
        }
        assert_eq!(here.output(&arguments).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn the_doctor_says_what_to_fix() {
    let here = Instance::new("doctor");
    assert_eq!(here.output(&["migrate"]).status.code(), Some(0));
    let output = here.output(&["doctor"]);
    let said = text(&output.stdout);
    assert_eq!((output.status.code(), issues(&said)), (Some(0), 0), "{said}");

    fs::set_permissions(&here.folder, fs::Permissions::from_mode(0o777)).unwrap();
    let output = here.output(&["doctor", "--public-url=http://vouch.example.com"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("chmod go-w") && issues(&said) == 2, "{said}");

    here.connect_store("tea.myshopify.com");
    let other_key = format!("--secret-key={}", "ab".repeat(32));
    let said = text(&here.output(&["doctor", &other_key]).stdout);
    let secrets = doctor_line(&said, "store secrets");
    assert!(secrets.starts_with("problem ") && secrets.contains("of Tea"), "{secrets}");

    let output = here.output(&["doctor", "--log=xml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("VOUCH_LOG"));
}

#[test]
fn a_kept_key_is_rotated_and_a_rotation_that_was_broken_off_is_run_again() {
    let here = Instance::new("rotate");
    let (kept, next) = (here.folder.join("secret.key"), here.folder.join("secret.key.next"));
    let keep = |path: &PathBuf, key: &str| {
        fs::write(path, key).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    keep(&kept, &"ba".repeat(32));
    here.connect_store("tea.myshopify.com");
    let rotated = |output: Output| {
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
        assert!(said.contains(": 1."), "one secret: {said}");
        let said = text(&here.output(&["doctor"]).stdout);
        assert_eq!(issues(&said), 0, "{said}");
    };
    rotated(here.output(&["rotate-key"]));
    let key = fs::read_to_string(&kept).unwrap();
    assert_ne!(key.trim(), "ba".repeat(32));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!next.exists());

    // Broken off after everything was encrypted, before the new key took the place of the old one.
    keep(&next, &key);
    keep(&kept, &"ba".repeat(32));
    rotated(here.output(&["rotate-key"]));
    assert_eq!(fs::read_to_string(&kept).unwrap(), key);
    // Broken off before anything was encrypted.
    keep(&next, &"cd".repeat(32));
    rotated(here.output(&["rotate-key"]));
    assert_eq!(fs::read_to_string(&kept).unwrap(), "cd".repeat(32));
    assert_eq!(here.output(&["rotate-key", "--new-secret-key=x"]).status.code(), Some(1));
}

#[test]
fn a_given_key_is_rotated_to_a_given_one() {
    let here = Instance::new("rotate-given");
    let (old, new) = ("ba".repeat(32), "cd".repeat(32));
    let given = format!("--secret-key={old}");
    here.connect_store_with("tea.myshopify.com", &[&given]);
    for arguments in [vec!["rotate-key"], vec!["rotate-key", "--new-secret-key=short"]] {
        let arguments: Vec<&str> = arguments.into_iter().chain([given.as_str()]).collect();
        let output = here.output(&arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("VOUCH_NEW_SECRET_KEY"));
    }
    let new_given = format!("--new-secret-key={new}");
    for _ in 0..2 {
        let output = here.output(&["rotate-key", &given, &new_given]);
        let said = text(&output.stdout);
        assert!(said.contains(": 1."), "one secret: {said}{}", text(&output.stderr));
    }
    let said = text(&here.output(&["doctor", &format!("--secret-key={new}")]).stdout);
    assert!(doctor_line(&said, "store secrets").starts_with("ok "), "{said}");
    let said = text(&here.output(&["doctor", &given]).stdout);
    assert!(doctor_line(&said, "store secrets").starts_with("problem "), "{said}");
}

/// The users that a process acts as: real, effective, saved and that of files.
fn users_of(pid: u32) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    line.split_whitespace().map(|uid| uid.parse().unwrap()).collect()
}

#[test]
fn started_as_root_it_goes_on_as_an_ordinary_user() {
    let mut here = Instance::new("left-root");
    if fs::metadata(&here.folder).unwrap().uid() != 0 {
        return;
    }
    // Only root can enter, as `mktemp -d` makes folders.
    fs::set_permissions(&here.folder, fs::Permissions::from_mode(0o700)).unwrap();
    let stop = |serving: Serving| {
        serving.signal(libc::SIGTERM);
        assert_eq!(serving.ended().code(), Some(0));
        here.ends_its_server();
    };
    let serving = here.serve();
    let users = users_of(serving.child.id());
    assert!(users.iter().all(|user| *user != 0), "{users:?}");
    let user = users[0];
    // It can still bring its database back.
    let server = here.postmaster().unwrap();
    assert!(signal(server, libc::SIGKILL));
    eventually("pages are back", || {
        here.postmaster().is_some_and(|new| new != server) && serving.get("/login") == 200
    });
    stop(serving);

    let workers = here.vouch(&["serve", "--workers-only"]).stdout(Stdio::piped()).spawn();
    let mut workers = workers.unwrap();
    let mut line = String::new();
    BufReader::new(workers.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(users_of(workers.id()).iter().all(|user| *user != 0), "{line}");
    assert!(signal(i32::try_from(workers.id()).unwrap(), libc::SIGTERM));
    assert!(workers.wait().unwrap().success());

    // What root does in between leaves the folder to the user.
    assert_eq!(here.output(&["rotate-key"]).status.code(), Some(0));
    for entry in fs::read_dir(&here.folder).unwrap().flatten() {
        assert_eq!(entry.metadata().unwrap().uid(), user, "{}", entry.path().display());
    }
    here.user = Some(user);
    let as_user = match here.vouch(&["migrate"]).output() {
        Ok(output) => output,
        // The build folder is root's alone: there is nothing that another user could run.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(as_user.status.code(), Some(0), "{}", text(&as_user.stderr));
    here.user = None;
    let serving = here.serve();
    assert_eq!(serving.get("/login"), 200);
    serving.signal(libc::SIGTERM);
    assert_eq!(serving.ended().code(), Some(0));
}

#[test]
fn runs_as_an_ordinary_user() {
    let mut here = Instance::new("ordinary");
    if fs::metadata(&here.folder).unwrap().uid() == 0 {
        const NOBODY: u32 = 65534;
        chown(&here.folder, Some(NOBODY), Some(NOBODY)).unwrap();
        here.user = Some(NOBODY);
    }
    let output = match here.vouch(&["migrate"]).output() {
        Ok(output) => output,
        // The build folder is root's alone: there is nothing that another user could run.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    here.ends_its_server();

    // And root can look after what an ordinary user has made.
    here.user = None;
    let output = here.output(&["migrate"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn access_ends_and_comes_back_on_the_command_line() {
    let here = Instance::new("access");
    let said = |arguments: &[&str]| {
        let output = here.output(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    said(&["merchant", "create", "--name=Tea House", "--email=ana@example.com"]);
    said(&["support", "create", "--name=Bo", "--email=bo@example.com"]);
    let email = "--email=Ana@Example.com";
    // What is said of a change, and of none. The rows below show that the second changes nothing.
    let twice = |arguments: &[&str]| assert_ne!(said(arguments), said(arguments), "{arguments:?}");
    twice(&["user", "disable", email, "--reason=Left the company"]);
    twice(&["user", "enable", email]);
    twice(&["support", "remove", "--email=bo@example.com"]);
    twice(&["support", "add", "--email=bo@example.com"]);
    twice(&["merchant", "close", "--slug=tea-house"]);
    twice(&["merchant", "reopen", "--slug=tea-house"]);
    for unknown in [
        ["user", "disable", "--email=nobody@example.com"],
        ["support", "remove", "--email=nobody@example.com"],
        ["merchant", "close", "--slug=nothing"],
        ["mail", "show", "1"],
    ] {
        let output = here.output(&unknown);
        assert_eq!(output.status.code(), Some(1), "{unknown:?}");
        assert_eq!(text(&output.stderr).lines().count(), 1, "{unknown:?}");
    }
    let (acts, of_merchant) = here.within_database(|conn| {
        let acts: Vec<(String, serde_json::Value)> = instance_log::table
            .order(instance_log::id)
            .select((instance_log::action, instance_log::details))
            .load(conn)?;
        let of_merchant: Vec<String> = audit_log::table
            .filter(audit_log::actor_name.eq("Command line"))
            .order(audit_log::id)
            .select(audit_log::action)
            .load(conn)?;
        Ok((acts, of_merchant))
    });
    let names: Vec<&str> = acts.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        names,
        [
            "user.disabled",
            "user.enabled",
            "user.support_removed",
            "user.support_added",
            "merchant.closed",
            "merchant.reopened"
        ]
    );
    assert_eq!(acts[0].1["reason"], "Left the company");
    let expected = ["member.disabled", "member.enabled", "merchant.closed", "merchant.reopened"];
    assert_eq!(of_merchant, expected);
}

#[test]
fn an_email_that_waits_is_shown_on_the_server_and_that_is_recorded() {
    let here = Instance::new("mail");
    let kept = here.folder.join("secret.key");
    fs::write(&kept, "ba".repeat(32)).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    let create = ["merchant", "create", "--name=Tea", "--email=ana@example.com"];
    assert_eq!(here.output(&create).status.code(), Some(0));
    assert!(!text(&here.output(&["mail", "list"]).stdout).contains('@'));
    let encryptor = Encryptor::new(&SecretBox::new(Box::new([0xba; 32])));
    here.within_database(|conn| {
        vouch::features::auth::resets::ask(conn, &encryptor, "ana@example.com", clock::now())
    });
    let list = text(&here.output(&["mail", "list"]).stdout);
    assert!(list.contains("ana@example.com") && !list.contains("/password-resets/"), "{list}");
    let id = list.split_whitespace().next().unwrap();
    let output = here.output(&["mail", "show", id, "--public-url=https://vouch.example"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("https://vouch.example/password-resets/"), "{shown}");
    let acts: Vec<String> =
        here.within_database(|conn| instance_log::table.select(instance_log::action).load(conn));
    assert_eq!(acts, ["email.revealed"]);
}

#[test]
fn the_doctor_says_what_the_roles_of_another_server_lack_and_migrate_grants_it() {
    let here = Instance::new("roles");
    let app = TestApp::start();
    let run = |command: &str| {
        let mut vouch = here.vouch(&[command]);
        vouch.env("DATABASE_URL", &app.database_url);
        vouch.env("VOUCH_OWNER_DATABASE_URL", app.owner_url());
        text(&vouch.output().unwrap().stdout)
    };
    let said = run("doctor");
    for subject in ["role", "rights", "settings", "migrations"] {
        assert!(doctor_line(&said, subject).starts_with("ok "), "{said}");
    }
    app.as_superuser()
        .batch_execute(
            "GRANT TRUNCATE ON orders TO vouch; GRANT UPDATE (summary) ON audit_log TO vouch; \
             REVOKE SELECT ON offers FROM vouch; \
             GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
        )
        .unwrap();
    let said = run("doctor");
    let rights = doctor_line(&said, "rights");
    for part in ["problem ", "truncate", "audit log", "read every table", "vouch migrate"] {
        assert!(rights.contains(part), "{rights}");
    }
    assert!(
        doctor_line(&said, "settings").contains("REVOKE EXECUTE ON FUNCTION pg_catalog.set_config")
    );
    run("migrate");
    assert!(doctor_line(&run("doctor"), "rights").starts_with("ok "));
}

impl Instance {
    /// An order of Tea's store, by a customer with that address.
    fn receive_order(&self, email: &str) {
        let (merchant_id, store_id): (i64, i64) = self.within_database(|conn| {
            stores::table.select((stores::merchant_id, stores::id)).first(conn)
        });
        let body = serde_json::to_vec(&ShopifyOrder::new(1, then()).email(email).0).unwrap();
        let (topic, now) = ("orders/create", clock::now());
        let event = parse_message(Platform::Shopify, topic, &body, false, now).unwrap();
        let arrival = IncomingDelivery {
            merchant_id,
            store_id,
            source: DeliverySource::Webhook,
            topic: topic.to_owned(),
            delivery_ref: "1".to_owned(),
            is_test: false,
            sent_at: None,
            received_at: now,
            body_gzip: gzip(&body),
        };
        self.within_database(|conn| ingest_one(conn, &arrival, event, &pseudonyms()));
    }
}

#[test]
fn a_person_is_exported_and_erased_on_the_command_line() {
    const EMAIL: &str = "cleo.k7wq@customers.example";
    let here = Instance::new("person");
    here.connect_store("tea.myshopify.com");
    here.receive_order(EMAIL);
    let disable = [
        "user",
        "disable",
        "--email=ana@example.com",
        "--reason=As Cleo.K7WQ@customers.example asked",
    ];
    assert_eq!(here.output(&disable).status.code(), Some(0));
    let of_order = || -> (Option<String>, i64) {
        here.within_database(|conn| {
            orders::table
                .select((orders::customer_email, orders::total_minor.assume_not_null()))
                .first(conn)
        })
    };
    let reasons = || -> Vec<serde_json::Value> {
        here.within_database(|conn| instance_log::table.select(instance_log::details).load(conn))
    };
    let (_, total) = of_order();
    let asked = "--email=Cleo.K7wq+tea@customers.example".replace("+tea", "");
    let named = |reasons: Vec<serde_json::Value>| {
        reasons.iter().any(|details| details.to_string().to_lowercase().contains("k7wq"))
    };
    assert!(named(reasons()));

    let file = here.folder.join("person.json");
    let output = format!("--output={}", file.display());
    let exported = here.output(&["person", "export", &asked, &output]);
    assert_eq!(exported.status.code(), Some(0), "{}", text(&exported.stderr));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(json["tea"]["orders"][0]["customer_email"], EMAIL);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "for one reader");

    // Without --yes it only says where they are found.
    let erase = ["person", "erase", &asked];
    assert_eq!(here.output(&erase).status.code(), Some(0));
    assert_eq!(of_order().0.as_deref(), Some(EMAIL));
    let elsewhere = here.output(&["person", "erase", &asked, "--program=coffee", "--yes"]);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert_eq!(of_order().0.as_deref(), Some(EMAIL));

    let erased = here.output(&["person", "erase", &asked, "--program=tea", "--yes"]);
    assert_eq!(erased.status.code(), Some(0), "{}", text(&erased.stderr));
    assert!(!text(&erased.stdout).to_lowercase().contains("k7wq"));
    let (left, still) = of_order();
    assert!(left.is_some_and(|email| !email.contains("k7wq")));
    assert_eq!(still, total);
    assert!(!named(reasons()));
    assert_eq!(here.output(&["person", "erase", &asked, "--yes"]).status.code(), Some(0), "twice");
    assert_eq!(
        here.output(&["person", "export", &asked]).status.code(),
        Some(1),
        "nothing is left"
    );
    // The only owner stays one.
    let owner = here.output(&["person", "erase", "--email=ana@example.com", "--yes"]);
    assert_eq!(owner.status.code(), Some(1));
}
