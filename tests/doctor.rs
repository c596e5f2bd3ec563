//! The states of an instance that `vouch doctor` tells apart, each provoked for real.

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
        let worst = if is_problem { "problem" } else { document["verdict"].as_str().unwrap() };
        assert_eq!(document["verdict"], worst, "{name}");
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
        assert_eq!(document["verdict"], "ok", "{document:#}");
        assert_eq!(output.status.code(), Some(0));
        assert!(document["checks"].as_array().unwrap().len() > 25, "{document:#}");
    }
    // And while it runs, on the port that it has.
    let serving = here.serve();
    let listen = format!("--listen={}", serving.address);
    let output = here.output(&["doctor", "--json", &listen]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["verdict"], "ok", "{document:#}");
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

#[test]
fn settings_and_the_machine() {
    try_states(&[
        State { name: "as-it-is", provoke: |_| {}, found: &[] },
        State {
            name: "setting",
            provoke: |examined| examined.set("VOUCH_LOG", "xml"),
            found: &[("configuration", PROBLEM)],
        },
        State {
            name: "plain-http",
            provoke: |examined| examined.set("VOUCH_PUBLIC_URL", "http://vouch.example"),
            found: &[("configuration", PROBLEM)],
        },
        State {
            name: "folder-open",
            provoke: |examined| {
                let open = fs::Permissions::from_mode(0o777);
                fs::set_permissions(&examined.here.folder, open).unwrap();
            },
            found: &[("data_folder", PROBLEM)],
        },
        State {
            name: "port-taken",
            provoke: |examined| {
                let taken = TcpListener::bind("127.0.0.1:0").unwrap();
                examined.set("VOUCH_LISTEN", taken.local_addr().unwrap().to_string());
                examined.set("VOUCH_PUBLIC_URL", "http://localhost:8080");
                // Closed by its backlog's end: it answers no one.
                taken.set_nonblocking(true).unwrap();
                examined.listener = Some(taken);
            },
            found: &[("port", PROBLEM)],
        },
        State {
            name: "foreign-address",
            provoke: |examined| {
                examined.set("VOUCH_LISTEN", "203.0.113.9:8080");
                examined.set("VOUCH_PUBLIC_URL", "https://vouch.example");
            },
            found: &[("port", PROBLEM)],
        },
        State {
            name: "smtp-down",
            provoke: |examined| {
                examined.set("VOUCH_SMTP_URL", "smtp://vouch:hunter2@127.0.0.1:1");
                examined.set("VOUCH_MAIL_FROM", "vouch@vouch.example");
            },
            found: &[("smtp", PROBLEM)],
        },
    ]);
}

#[test]
fn the_secret_key() {
    try_states(&[
        State {
            name: "key-readable",
            provoke: |examined| examined.keep_key(&hex::encode(SECRET_KEY), 0o644),
            found: &[("secret_key", PROBLEM)],
        },
        State {
            name: "key-unreadable",
            provoke: |examined| {
                examined.unset("VOUCH_SECRET_KEY");
                let file = examined.here.folder.join("secret.key");
                fs::create_dir(&file).unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
            },
            found: &[("secret_key", PROBLEM)],
        },
        State {
            name: "key-cut",
            provoke: |examined| examined.keep_key("0707", 0o600),
            found: &[("secret_key", PROBLEM)],
        },
        State {
            name: "key-no-key",
            provoke: |examined| examined.set("VOUCH_SECRET_KEY", "password"),
            found: &[("secret_key", PROBLEM)],
        },
        State {
            name: "key-missing",
            provoke: |examined| examined.unset("VOUCH_SECRET_KEY"),
            found: &[
                ("secret_key", PROBLEM),
                ("store_secrets", PROBLEM),
                ("two_factor_secrets", PROBLEM),
            ],
        },
        State {
            name: "key-wrong",
            provoke: |examined| examined.set("VOUCH_SECRET_KEY", "ab".repeat(32)),
            found: &[
                ("secret_key", PROBLEM),
                ("store_secrets", PROBLEM),
                ("two_factor_secrets", PROBLEM),
            ],
        },
        State {
            name: "rotation-left",
            provoke: |examined| {
                examined.keep_key(&hex::encode(SECRET_KEY), 0o600);
                let next = examined.here.folder.join("secret.key.next");
                fs::write(next, "cd".repeat(32)).unwrap();
            },
            found: &[("key_rotation", WARNING)],
        },
        State {
            name: "rotation-broken-off",
            provoke: |examined| {
                examined.keep_key(&"ab".repeat(32), 0o600);
                let next = examined.here.folder.join("secret.key.next");
                fs::write(next, hex::encode(SECRET_KEY)).unwrap();
                // What a start with the key has recorded.
                let fingerprint = hex::encode(vouch::app::instance::key::fingerprint(
                    &secrecy::SecretBox::new(Box::new(SECRET_KEY)),
                ));
                examined.sql(&format!(
                    "INSERT INTO instance_key (fingerprint, recorded_at) VALUES ('\\x{fingerprint}', now())"
                ));
            },
            found: &[
                ("secret_key", PROBLEM),
                ("key_rotation", WARNING),
                ("store_secrets", PROBLEM),
                ("two_factor_secrets", PROBLEM),
            ],
        },
        State {
            name: "two-factor",
            provoke: |examined| {
                examined.sql(
                    "UPDATE users SET two_factor_secret = '\\x01', two_factor_at = now() \
                     WHERE id = (SELECT min(id) FROM users)",
                );
            },
            found: &[("two_factor_secrets", PROBLEM)],
        },
        State {
            name: "store-secret",
            provoke: |examined| examined.sql("UPDATE stores SET webhook_secret = '\\x01'"),
            found: &[("store_secrets", PROBLEM)],
        },
    ]);
}

#[test]
fn the_way_to_the_database() {
    try_states(&[
        State {
            name: "down",
            provoke: |examined| {
                examined.set("DATABASE_URL", "postgresql://vouch:hunter2@127.0.0.1:1/vouch");
                examined.unset("VOUCH_OWNER_DATABASE_URL");
            },
            found: &[("database", PROBLEM)],
        },
        State {
            name: "no-such-database",
            provoke: |examined| {
                let url = examined.app.database_url.replace(&name_of(&examined.app), "nothing");
                examined.set("DATABASE_URL", url);
            },
            found: &[("database", PROBLEM)],
        },
        State {
            name: "not-let-in",
            provoke: |examined| {
                let url = examined.app.database_url.replacen("vouch", "stranger", 1);
                examined.set("DATABASE_URL", url);
            },
            found: &[("database", PROBLEM)],
        },
        State {
            name: "connections-closed",
            provoke: |examined| examined.app.cut_off(false),
            found: &[("database", PROBLEM)],
        },
        State {
            name: "superuser",
            provoke: |examined| {
                let url = examined.app.superuser_url();
                examined.set("DATABASE_URL", url);
            },
            found: &[
                ("database_role", PROBLEM),
                ("database_rights", PROBLEM),
                ("database_settings", PROBLEM),
            ],
        },
        State {
            name: "read-only",
            provoke: |examined| {
                examined.sql(&format!(
                    "ALTER DATABASE {} SET default_transaction_read_only = on",
                    name_of(&examined.app)
                ));
            },
            found: &[("database_writes", PROBLEM)],
        },
        State {
            name: "connections",
            provoke: |examined| {
                examined.set("VOUCH_PAGE_CONNECTIONS", "90");
                examined.set("VOUCH_INTAKE_CONNECTIONS", "90");
            },
            found: &[("connections", PROBLEM)],
        },
    ]);
}

#[test]
fn the_schema_and_its_protection() {
    try_states(&[
        State {
            name: "outdated",
            provoke: |examined| {
                examined.sql(
                    "DELETE FROM __diesel_schema_migrations \
                     WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
                );
            },
            found: &[("migrations", PROBLEM)],
        },
        State {
            name: "newer",
            provoke: |examined| {
                examined.sql("INSERT INTO __diesel_schema_migrations VALUES ('99991231000001')");
            },
            found: &[("migrations", PROBLEM)],
        },
        State {
            name: "extension",
            provoke: |examined| examined.sql("DROP EXTENSION btree_gist CASCADE"),
            found: &[("extensions", PROBLEM)],
        },
        State {
            name: "search",
            provoke: |examined| {
                examined.sql("ALTER FUNCTION pg_catalog.texticlike(text, text) NOT LEAKPROOF");
            },
            found: &[("search", PROBLEM)],
        },
        State {
            name: "rights",
            provoke: |examined| examined.sql("REVOKE SELECT ON offers FROM vouch"),
            found: &[("database_rights", PROBLEM)],
        },
        State {
            name: "truncate",
            provoke: |examined| examined.sql("GRANT TRUNCATE ON orders TO vouch"),
            found: &[("database_rights", PROBLEM)],
        },
        State {
            name: "settings",
            provoke: |examined| {
                examined.sql(
                    "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
                );
            },
            found: &[("database_settings", PROBLEM)],
        },
        State {
            name: "security-off",
            provoke: |examined| examined.sql("ALTER TABLE orders DISABLE ROW LEVEL SECURITY"),
            found: &[("row_security", PROBLEM)],
        },
        State {
            name: "security-not-forced",
            provoke: |examined| {
                examined.sql("ALTER TABLE conversions NO FORCE ROW LEVEL SECURITY");
            },
            found: &[("row_security", PROBLEM)],
        },
        State {
            name: "policy-missing",
            provoke: |examined| examined.sql("DROP POLICY merchant_rows ON triggers"),
            found: &[("row_security", PROBLEM)],
        },
        State {
            name: "policy-open",
            provoke: |examined| examined.sql("CREATE POLICY everyone ON orders USING (true)"),
            found: &[("row_security", PROBLEM)],
        },
    ]);
}

#[test]
fn stores_and_work() {
    try_states(&[
        State {
            name: "access-revoked",
            provoke: |examined| {
                examined.sql("UPDATE stores SET access_problem = 'The token was revoked.'");
            },
            found: &[("store_access", PROBLEM)],
        },
        State {
            name: "webhooks-missing",
            provoke: |examined| {
                examined.sql("UPDATE stores SET webhooks_problem = 'orders/create is missing.'");
            },
            found: &[("store_webhooks", PROBLEM)],
        },
        State {
            name: "calls-failing",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO store_jobs (merchant_id, store_id, kind, due_at, failures, last_error) \
                     SELECT merchant_id, id, 'push', now() + interval '1 hour', 5, 'limited' FROM stores \
                     ON CONFLICT (merchant_id, store_id, kind) DO UPDATE SET due_at = excluded.due_at, \
                         failures = excluded.failures, last_error = excluded.last_error",
                );
            },
            found: &[("store_jobs", WARNING)],
        },
        State {
            name: "store-clock",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO store_clocks (merchant_id, store_id, behind_seconds, measured_at) \
                     SELECT merchant_id, id, -600, now() FROM stores",
                );
            },
            found: &[("store_clocks", WARNING)],
        },
        State {
            name: "recalculation-failed",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO recalculations \
                         (merchant_id, since, cause, orders_total, failed_at, last_error) \
                     SELECT min(id), now(), '{}', 1, now(), 'deadlock' FROM merchants",
                );
            },
            found: &[("recalculations", PROBLEM)],
        },
        State {
            name: "email-failed",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO emails (message_id, recipient, subject, program, paragraphs, \
                         is_urgent, failed_at, last_error) \
                     VALUES ('m1', 'a@x.example', 'Hello', '', '[]', false, now(), '550 no such user')",
                );
            },
            found: &[("emails", PROBLEM)],
        },
        State {
            name: "two-versions",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO server_processes (id, host, pid, version, started_at, seen_at) VALUES \
                     (1, 'a', 1, '0.0.1', now(), now()), (2, 'b', 1, '0.0.2', now(), now())",
                );
            },
            found: &[("processes", WARNING)],
        },
        State {
            name: "work-waits",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO server_processes (id, host, pid, version, started_at, seen_at) \
                     VALUES (1, 'a', 1, '0.0.1', now(), now()); \
                     INSERT INTO recalculations (merchant_id, since, cause, orders_total, requested_at) \
                     SELECT min(id), now(), '{}', 1, now() - interval '1 hour' FROM merchants",
                );
            },
            found: &[("queues", PROBLEM)],
        },
    ]);
}

#[test]
fn a_mail_server_that_refuses_the_password_is_told_from_one_that_does_not() {
    let mut examined = Examined::new("smtp-password");
    let server = MailServer::start();
    let smtp = server.settings_with_login();
    examined.set("VOUCH_SMTP_URL", format!("smtp://vouch:hunter2@{}:{}", smtp.host, smtp.port));
    examined.set("VOUCH_MAIL_FROM", "vouch@vouch.example");
    server.refuse_logins(true);
    examined.mail_server = Some(server);
    let (code, document) = examined.run();
    assert_eq!(found(&document), [("smtp".to_owned(), PROBLEM.to_owned())].into(), "{document:#}");
    assert_eq!(code, Some(1));
}
