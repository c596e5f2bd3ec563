//! A page of a list, for templates.

use askama::Template;
use askama::filters::HtmlSafe;
use vouch_core::calendar::Calendar;

use super::count::Count;
use super::range::Listing;
use super::url::{ListUrl, Sort};

/// A page of a list, with its URL, rows and links to the pages around it.
pub(crate) struct ListPage<R> {
    pub(crate) address: ListUrl,
    pub(crate) rows: Vec<R>,
    /// The count of all matching rows, if the page shows it.
    count: Option<Count>,
    previous: String,
    next: String,
}

impl<R> ListPage<R> {
    pub(crate) fn new(address: ListUrl, listing: Listing<R>, count: Option<Count>) -> Self {
        let Listing { rows, previous, next } = listing;
        let beyond = |direction, key| address.beyond(direction, &key);
        Self {
            previous: previous.map(|key| beyond("before", key)).unwrap_or_default(),
            next: next.map(|key| beyond("after", key)).unwrap_or_default(),
            address,
            rows,
            count,
        }
    }

    /// The active filters.
    pub(crate) fn chips(&self, calendar: Calendar) -> Chips {
        Chips { chips: self.address.chips(calendar) }
    }

    /// The header cell of a sortable column.
    pub(crate) fn sort<S: Sort>(&self, label: &'static str, sorts: &[S]) -> SortHeader {
        let (href, direction) = self.address.sorted(sorts);
        SortHeader { label, href, direction }
    }

    /// The links to other pages, with the count. `one` and `many` are the singular and plural noun.
    pub(crate) fn pages(&self, one: &str, many: &str) -> Pages {
        self.pages_of(self.count.map(|count| count.words(one, many)).unwrap_or_default())
    }

    /// The links to other pages, without a count.
    pub(crate) fn links(&self) -> Pages {
        self.pages_of(String::new())
    }

    /// The links to other pages, with `shown` as the text.
    pub(crate) fn pages_of(&self, shown: String) -> Pages {
        let is_first = self.previous.is_empty();
        let first = if is_first { String::new() } else { self.address.first() };
        Pages { first, previous: self.previous.clone(), next: self.next.clone(), shown }
    }
}

/// The active filters of a list. Each has its text and the URL of the list without it.
#[derive(Template)]
#[template(path = "components/chips.html")]
pub(crate) struct Chips {
    chips: Vec<(String, String)>,
}

/// The header cell of a sortable column.
#[derive(Template)]
#[template(path = "components/sort_header.html")]
pub(crate) struct SortHeader {
    label: &'static str,
    /// The URL of the list sorted by this column. If it's already sorted by it, the direction is reversed.
    href: String,
    /// The value of `aria-sort`, or "".
    direction: &'static str,
}

/// The links to other pages of a list. Each is a URL, or "" if there's no such page.
#[derive(Template)]
#[template(path = "components/pages.html")]
pub(crate) struct Pages {
    first: String,
    previous: String,
    next: String,
    shown: String,
}

// Their templates escape all values.
impl HtmlSafe for Chips {}
impl HtmlSafe for SortHeader {}
impl HtmlSafe for Pages {}
