//! The states of an instance that `vouch doctor` tells apart, each provoked for real.

mod database;
mod installation;
mod work;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use diesel::connection::SimpleConnection as _;
use serde_json::Value;

use crate::commands::{Instance, text};
use crate::harness::smtp::MailServer;
use crate::harness::{SECRET_KEY, TestApp};

/// An instance on a database of its own, and what doctor is run with.
struct Examined {
    app: TestApp,
    here: Instance,
    settings: Vec<(&'static str, String)>,
    mail_server: Option<MailServer>,
    listener: Option<TcpListener>,
}

impl Examined {
    fn new(name: &str) -> Self {
        let app = TestApp::start();
        let settings = vec![
            ("DATABASE_URL", app.database_url.clone()),
            ("VOUCH_OWNER_DATABASE_URL", app.owner_url()),
            ("VOUCH_SECRET_KEY", hex::encode(SECRET_KEY)),
        ];
        let here = Instance::new(&format!("doctor-{name}"));
        // The server of the tests keeps nothing through a power cut, on purpose.
        app.as_superuser()
            .batch_execute(&format!("ALTER DATABASE {} SET synchronous_commit = on", name_of(&app)))
            .unwrap();
        Self { app, here, settings, mail_server: None, listener: None }
    }

    fn set(&mut self, setting: &'static str, value: impl Into<String>) {
        self.settings.retain(|(known, _)| *known != setting);
        self.settings.push((setting, value.into()));
    }

    fn unset(&mut self, setting: &str) {
        self.settings.retain(|(known, _)| *known != setting);
    }

    fn sql(&self, statements: &str) {
        self.app.as_superuser().batch_execute(statements).unwrap();
    }

    fn keep_key(&mut self, content: &str, mode: u32) {
        self.unset("VOUCH_SECRET_KEY");
        let file = self.here.folder.join("secret.key");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The exit code, and what was printed as JSON.
    fn run(&self) -> (Option<i32>, Value) {
        let mut command = self.here.vouch(&["doctor", "--json"]);
        command.envs(self.settings.iter().map(|(name, value)| (*name, value.as_str())));
        let output = command.output().unwrap();
        let said = text(&output.stdout);
        let document = serde_json::from_str(&said).unwrap_or_else(|error| {
            panic!("{error}: {said}{}", text(&output.stderr));
        });
        for secret in ["hunter2", &hex::encode(SECRET_KEY)] {
            assert!(!said.contains(secret), "a secret is told: {said}");
        }
        (output.status.code(), document)
    }
}

fn name_of(app: &TestApp) -> String {
    let is_name = |part: &&str| part.starts_with("test_");
    app.database_url.split(['/', '?']).find(is_name).unwrap().to_owned()
}

/// How an instance gets into a state, and which checks aren't well then.
struct State {
    name: &'static str,
    provoke: fn(&mut Examined),
    found: &'static [(&'static str, &'static str)],
}

/// Every check that isn't well, as `(code, status)`; each says what to do next.
fn found(document: &Value) -> BTreeSet<(String, String)> {
    let checks = document["checks"].as_array().unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let not_well = checks.iter().filter(|check| check["status"] != "ok");
    // These instances have no mail server.
    let not_well = not_well.filter(|check| check["code"] != "smtp" || check["status"] != WARNING);
    not_well
        .inspect(|check| {
            assert!(!word(&check["detail"]).is_empty() && !word(&check["about"]).is_empty());
            assert!(!word(&check["next"]).is_empty(), "{check}");
        })
        // That of the tests' server has fsync off.
        .filter(|check| check["code"] != "durability")
        .map(|check| (word(&check["code"]), word(&check["status"])))
        .collect()
}

fn try_states(states: &[State]) {
    for state in states {
        let mut examined = Examined::new(state.name);
        (state.provoke)(&mut examined);
        let (code, document) = examined.run();
        let expected: BTreeSet<(String, String)> =
            state.found.iter().map(|(code, status)| ((*code).into(), (*status).into())).collect();
        assert_eq!(found(&document), expected, "{}: {document:#}", state.name);
        let name = state.name;
        let checks = document["checks"].as_array().unwrap();
        let is_problem = checks.iter().any(|check| check["status"] == "problem");
        assert_eq!(code, Some(i32::from(is_problem)), "{name}");
        let worst = if is_problem { "problem" } else { document["status"].as_str().unwrap() };
        assert_eq!(document["status"], worst, "{name}");
        assert_eq!(document["version"], env!("CARGO_PKG_VERSION"), "{name}");
    }
}

const PROBLEM: &str = "problem";
const WARNING: &str = "warning";

#[test]
fn all_well_is_all_well() {
    let here = Instance::new("doctor-well");
    assert_eq!(here.output(&["migrate"]).status.code(), Some(0));
    for _ in 0..2 {
        let output = here.output(&["doctor", "--json"]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["status"], WARNING, "{document:#}");
        assert!(found(&document).is_empty(), "{document:#}");
        assert_eq!(output.status.code(), Some(0));
        assert!(document["checks"].as_array().unwrap().len() > 25, "{document:#}");
    }
    // And while it runs, on the port that it has.
    let serving = here.serve();
    let listen = format!("--listen={}", serving.address);
    let output = here.output(&["doctor", "--json", &listen]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["status"], WARNING, "{document:#}");
    assert!(found(&document).is_empty(), "{document:#}");
}

#[test]
fn the_public_url_of_a_vouch_that_runs_is_tried() {
    let here = Instance::new("doctor-public-url");
    let serving = here.serve();
    let listen = format!("--listen={}", serving.address);
    let status_of = |public_url: &str, code: &str| {
        let output = here.output(&["doctor", "--json", &listen, public_url]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = document["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["code"] == code);
        (output.status.code(), check.map(|check| check["status"].as_str().unwrap().to_owned()))
    };
    let own = format!("--public-url=http://{}", serving.address);
    assert_eq!(status_of(&own, "public_url"), (Some(0), Some("ok".into())));
    // Nothing listens there, and whatever else this machine can't reach.
    let nowhere = "--public-url=http://127.0.0.1:9";
    assert_eq!(status_of(nowhere, "public_url"), (Some(0), Some(WARNING.into())));
    // Without a token for metrics, nobody is told of dropped lines.
    assert_eq!(status_of(&own, "log").1, None);
}
