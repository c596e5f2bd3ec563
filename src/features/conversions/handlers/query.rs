use serde::Deserialize;

use crate::features::conversions::list::Names;
use crate::features::conversions::list::{ConversionFilter, Place, StatusFilter};
use crate::kit::urls::with_query;
use crate::kit::web::display_time::{day, read_day};
use crate::kit::web::paginate::Cursor;

/// What a list's address says. What it does not know it ignores, as an old bookmark may hold it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// What is searched for.
    pub q: String,
    /// The name of a status, `credited`, or empty.
    pub status: String,
    /// An affiliate's key, or empty.
    pub affiliate: String,
    /// A trigger's key, or empty.
    pub trigger: String,
    /// A day, or empty.
    pub from: String,
    /// A day, or empty.
    pub to: String,
    pub(super) after: String,
    pub(super) before: String,
}

impl ListQuery {
    /// The filter it stands for.
    pub fn filter(&self) -> ConversionFilter {
        ConversionFilter {
            q: self.q.trim().chars().take(255).collect(),
            status: StatusFilter::parse(&self.status),
            affiliate_id: self.affiliate.parse().ok(),
            trigger_id: self.trigger.parse().ok(),
            from: read_day(&self.from),
            to: read_day(&self.to),
        }
    }

    /// The page it asks for.
    pub fn cursor(&self) -> Cursor<Place> {
        Cursor::read(&self.after, &self.before)
    }

    /// Whether anything is filtered out.
    pub fn is_filtered(&self) -> bool {
        !self.chips("", &Names::default()).is_empty()
    }

    /// This very page of the list at `path`.
    pub fn here(&self, path: &str) -> String {
        match (self.after.as_str(), self.before.as_str()) {
            ("", "") => self.first(path),
            ("", before) => self.address(path, "before", before),
            (after, _) => self.address(path, "after", after),
        }
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
    pub fn chips(&self, path: &str, names: &Names) -> Vec<(String, String)> {
        let filter = self.filter();
        let none = String::new;
        let mut chips = Vec::new();
        let mut chip = |label: String, without: Self| chips.push((label, without.first(path)));
        if !filter.q.is_empty() {
            chip(format!("Search: {}", filter.q), Self { q: none(), ..self.clone() });
        }
        if let Some(status) = filter.status {
            chip(format!("Status: {status}"), Self { status: none(), ..self.clone() });
        }
        if filter.affiliate_id.is_some() {
            let without = Self { affiliate: none(), ..self.clone() };
            chip(format!("Affiliate: {}", names.affiliate), without);
        }
        if filter.trigger_id.is_some() {
            let without = Self { trigger: none(), ..self.clone() };
            chip(format!("Conversion trigger: {}", names.trigger), without);
        }
        if let Some(from) = filter.from {
            chip(format!("From {}", day(from)), Self { from: none(), ..self.clone() });
        }
        if let Some(to) = filter.to {
            chip(format!("Up to {}", day(to)), Self { to: none(), ..self.clone() });
        }
        chips
    }

    fn address(&self, path: &str, direction: &str, key: &str) -> String {
        let parts = [
            ("q", self.q.trim()),
            ("status", &self.status),
            ("affiliate", &self.affiliate),
            ("trigger", &self.trigger),
            ("from", &self.from),
            ("to", &self.to),
            (direction, key),
        ];
        with_query(path, &parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_in_its_address_and_each_filter_can_go() {
        let query = ListQuery {
            status: "credited".into(),
            affiliate: "7".into(),
            from: "2026-03-01".into(),
            to: "soon".into(),
            after: "key".into(),
            ..ListQuery::default()
        };
        let names = Names { affiliate: "Maya".into(), trigger: String::new() };
        let chips = query.chips("/conversions", &names);
        let labels: Vec<&str> = chips.iter().map(|chip| chip.0.as_str()).collect();
        assert_eq!(labels, ["Status: Pending or Approved", "Affiliate: Maya", "From 1 Mar 2026"]);
        assert_eq!(chips[1].1, "/conversions?status=credited&from=2026-03-01&to=soon");
        assert_eq!(query.filter().to, None);
    }
}
