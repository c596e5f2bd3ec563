use serde::Deserialize;

use crate::features::code_syncs::{DifferenceFilter, Show};
use crate::kit::urls::with_query;
use crate::kit::web::paginate::Cursor;

/// What the list's address says. What it does not know it ignores, as an old bookmark may hold it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DifferenceQuery {
    /// What is searched for.
    pub q: String,
    /// The name of what is shown, or empty.
    pub finding: String,
    after: String,
    before: String,
}

impl DifferenceQuery {
    /// The filter it stands for.
    pub fn filter(&self) -> DifferenceFilter {
        DifferenceFilter {
            show: Show::parse(&self.finding),
            q: self.q.trim().chars().take(255).collect(),
        }
    }

    /// Where the page begins.
    pub fn cursor(&self) -> Cursor<String> {
        Cursor::read(&self.after, &self.before)
    }

    /// Whether anything is left out that differs.
    pub fn is_filtered(&self) -> bool {
        let DifferenceFilter { show, q } = self.filter();
        show.is_some() || !q.is_empty()
    }

    /// The list at `path` as it stands, from a row on.
    pub fn address(&self, path: &str, direction: &str, key: Option<&String>) -> String {
        let key = key.map_or("", String::as_str);
        with_query(path, &[("q", self.q.trim()), ("finding", &self.finding), (direction, key)])
    }

    /// The filters that are on: their words, and the address of the list without them.
    pub fn chips(&self, path: &str) -> Vec<(String, String)> {
        let mut chips = Vec::new();
        let DifferenceFilter { show, q } = self.filter();
        if !q.is_empty() {
            let without = Self { q: String::new(), ..self.clone() };
            chips.push((format!("Search: {q}"), without.address(path, "", None)));
        }
        if let Some(show) = show {
            let without = Self { finding: String::new(), ..self.clone() };
            chips.push((format!("Finding: {show}"), without.address(path, "", None)));
        }
        chips
    }
}
