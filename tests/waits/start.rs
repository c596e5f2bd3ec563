//! The program itself: before its database is there, and when it's told to end.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;

use super::time_until;
use crate::harness::program::{DataFolder, signal, vouch};
use crate::harness::proxy::{Mode, Proxy};
use crate::harness::{TestApp, on_this_machine};

/// `vouch` on the database of a test, with its log.
struct Running {
    child: Child,
    _folder: DataFolder,
    log: Arc<Mutex<Vec<String>>>,
    /// What it says on its standard output.
    said: Arc<Mutex<Vec<String>>>,
}

fn collect(stream: impl std::io::Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            into.lock().unwrap().push(line);
        }
    });
    lines
}

impl Running {
    fn start(name: &str, database_url: &str) -> Self {
        let folder = DataFolder::new(&format!("waits-{name}"));
        let mut child = vouch(database_url, &folder, &["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = collect(child.stderr.take().unwrap());
        let said = collect(child.stdout.take().unwrap());
        Self { child, _folder: folder, log, said }
    }

    fn logged(&self, words: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    /// Where it listens, once it does.
    fn address(&self) -> Option<String> {
        let said = self.said.lock().unwrap();
        let line = said.iter().find(|line| line.contains("listening on"))?;
        Some(line.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned())
    }

    fn terminate(&self) {
        assert!(signal(self.child.id().cast_signed(), libc::SIGTERM));
    }

    fn ended_within(&mut self, limit: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                begun.elapsed() < on_this_machine(limit),
                "it still runs: {:?}",
                self.log.lock().unwrap()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn behind(app: &TestApp, proxy: &Proxy) -> String {
    crate::harness::through(proxy, &app.database_url)
}

#[test]
fn a_start_waits_for_the_database_and_says_what_for() {
    let (app, proxy) = TestApp::start_behind_proxy();
    let url = behind(&app, &proxy);
    let database = app.database_url.split(['/', '?']).find(|part| part.starts_with("test_"));
    let limit = format!("ALTER DATABASE {} CONNECTION LIMIT ", database.unwrap());
    proxy.set(Mode::Refuse);
    let mut running = Running::start("start", &url);
    let seconds = Duration::from_secs(10);
    time_until("two lines", seconds, || running.logged("waiting_for_database") >= 2);
    app.as_superuser().batch_execute(&format!("{limit} 0")).unwrap();
    proxy.set(Mode::Pass);
    time_until("it says what to do", seconds, || running.logged("max_connections") >= 1);
    app.as_superuser().batch_execute(&format!("{limit} -1")).unwrap();
    time_until("it is there", Duration::from_secs(20), || running.address().is_some());
    running.terminate();
    assert_eq!(running.ended_within(Duration::from_secs(10)).code(), Some(0));
}

#[test]
fn a_start_that_waits_hears_the_signal_and_one_that_waits_in_vain_ends_at_once() {
    let (app, proxy) = TestApp::start_behind_proxy();
    let url = behind(&app, &proxy);
    proxy.set(Mode::BlackHole);
    let mut running = Running::start("signal", &url);
    time_until("it waits", Duration::from_secs(10), || running.logged("waiting_for_database") >= 1);
    running.terminate();
    running.ended_within(Duration::from_secs(4));
    proxy.set(Mode::Pass);
    let begun = Instant::now();
    let mut running = Running::start("vain", &url.replace("/test_", "/no_test_"));
    assert_eq!(running.ended_within(Duration::from_secs(5)).code(), Some(1));
    assert_eq!(running.logged("waiting_for_database"), 0, "{:?}", begun.elapsed());
}

#[test]
fn in_a_black_hole_the_signal_ends_it_in_ten_seconds() {
    let (app, proxy) = TestApp::start_behind_proxy();
    let mut running = Running::start("end", &behind(&app, &proxy));
    time_until("it is there", Duration::from_secs(20), || running.address().is_some());
    let url =
        format!("http://{}/hooks/shopify/{}", running.address().unwrap(), app.fixture.store_key);
    proxy.set(Mode::BlackHole);
    let asking = thread::spawn(move || {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        agent.post(url).send("{}").map(|answer| answer.status().as_u16())
    });
    // Workers and the request wait on the network by now.
    thread::sleep(Duration::from_secs(1));
    running.terminate();
    let status = running.ended_within(Duration::from_secs(10));
    assert_eq!(status.code(), Some(0));
    assert_eq!(asking.join().unwrap().unwrap(), 503);
}
