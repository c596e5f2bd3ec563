use super::check::{CheckedRow, Counts, RowStatus};
use super::row::Problem;
use crate::features::triggers::Reach;

/// What somebody decided who has looked at the rows.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Create excluded codes as well.
    pub override_exclusions: bool,
    /// Create codes that look changed by a spreadsheet as they are; none where that was not decided.
    pub keep_changed: Option<bool>,
    /// Whether the codes go into the stores.
    pub reach: Reach,
    /// How many rows of each kind there were when they looked.
    pub seen: Counts,
}

impl Choice {
    pub(super) fn wants(&self, checked: &CheckedRow) -> bool {
        let is_excluded = matches!(checked.status, RowStatus::Excluded(..));
        (self.override_exclusions || !is_excluded)
            && (self.keep_changed == Some(true) || !checked.is_changed())
            && (self.reach == Reach::VouchOnly || checked.existing_only().is_none())
    }

    /// Why a row is left out, where that has a code.
    pub(super) fn problem_of(&self, checked: &CheckedRow) -> Option<Problem> {
        if checked.is_changed() && self.keep_changed != Some(true) {
            return Some(Problem::LooksChanged);
        }
        if checked.existing_only().is_some() && self.reach == Reach::Stores {
            return Some(Problem::ExistingOnly);
        }
        checked.row.problem
    }
}
