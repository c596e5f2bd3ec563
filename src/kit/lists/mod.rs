//! The shared parts of lists: URL parameters, ranges of rows, pages and CSV files.
//!
//! A list reads its filters and sort from a [`ListUrl`], which records them for links and chips. A
//! [`Range`] adds the keyset condition, order and limit to the list's query, and turns the rows into a
//! [`Listing`]. The page ([`ListPage`]) and the file ([`export`]) use the same query.

mod count;
mod export;
mod page;
mod range;
mod search;
mod url;

pub(crate) use self::count::{COUNT_LIMIT, Count, count_of};
pub(crate) use self::export::export;
pub(crate) use self::page::ListPage;
pub(crate) use self::range::{
    ColumnType, Cursor, Listing, PAGE_SIZE, Range, SortKey, SortOrder, Value,
};
pub(crate) use self::search::{
    Named, begins_with, by_parts, contains, glob, named, replanned, searched,
};
pub(crate) use self::url::{ListUrl, Params, Sort};
