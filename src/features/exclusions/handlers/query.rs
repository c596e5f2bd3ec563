use serde::Deserialize;

use crate::features::exclusions::ExclusionScope;
use crate::features::exclusions::list::{ExclusionFilter, ExclusionSort, ExclusionState, Place};
use crate::kit::urls::{self, with_query};
use crate::kit::web::paginate::Cursor;

/// What the list's address says. What it does not know it ignores, as an old bookmark may hold it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// What is searched for.
    pub q: String,
    /// The name of a scope, or empty.
    pub scope: String,
    /// The name of a state, or empty.
    pub state: String,
    /// The name of a sort, or empty for the newest first.
    pub sort: String,
    after: String,
    before: String,
}

impl ListQuery {
    /// The filter it stands for.
    pub fn filter(&self) -> ExclusionFilter {
        ExclusionFilter {
            q: self.q.trim().chars().take(100).collect(),
            scope: ExclusionScope::parse(&self.scope),
            state: ExclusionState::parse(&self.state),
        }
    }

    /// The sort it asks for.
    pub fn sort(&self) -> ExclusionSort {
        ExclusionSort::parse(&self.sort).unwrap_or_default()
    }

    /// The page it asks for.
    pub fn cursor(&self) -> Cursor<Place> {
        Cursor::read(&self.after, &self.before)
    }

    /// Whether anything is filtered out.
    pub fn is_filtered(&self) -> bool {
        let ExclusionFilter { q, scope, state } = self.filter();
        !q.is_empty() || scope.is_some() || state.is_some()
    }

    /// The list as it stands, from its begin, at `path`.
    pub fn first(&self, path: &str) -> String {
        self.address(path, "", "")
    }

    /// The page after or before a row.
    pub fn page(&self, direction: &str, key: &Option<String>) -> String {
        let path = urls::exclusions();
        key.as_ref().map_or_else(String::new, |key| self.address(&path, direction, key))
    }

    /// The list by that sort.
    pub fn sorted(&self, sort: ExclusionSort) -> String {
        Self { sort: sort.as_str().to_owned(), ..self.clone() }.first(&urls::exclusions())
    }

    /// The filters that are on: their words, and the address of the list without them.
    pub fn chips(&self) -> Vec<(String, String)> {
        let path = urls::exclusions();
        let filter = self.filter();
        let mut chips = Vec::new();
        if !filter.q.is_empty() {
            let without = Self { q: String::new(), ..self.clone() };
            chips.push((format!("Search: {}", filter.q), without.first(&path)));
        }
        if let Some(scope) = filter.scope {
            let without = Self { scope: String::new(), ..self.clone() };
            chips.push((format!("Applied to: {scope}"), without.first(&path)));
        }
        if let Some(state) = filter.state {
            let without = Self { state: String::new(), ..self.clone() };
            chips.push((state.label().to_owned(), without.first(&path)));
        }
        chips
    }

    fn address(&self, path: &str, direction: &str, key: &str) -> String {
        let sort = match self.sort() {
            ExclusionSort::Newest => "",
            ExclusionSort::Code => ExclusionSort::Code.as_str(),
        };
        let parts = [
            ("q", self.q.trim()),
            ("scope", &self.scope),
            ("state", &self.state),
            ("sort", sort),
            (direction, key),
        ];
        with_query(path, &parts)
    }
}
