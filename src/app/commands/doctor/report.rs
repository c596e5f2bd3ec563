//! What the checks found.

use std::process::ExitCode;

use diesel::QueryResult;
use serde::Serialize;

use crate::kit::console::say;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Ok,
    /// Works, and needs a look.
    Warning,
    /// Doesn't work, or isn't safe.
    Problem,
}

/// What isn't well, and what to do next.
pub(super) struct Issue {
    status: Status,
    detail: String,
    next: String,
}

/// What one check found: well, with a word on what was seen; or trouble.
pub(super) type CheckResult = Result<String, Issue>;

/// Something that doesn't work, or isn't safe.
pub(super) fn problem(detail: impl Into<String>, next: impl Into<String>) -> Issue {
    Issue { status: Status::Problem, detail: detail.into(), next: next.into() }
}

/// Lifts a failed query into a finding.
pub(super) fn asked<T>(answer: QueryResult<T>) -> Result<T, Issue> {
    answer.map_err(|error| {
        problem(format!("the database refused a query: {error}"), "check the problems above first")
    })
}

/// Something that works, and needs a look.
pub(super) fn warning(detail: impl Into<String>, next: impl Into<String>) -> Issue {
    Issue { status: Status::Warning, detail: detail.into(), next: next.into() }
}

/// One check, as machines read it.
#[derive(Serialize)]
struct Check {
    /// Stable.
    code: &'static str,
    status: Status,
    /// The subject, in words.
    about: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    version: &'static str,
    verdict: Status,
    checks: &'a [Check],
}

/// What has been found so far. As text it prints as it goes, since some checks take their time.
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
            Err(Issue { status, detail, next }) => (status, detail, Some(next)),
        };
        if !self.is_json {
            let word = match status {
                Status::Ok => "ok",
                Status::Warning => "warning",
                Status::Problem => "problem",
            };
            match &next {
                None => say!("{word:<9}{about}: {detail}"),
                Some(next) => say!("{word:<9}{about}: {detail}: {next}"),
            }
        }
        self.checks.push(Check { code, status, about, detail, next });
    }

    /// Prints what's left to print.
    pub(super) fn end(self) -> ExitCode {
        let verdict = self.checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok);
        if self.is_json {
            let (version, checks) = (env!("CARGO_PKG_VERSION"), self.checks.as_slice());
            let document = JsonReport { version, verdict, checks };
            say!("{}", serde_json::to_string_pretty(&document).unwrap_or_default());
        } else {
            let count = |of: Status| self.checks.iter().filter(|check| check.status == of).count();
            match verdict {
                Status::Ok => say!("All is well."),
                _ => say!(
                    "Problems: {}. Warnings: {}.",
                    count(Status::Problem),
                    count(Status::Warning)
                ),
            }
        }
        match verdict {
            Status::Ok | Status::Warning => ExitCode::SUCCESS,
            Status::Problem => ExitCode::FAILURE,
        }
    }
}
