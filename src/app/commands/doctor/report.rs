//! The results of the checks.

use std::process::ExitCode;

use diesel::QueryResult;
use serde::Serialize;

use super::text::{self, Advice};
use crate::kit::console::say;

/// The severity of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Ok,
    /// It works but needs attention.
    Warning,
    /// It doesn't work, or isn't safe.
    Problem,
}

/// A problem or a warning.
pub(super) struct Issue {
    status: Status,
    advice: Advice,
}

/// The result of a check: what was found, or an issue.
pub(super) type CheckResult = Result<String, Issue>;

/// Something doesn't work, or isn't safe.
pub(super) fn problem(advice: Advice) -> Issue {
    Issue { status: Status::Problem, advice }
}

/// Something works but needs attention.
pub(super) fn warning(advice: Advice) -> Issue {
    Issue { status: Status::Warning, advice }
}

/// Turns a failed query into a problem.
pub(super) fn asked<T>(answer: QueryResult<T>) -> Result<T, Issue> {
    answer.map_err(|error| problem(text::query_failed(error)))
}

/// One check in the JSON document.
#[derive(Serialize)]
struct Check {
    /// Stable.
    code: &'static str,
    status: Status,
    /// The subject, for people.
    about: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    version: &'static str,
    /// The worst status of all checks.
    status: Status,
    checks: &'a [Check],
}

/// The results so far. Text is printed at once, because some checks take a while.
pub(super) struct Report {
    is_json: bool,
    checks: Vec<Check>,
}

impl Report {
    pub(super) fn new(is_json: bool) -> Self {
        Self { is_json, checks: Vec::new() }
    }

    pub(super) fn note(&mut self, code: &'static str, about: &'static str, finding: CheckResult) {
        let (status, detail, next) = match finding {
            Ok(seen) => (Status::Ok, seen, None),
            Err(Issue { status, advice }) => (status, advice.detail, Some(advice.next)),
        };
        if !self.is_json {
            let word = match status {
                Status::Ok => "ok",
                Status::Warning => "warning",
                Status::Problem => "problem",
            };
            match &next {
                None => say!("{word:<9}{about}: {detail}"),
                Some(next) => say!("{word:<9}{about}: {detail}. {next}"),
            }
        }
        self.checks.push(Check { code, status, about, detail, next });
    }

    /// Prints the rest.
    pub(super) fn end(self) -> ExitCode {
        let status = self.checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok);
        if self.is_json {
            let (version, checks) = (env!("CARGO_PKG_VERSION"), self.checks.as_slice());
            let document = JsonReport { version, status, checks };
            say!("{}", serde_json::to_string_pretty(&document).unwrap_or_default());
        } else {
            let count = |of: Status| self.checks.iter().filter(|check| check.status == of).count();
            match status {
                Status::Ok => say!("{}", text::NO_PROBLEMS),
                _ => say!("{}", text::summary(count(Status::Problem), count(Status::Warning))),
            }
        }
        match status {
            Status::Ok | Status::Warning => ExitCode::SUCCESS,
            Status::Problem => ExitCode::FAILURE,
        }
    }
}
