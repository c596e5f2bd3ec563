use serde::Deserialize;

use crate::features::affiliates::list::{AffiliateFilter, AffiliateSort, Place};
use crate::features::affiliates::search::Search;
use crate::features::affiliates::status::AffiliateStatus;
use crate::kit::urls::with_query;
use crate::kit::web::paginate::Cursor;

/// What a list's address says. What it does not know it ignores, as an old bookmark may hold it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// What is searched for.
    pub q: String,
    /// The name of a status, or empty.
    pub status: String,
    /// The key of an offer, or empty.
    pub offer: String,
    /// The name of a sort, or empty for the usual one.
    pub sort: String,
    after: String,
    before: String,
}

impl ListQuery {
    /// The filter it stands for.
    pub fn filter(&self) -> AffiliateFilter {
        AffiliateFilter {
            search: Search::of(&self.q),
            status: AffiliateStatus::parse(&self.status),
            offer_id: self.offer.parse().ok(),
        }
    }

    /// The sort it asks for.
    pub fn sort(&self) -> AffiliateSort {
        AffiliateSort::parse(&self.sort).unwrap_or_else(|| self.usual_sort())
    }

    fn usual_sort(&self) -> AffiliateSort {
        AffiliateSort::usual(&Search::of(&self.q))
    }

    /// The page it asks for.
    pub fn cursor(&self) -> Cursor<Place> {
        Cursor::read(&self.after, &self.before)
    }

    /// Whether anything is filtered out.
    pub fn is_filtered(&self) -> bool {
        let filter = self.filter();
        !filter.search.is_empty() || filter.status.is_some() || filter.offer_id.is_some()
    }

    /// The page as it stands.
    pub fn here(&self) -> String {
        if self.after.is_empty() {
            self.address("before", &self.before)
        } else {
            self.address("after", &self.after)
        }
    }

    /// The first page of the list as it stands.
    pub fn first(&self) -> String {
        self.address("", "")
    }

    /// The list as it stands, as a file.
    pub fn export(&self) -> String {
        self.first().replacen("/affiliates", "/affiliates.csv", 1)
    }

    /// The page after or before a row.
    pub fn page(&self, direction: &str, key: &Option<String>) -> String {
        key.as_ref().map_or_else(String::new, |key| self.address(direction, key))
    }

    /// The filters that are on: their words, and the address of the list without them.
    pub fn chips(&self, offers: &[(String, String)]) -> Vec<(String, String)> {
        let mut chips = Vec::new();
        let filter = self.filter();
        if !filter.search.is_empty() {
            let without = Self { q: String::new(), ..self.clone() };
            chips.push((format!("Search: {}", self.q.trim()), without.first()));
        }
        if let Some(status) = filter.status {
            let without = Self { status: String::new(), ..self.clone() };
            chips.push((format!("Status: {status}"), without.first()));
        }
        if filter.offer_id.is_some() {
            let name = offers.iter().find(|(id, _)| *id == self.offer);
            let name = name.map_or("unknown", |(_, name)| name);
            let without = Self { offer: String::new(), ..self.clone() };
            chips.push((format!("Offer: {name}"), without.first()));
        }
        chips
    }

    /// The list sorted by a column, or the other way round if it is sorted so already.
    pub fn sorted(&self, [usual, other]: [AffiliateSort; 2]) -> String {
        let sort = if self.sort() == usual { other } else { usual };
        Self { sort: sort.as_str().to_owned(), ..self.clone() }.first()
    }

    fn address(&self, direction: &str, key: &str) -> String {
        let sort = self.sort();
        let sort = if sort == self.usual_sort() { "" } else { sort.as_str() };
        let parts = [
            ("q", self.q.trim()),
            ("status", &self.status),
            ("offer", &self.offer),
            ("sort", sort),
            (direction, key),
        ];
        with_query("/affiliates", &parts)
    }
}

/// Both sorts by name, the usual one first.
pub const BY_NAME: [AffiliateSort; 2] = [AffiliateSort::Name, AffiliateSort::NameBackwards];
/// Both sorts by the time of joining, the usual one first.
pub const BY_JOINING: [AffiliateSort; 2] = [AffiliateSort::Newest, AffiliateSort::Oldest];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_in_its_address() {
        let query = ListQuery {
            q: " 50% ".into(),
            status: "active".into(),
            offer: "7".into(),
            after: "key".into(),
            ..ListQuery::default()
        };
        assert_eq!(query.first(), "/affiliates?q=50%25&status=active&offer=7");
        assert_eq!(query.here(), "/affiliates?q=50%25&status=active&offer=7&after=key");
        assert_eq!(query.export(), "/affiliates.csv?q=50%25&status=active&offer=7");
        assert_eq!(
            query.sorted(BY_JOINING),
            "/affiliates?q=50%25&status=active&offer=7&sort=newest"
        );
        let chips = query.chips(&[("7".into(), "Standard".into())]);
        assert_eq!(
            chips[0],
            ("Search: 50%".to_owned(), "/affiliates?status=active&offer=7".to_owned())
        );
        assert_eq!(chips[2].0, "Offer: Standard");
    }
}
