//! The filters, sort and page in the URL of a list, and the URLs of related pages.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Deserialize;
use vouch_core::TextEnum;
use vouch_core::calendar::Calendar;

use super::range::{Cursor, Range, SortKey, SortOrder};
use crate::kit::urls::with_query;
use crate::kit::web::display_time::read_day;

const MAX_SEARCH_CHARS: usize = 255;

/// The raw query parameters of a URL. If one occurs twice, the last value counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Params(HashMap<String, String>);

impl Params {
    /// The URL of the list at `path`, with these parameters.
    pub(crate) fn at(self, path: impl Into<String>) -> ListUrl {
        ListUrl { path: path.into(), params: self, parts: Vec::new(), cursor: None, usual_sort: "" }
    }
}

/// The sort orders of a list.
pub(crate) trait Sort: TextEnum {
    fn order(self) -> SortOrder;
}

/// The URL of a list. Reading a parameter also records it for links and for the chip that removes it.
/// Unparseable parameters, for example of an old bookmark, are ignored, and links omit them.
#[derive(Clone, Debug)]
pub(crate) struct ListUrl {
    pub(crate) path: String,
    params: Params,
    /// The parsed parameters, in the order of reading.
    parts: Vec<Part>,
    cursor: Option<(&'static str, SortKey)>,
    usual_sort: &'static str,
}

#[derive(Clone, Debug)]
struct Part {
    name: &'static str,
    value: String,
    /// The text before `words` on its chip. Empty for a sort, which has no chip.
    title: String,
    words: PartText,
}

#[derive(Clone, Debug)]
enum PartText {
    Text(String),
    Date(NaiveDate),
}

impl ListUrl {
    /// The search text, or "".
    pub(crate) fn search(&mut self) -> String {
        let typed: String = self.param("q").trim().chars().take(MAX_SEARCH_CHARS).collect();
        if !typed.is_empty() {
            self.record("q", typed.clone(), "Search: ", typed.clone());
        }
        typed
    }

    /// A value of a closed set.
    pub(crate) fn choice<T: TextEnum>(&mut self, name: &'static str, title: &str) -> Option<T> {
        let choice = T::parse(self.param(name))?;
        let words = choice.label().to_owned();
        self.record(name, choice.as_str().to_owned(), &format!("{title}: "), words);
        Some(choice)
    }

    /// The ID of a row. Its chip shows "unknown" until [`Self::name`] sets the row's name.
    pub(crate) fn key(&mut self, name: &'static str, title: &str) -> Option<i64> {
        let key: i64 = self.param(name).parse().ok()?;
        self.record(name, key.to_string(), &format!("{title}: "), "unknown".to_owned());
        Some(key)
    }

    pub(crate) fn day(&mut self, name: &'static str, title: &str) -> Option<NaiveDate> {
        let found = read_day(self.param(name))?;
        let words = PartText::Date(found);
        self.parts.push(Part { name, value: found.to_string(), title: format!("{title} "), words });
        Some(found)
    }

    /// Any other value. `parse` parses it, and `words` returns the text of its chip.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &'static str,
        title: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        words: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let text = self.param(name).trim().to_owned();
        let found = parse(&text)?;
        let words = words(&found);
        self.record(name, text, &format!("{title}: "), words);
        Some(found)
    }

    /// The sort of the list, which is `usual` unless the URL contains another one.
    pub(crate) fn sort<S: Sort>(&mut self, usual: S) -> S {
        let sort = S::parse(self.param("sort")).unwrap_or(usual);
        self.usual_sort = usual.as_str();
        if sort != usual {
            self.record("sort", sort.as_str().to_owned(), "", String::new());
        }
        sort
    }

    /// The requested page.
    pub(crate) fn page(&mut self, order: SortOrder) -> Range {
        let cursor = Cursor::read(order, self.param("after"), self.param("before"));
        self.cursor = match &cursor {
            Cursor::Start => None,
            Cursor::After(key) => Some(("after", key.clone())),
            Cursor::Before(key) => Some(("before", key.clone())),
        };
        Range::page(order, cursor)
    }

    /// Sets the row's name on the chip of the ID parameter `part`.
    pub(crate) fn name(&mut self, part: &str, called: &str) {
        if let Some(part) = self.parts.iter_mut().find(|one| one.name == part) {
            part.words = PartText::Text(called.to_owned());
        }
    }

    /// Removes a recorded parameter that turned out to have no effect.
    pub(crate) fn ignore(&mut self, part: &str) {
        self.parts.retain(|one| one.name != part);
    }

    fn param(&self, name: &str) -> &str {
        self.params.0.get(name).map_or("", String::as_str)
    }

    fn record(&mut self, name: &'static str, value: String, title: &str, words: String) {
        let words = PartText::Text(words);
        self.parts.push(Part { name, value, title: title.to_owned(), words });
    }

    /// The value of a recorded parameter for its form field, or "".
    pub(crate) fn value(&self, name: &str) -> &str {
        self.parts.iter().find(|part| part.name == name).map_or("", |part| &part.value)
    }

    /// Whether any filter is set.
    pub(crate) fn is_filtered(&self) -> bool {
        self.parts.iter().any(|part| !part.title.is_empty())
    }

    /// The URL of the first page, with the same filters and sort.
    pub(crate) fn first(&self) -> String {
        self.link(&self.path, |_| true, ("", ""))
    }

    /// The URL of this page.
    pub(crate) fn here(&self) -> String {
        match &self.cursor {
            Some((direction, key)) => self.beyond(direction, key),
            None => self.first(),
        }
    }

    /// The URL of the page `after` or `before` a row.
    pub(super) fn beyond(&self, direction: &str, key: &SortKey) -> String {
        self.link(&self.path, |_| true, (direction, &key.encode()))
    }

    /// The URL of the CSV file at `path`, with the same filters and sort.
    pub(crate) fn export_url(&self, path: &str) -> String {
        self.link(path, |_| true, ("", ""))
    }

    /// Like [`Self::export_url`], with one more parameter.
    pub(crate) fn export_url_with(&self, path: &str, more: (&str, &str)) -> String {
        self.link(path, |_| true, more)
    }

    /// The active filters. Each has its text and the URL of the list without it.
    pub(crate) fn chips(&self, calendar: Calendar) -> Vec<(String, String)> {
        let filters = self.parts.iter().filter(|part| !part.title.is_empty());
        filters
            .map(|part| {
                let without = self.link(&self.path, |other| other.name != part.name, ("", ""));
                let text = match &part.words {
                    PartText::Text(text) => format!("{}{text}", part.title),
                    PartText::Date(date) => format!("{}{}", part.title, calendar.date(*date)),
                };
                (text, without)
            })
            .collect()
    }

    /// The URL of the list with the next one of `sorts`, or the first if none of them is current. The second
    /// value is the current direction for `aria-sort`, or "".
    pub(super) fn sorted<S: Sort>(&self, sorts: &[S]) -> (String, &'static str) {
        let now = match self.value("sort") {
            "" => self.usual_sort,
            sort => sort,
        };
        let at = sorts.iter().position(|sort| sort.as_str() == now);
        let next = sorts[at.map_or(0, |at| (at + 1) % sorts.len())].as_str();
        let direction = match at.map(|at| sorts[at].order().descending) {
            None => "",
            Some(false) => "ascending",
            Some(true) => "descending",
        };
        let next = if next == self.usual_sort { "" } else { next };
        (self.link(&self.path, |part| part.name != "sort", ("sort", next)), direction)
    }

    fn link(&self, path: &str, keep: impl Fn(&Part) -> bool, more: (&str, &str)) -> String {
        let parts = self.parts.iter().filter(|part| keep(part));
        let parts = parts.map(|part| (part.name, part.value.as_str()));
        with_query(path, &parts.chain([more]).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use vouch_core::text_enum;

    use super::super::range::ColumnType;
    use super::*;

    text_enum! {
        enum State {
            On = "on", "Switched on";
        }
    }

    text_enum! {
        enum By {
            Newest = "newest", "Newest";
            Oldest = "oldest", "Oldest";
            Name = "name", "Name";
        }
    }

    impl Sort for By {
        fn order(self) -> SortOrder {
            const AGE: &[(&str, ColumnType)] = &[("id", ColumnType::Number)];
            match self {
                Self::Newest => SortOrder::descending(AGE),
                Self::Oldest => SortOrder::ascending(AGE),
                Self::Name => {
                    SortOrder::ascending(&[("name", ColumnType::Text), ("id", ColumnType::Number)])
                }
            }
        }
    }

    fn address(params: &[(&str, &str)]) -> ListUrl {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut address = Params(params.iter().map(owned).collect()).at("/things");
        address.search();
        address.choice::<State>("state", "State");
        address.key("owner", "Owner");
        address.day("from", "From");
        let sort = address.sort(By::Newest);
        address.page(sort.order());
        address
    }

    #[test]
    fn a_list_is_in_its_address() {
        let key = SortKey::from((7_i64,));
        let after = key.encode();
        let list = address(&[
            ("q", " 50% "),
            ("state", "on"),
            ("owner", "7"),
            ("from", "2026-03-01"),
            ("sort", "oldest"),
            ("after", &after),
        ]);
        let first = "/things?q=50%25&state=on&owner=7&from=2026-03-01&sort=oldest";
        assert_eq!(list.first(), first);
        assert_eq!(list.here(), format!("{first}&after={after}"));
        assert_eq!(list.beyond("before", &key), format!("{first}&before={after}"));
        assert_eq!(list.export_url("/things.csv"), first.replacen("things", "things.csv", 1));
        assert_eq!(list.value("q"), "50%");
    }

    #[test]
    fn each_filter_has_a_chip_that_takes_it_away() {
        let mut list = address(&[("q", "tea"), ("state", "on"), ("owner", "7"), ("sort", "name")]);
        list.name("owner", "Maya");
        let chips = list.chips(Calendar::UTC);
        let chips: Vec<_> = chips.iter().map(|(words, to)| (words.as_str(), to.as_str())).collect();
        assert_eq!(
            chips,
            [
                ("Search: tea", "/things?state=on&owner=7&sort=name"),
                ("State: Switched on", "/things?q=tea&owner=7&sort=name"),
                ("Owner: Maya", "/things?q=tea&state=on&sort=name"),
            ]
        );
        let day = address(&[("from", "2026-03-01")]);
        assert_eq!(
            day.chips(Calendar::UTC),
            [("From Mar 1, 2026".to_owned(), "/things".to_owned())]
        );
    }

    #[test]
    fn what_is_not_understood_is_not_asked_for() {
        let list = address(&[
            ("q", "  "),
            ("state", "On"),
            ("owner", "Maya"),
            ("from", "soon"),
            ("sort", "rubbish"),
            ("after", "rubbish"),
            ("of", "another list"),
        ]);
        assert!(!list.is_filtered() && list.chips(Calendar::UTC).is_empty());
        assert_eq!((list.first(), list.here()), ("/things".to_owned(), "/things".to_owned()));
        assert_eq!(list.value("state"), "");
        assert!(!address(&[("sort", "name")]).is_filtered());
    }

    #[test]
    fn a_column_sorts_one_way_and_then_the_other() {
        let by_age = [By::Newest, By::Oldest];
        let sorted = |sort: &str, sorts: &[By]| address(&[("sort", sort)]).sorted(sorts);
        assert_eq!(sorted("", &by_age), ("/things?sort=oldest".to_owned(), "descending"));
        assert_eq!(sorted("oldest", &by_age), ("/things".to_owned(), "ascending"));
        assert_eq!(sorted("name", &by_age), ("/things".to_owned(), ""));
        assert_eq!(sorted("", &[By::Name]), ("/things?sort=name".to_owned(), ""));
        assert_eq!(sorted("name", &[By::Name]), ("/things?sort=name".to_owned(), "ascending"));
    }
}
