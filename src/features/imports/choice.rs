use super::check::{CheckedRow, ImportCounts, RowStatus};
use super::row::Problem;
use crate::features::triggers::Reach;

/// A member's decisions after seeing the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImportDecisions {
    /// Also create excluded codes.
    pub(crate) override_exclusions: bool,
    /// Create codes that a spreadsheet seems to have changed, as they are; `None` if not decided.
    pub(crate) keep_changed: Option<bool>,
    /// Whether the codes are pushed to the stores.
    pub(crate) reach: Reach,
    /// How many rows of each kind the member saw.
    pub(crate) seen: ImportCounts,
}

impl ImportDecisions {
    pub(super) fn wants(&self, checked: &CheckedRow) -> bool {
        let is_excluded = matches!(checked.status, RowStatus::Excluded(..));
        (self.override_exclusions || !is_excluded)
            && (self.keep_changed == Some(true) || !checked.is_changed())
            && (self.reach == Reach::VouchOnly || checked.existing_only().is_none())
    }

    /// The stored code for why a row is skipped, if there is one.
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
