//! Lists that are read by position, oldest ID first, while they change.

use serde::{Deserialize, Serialize};

use super::{CallError, Reason};

/// After this many pages in a row without anything new, the store's paging is broken.
const MAX_IDLE_PAGES: u16 = 200;

/// The position in such a list. Every page begins with the last row of the previous one. If that
/// row is missing, earlier rows were deleted and others moved up unseen, so reading goes back. Rows
/// read twice are skipped, and rows that exist the whole time are returned once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// How many rows there are up to and including the last one.
    seen: usize,
    /// The ID of the last row.
    last: u64,
    /// Pages in a row without anything new.
    #[serde(default)]
    idle: u16,
}

impl Position {
    /// The size of the next page, `most` or slightly less, and its number, counted from 1. The page
    /// begins at the last row or slightly before it.
    pub(super) fn page(&self, most: usize) -> (usize, usize) {
        let offset = self.seen.saturating_sub(1);
        let sizes = (most - most / 5..=most).rev();
        let size = sizes.min_by_key(|size| offset % size).unwrap_or(most);
        (size, offset / size + 1)
    }

    /// Processes the rows of [`Position::page`]. Returns the new ones, and whether there are more.
    /// Fails with [`CallError::Unanswered`] if the store keeps returning the same rows.
    pub(super) fn take<T>(
        &mut self,
        rows: Vec<T>,
        (size, page): (usize, usize),
        id: impl Fn(&T) -> u64,
    ) -> Result<(Vec<T>, bool), CallError> {
        let offset = size * (page - 1);
        let is_full = rows.len() >= size;
        let meets = rows.first().is_some_and(|row| id(row) <= self.last);
        let new: Vec<T> = rows.into_iter().filter(|row| id(row) > self.last).collect();
        let goes_back = offset > 0 && !meets;
        if new.is_empty() || goes_back {
            self.idle += 1;
            if self.idle > MAX_IDLE_PAGES {
                return Err(CallError::Unanswered(Reason::RepeatedPage));
            }
        }
        if goes_back {
            self.seen = offset.saturating_sub(size);
            return Ok((Vec::new(), true));
        }
        if let Some(last) = new.iter().map(&id).max() {
            (self.last, self.idle) = (last, 0);
        }
        self.seen = offset + size;
        Ok((new, is_full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `list`, which `change` modifies before each page. Returns the rows and the number of
    /// pages.
    fn read(mut list: Vec<u64>, change: impl Fn(usize, &mut Vec<u64>)) -> (Vec<u64>, usize) {
        let (mut position, mut met) = (Position::default(), Vec::new());
        for pieces in 0..1_000 {
            change(pieces, &mut list);
            let (size, page) = position.page(50);
            let offset = (page - 1) * size;
            assert!(offset <= position.seen && (40..=50).contains(&size));
            let piece = list.iter().copied().skip(offset).take(size).collect();
            let (new, more) = position.take(piece, (size, page), |id| *id).unwrap();
            met.extend(new);
            if !more {
                return (met, pieces + 1);
            }
        }
        panic!("no end: {position:?}");
    }

    #[test]
    fn a_list_that_stands_still_is_read_in_few_pieces() {
        let list: Vec<u64> = (1..=1_000).collect();
        let (met, pieces) = read(list.clone(), |_, _| {});
        assert_eq!(met, list);
        assert!(pieces <= 26, "{pieces}");
        assert_eq!(read(Vec::new(), |_, _| {}), (Vec::new(), 1));
        let full: Vec<u64> = (1..=50).collect();
        assert_eq!(read(full.clone(), |_, _| {}), (full, 2));
    }

    #[test]
    fn what_is_there_all_the_time_is_met_once_whatever_else_goes_and_comes() {
        for gone in [1, 7, 49, 60, 300] {
            let (met, _) = read((1..=1_000).collect(), |pieces, list| {
                if matches!(pieces, 3 | 4 | 9) {
                    list.drain(..gone.min(list.len()));
                    let next = 2_000 + pieces as u64;
                    list.push(next);
                }
            });
            let mut once = met.clone();
            once.dedup();
            assert_eq!(met, once, "{gone}");
            let stays = 3 * gone as u64 + 1..=1_000;
            assert!(stays.clone().all(|id| met.contains(&id)), "{gone}: {met:?}");
            assert!([2_003, 2_004, 2_009].iter().all(|id| met.contains(id)), "{gone}");
        }
    }

    #[test]
    fn a_store_that_does_not_page_is_no_endless_list() {
        let mut position = Position::default();
        let ends = (0..300).any(|_| {
            let page = position.page(50);
            position.take((1..=50).collect(), page, |id| *id).is_err()
        });
        assert!(ends, "{position:?}");
    }
}
