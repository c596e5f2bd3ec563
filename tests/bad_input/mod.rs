//! Values that no form of ours sends, put everywhere a request can carry one: nothing answers 5xx,
//! nothing breaks off. Paths and forms come from the table of routes and from the pages themselves, so
//! that a new one can't be forgotten.

mod documents;
mod forms;
mod random;
mod refusals;
mod urls;

use std::collections::BTreeMap;
use std::sync::Mutex;

use diesel::prelude::*;
use ureq::Agent;
use vouch::app::routes::TABLE;
use vouch::features::auth::{Access, Route};
use vouch::kit::db::schema::delivery_failures;
use vouch::kit::session::Role;

use crate::access::{Example, examples, fill, parameters};
use crate::harness::{Page, Person, TestApp};

/// What text can be: characters that can't be stored or seen, numbers and dates beyond every type, and
/// what means something to SQL, HTML, headers, URLs and file systems.
fn values() -> Vec<String> {
    let fixed = [
        "",
        "\0",
        "a\0b",
        "\u{1}",
        "\r\nx-header: 1",
        "\u{7f}",
        "\u{85}",
        "\u{202e}gnp",
        "\u{200b}",
        "\u{feff}",
        "\u{ffff}",
        "\u{fffd}",
        "é🦊",
        "'; --",
        "\"<b>&amp;",
        "%_\\",
        "%00",
        "../../etc",
        "-1",
        "0",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "99999999999999999999999999",
        "1e309",
        "NaN",
        "-262143-01-01",
        "0000-00-00",
        "+262142-12-31T23:59:59Z",
        "9999-12-31",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
    ];
    let mut values: Vec<String> = fixed.map(str::to_owned).into();
    values.push("x".repeat(3_000));
    values.push("é".repeat(3_000));
    values
}

/// A few of them, for where all are refused alike.
fn few() -> Vec<String> {
    ["\0", "\u{1}", "-1", "é🦊"].map(str::to_owned).into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visitor {
    Anonymous,
    Affiliate,
    Support,
    Viewer,
    Owner,
}

/// Who can end the access of others comes after them.
const VISITORS: [Visitor; 5] =
    [Visitor::Anonymous, Visitor::Affiliate, Visitor::Viewer, Visitor::Owner, Visitor::Support];

impl Visitor {
    fn sign_in(self, app: &TestApp) -> Person {
        match self {
            Self::Anonymous => app.anonymous(),
            Self::Affiliate => app.affiliate(),
            Self::Support => app.support(),
            Self::Viewer => app.viewer(),
            Self::Owner => app.owner(),
        }
    }

    fn may_reach(self, row: &Route) -> bool {
        match row.access {
            Access::Public | Access::Credential | Access::Monitoring => true,
            Access::SignedIn => self != Self::Anonymous,
            Access::Affiliate => self == Self::Affiliate,
            Access::Support => self == Self::Support,
            Access::Member(needed) => match self {
                Self::Owner => true,
                Self::Viewer => Role::Viewer.covers(needed),
                _ => false,
            },
        }
    }

    /// Whether a row is for this one rather than for the others who may reach it.
    fn is_main_of(self, row: &Route) -> bool {
        let main = match row.access {
            Access::Public | Access::Credential | Access::Monitoring => Self::Anonymous,
            Access::Affiliate => Self::Affiliate,
            Access::Support => Self::Support,
            Access::SignedIn | Access::Member(_) => Self::Owner,
        };
        self == main
    }
}

/// Requests of one visitor, and what was wrong with the answers.
struct Prober<'a> {
    base: &'a str,
    agent: Agent,
    cookie: Option<String>,
    faults: &'a Mutex<Vec<String>>,
}

impl<'a> Prober<'a> {
    fn new(app: &'a TestApp, person: &Person, faults: &'a Mutex<Vec<String>>) -> Self {
        let agent = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(std::time::Duration::from_secs(20)))
            .build()
            .new_agent();
        Self { base: &app.base, agent, cookie: person.cookie(), faults }
    }

    /// `GET`; the status, 0 where there was no answer.
    fn get(&self, path: &str, headers: &[(&str, &[u8])]) -> u16 {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        self.judge(&format!("GET {path}"), request.call())
    }

    /// `POST` of a form.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> u16 {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let what = || {
            let last = fields.iter().rev().find(|(name, _)| *name != "csrf");
            let (name, value) = last.unwrap_or(&("", ""));
            format!("POST {path} {name}={}", value.chars().take(60).collect::<String>())
        };
        self.judge(&what(), request.send_form(fields.iter().copied()))
    }

    /// `POST` of raw bytes.
    fn send(&self, path: &str, what: &str, headers: &[(&str, &[u8])], body: &[u8]) -> u16 {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.judge(&format!("POST {path} {what}"), request.send(body))
    }

    fn judge(
        &self,
        what: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> u16 {
        let status = match answer {
            Ok(answer) => answer.status().as_u16(),
            // It can't be written on the wire, so nobody can send it.
            Err(ureq::Error::BadUri(_) | ureq::Error::Http(_)) => return 400,
            Err(error) => {
                self.fault(format!("{what:?}: {error}"));
                return 0;
            }
        };
        if status >= 500 {
            self.fault(format!("{what:?}: {status}"));
        }
        status
    }

    fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }
}

fn assert_none(faults: Mutex<Vec<String>>) {
    let faults = faults.into_inner().unwrap();
    let shown: Vec<&str> = faults.iter().take(60).map(String::as_str).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), shown.join("\n"));
}

/// Does `work` for each of `all`, some at a time.
fn side_by_side<T: Send>(all: Vec<T>, work: impl Fn(T) + Sync) {
    let left = Mutex::new(all.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(one) = left.lock().unwrap().next() else { return };
                    work(one);
                }
            });
        }
    });
}

impl TestApp {
    /// How many deliveries failed because of Vouch itself.
    fn deliveries_with_our_fault(&self) -> i64 {
        let ours = delivery_failures::reason.eq("own_fault");
        self.within(|conn| delivery_failures::table.filter(ours).count().get_result(conn))
    }
}
