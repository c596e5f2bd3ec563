use serde::Deserialize;

use crate::features::exclusions::Pattern;
use crate::features::pushes::PushStatus;
use crate::features::triggers::{Place, TriggerFilter, TriggerKind, TriggerSort, TriggerState};
use crate::kit::urls::with_query;
use crate::kit::web::paginate::Cursor;

/// What a list's address says. What it does not know it ignores, as an old bookmark may hold it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// What is searched for.
    pub q: String,
    /// The name of a kind, or empty.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of a state, or empty.
    pub state: String,
    /// The name of a push's status, or empty.
    pub push: String,
    /// A code or pattern, as exclusions have them, or empty.
    pub like: String,
    /// The name of a sort, or empty for the newest first.
    pub sort: String,
    after: String,
    before: String,
}

impl ListQuery {
    /// The filter it stands for.
    pub fn filter(&self, affiliate_id: Option<i64>) -> TriggerFilter {
        TriggerFilter {
            affiliate_id,
            q: self.q.trim().chars().take(255).collect(),
            kind: TriggerKind::parse(&self.kind),
            state: TriggerState::parse(&self.state),
            push: self.push_status(),
            like: Pattern::parse(&self.like).ok(),
        }
    }

    /// How far the codes have come in a store that it asks for.
    pub fn push_status(&self) -> Option<PushStatus> {
        PushStatus::parse(&self.push)
    }

    /// The sort it asks for.
    pub fn sort(&self) -> TriggerSort {
        TriggerSort::parse(&self.sort).unwrap_or_default()
    }

    /// The page it asks for.
    pub fn cursor(&self) -> Cursor<Place> {
        Cursor::read(&self.after, &self.before)
    }

    /// Whether anything is filtered out.
    pub fn is_filtered(&self) -> bool {
        let filter = self.filter(None);
        let TriggerFilter { affiliate_id: _, q, kind, state, push, like } = filter;
        !q.is_empty() || kind.is_some() || state.is_some() || push.is_some() || like.is_some()
    }

    /// The first page of the list at `path` as it stands.
    pub fn first(&self, path: &str) -> String {
        self.address(path, "", "")
    }

    /// The page after or before a row.
    pub fn page(&self, path: &str, direction: &str, key: &Option<String>) -> String {
        key.as_ref().map_or_else(String::new, |key| self.address(path, direction, key))
    }

    /// The filters that are on: their words, and the address of the list without them.
    pub fn chips(&self, path: &str) -> Vec<(String, String)> {
        let mut chips = Vec::new();
        let filter = self.filter(None);
        if !filter.q.is_empty() {
            let without = Self { q: String::new(), ..self.clone() };
            chips.push((format!("Search: {}", filter.q), without.first(path)));
        }
        if let Some(kind) = filter.kind {
            let without = Self { kind: String::new(), ..self.clone() };
            chips.push((format!("Type: {kind}"), without.first(path)));
        }
        if let Some(state) = filter.state {
            let without = Self { state: String::new(), ..self.clone() };
            chips.push((format!("State: {state}"), without.first(path)));
        }
        if let Some(status) = filter.push {
            let without = Self { push: String::new(), ..self.clone() };
            chips.push((format!("Store status: {status}"), without.first(path)));
        }
        if let Some(pattern) = filter.like {
            let without = Self { like: String::new(), ..self.clone() };
            chips.push((format!("Like: {}", pattern.value()), without.first(path)));
        }
        chips
    }

    /// The list sorted by a column, or the other way round if it is sorted so already.
    pub fn sorted(&self, path: &str, column: [TriggerSort; 2]) -> String {
        let [usual, other] = column;
        let sort = if self.sort() == usual { other } else { usual };
        Self { sort: sort.as_str().to_owned(), ..self.clone() }.first(path)
    }

    fn address(&self, path: &str, direction: &str, key: &str) -> String {
        let default_sort = TriggerSort::default().as_str();
        let sort = if self.sort().as_str() == default_sort { "" } else { self.sort().as_str() };
        let parts = [
            ("q", self.q.trim()),
            ("type", &self.kind),
            ("state", &self.state),
            ("push", &self.push),
            ("like", self.like.trim()),
            ("sort", sort),
            (direction, key),
        ];
        with_query(path, &parts)
    }
}

/// Both sorts by value, the usual one first.
pub const BY_VALUE: [TriggerSort; 2] = [TriggerSort::Value, TriggerSort::ValueBackwards];
/// Both sorts by time of creation, the usual one first.
pub const BY_CREATION: [TriggerSort; 2] = [TriggerSort::Newest, TriggerSort::Oldest];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_in_its_address() {
        let query = ListQuery {
            q: " 50% ".into(),
            state: "retired".into(),
            after: "key".into(),
            ..ListQuery::default()
        };
        assert_eq!(query.first("/triggers"), "/triggers?q=50%25&state=retired");
        assert_eq!(
            query.page("/triggers", "after", &Some("k".into())),
            "/triggers?q=50%25&state=retired&after=k"
        );
        assert_eq!(
            query.sorted("/triggers", BY_CREATION),
            "/triggers?q=50%25&state=retired&sort=oldest"
        );
        let chips = query.chips("/triggers");
        assert_eq!(chips[0], ("Search: 50%".to_owned(), "/triggers?state=retired".to_owned()));
        assert_eq!(chips[1].1, "/triggers?q=50%25");
    }
}
