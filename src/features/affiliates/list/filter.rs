use crate::features::affiliates::search::Search;
use crate::features::affiliates::status::AffiliateStatus;
use crate::kit::db::text_enum;

text_enum! {
    /// What a list of affiliates goes by.
    #[derive(Default)]
    pub enum AffiliateSort {
        /// By name.
        #[default]
        Name = "name", "Name";
        /// By name, backwards.
        NameBackwards = "name-backwards", "Name, backwards";
        /// Who joined last comes first.
        Newest = "newest", "Newest";
        /// Who joined first comes first.
        Oldest = "oldest", "Oldest";
        /// Names that begin with what is looked for come first, then the others, both by name. Of
        /// searches only; without one it is the same as by name.
        BestMatch = "best", "Best match";
    }
}

impl AffiliateSort {
    /// What a list goes by unless it is told otherwise.
    pub fn usual(search: &Search) -> Self {
        if search.is_empty() { Self::Name } else { Self::BestMatch }
    }
}

/// Which affiliates a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffiliateFilter {
    /// What is looked for in name, e-mail address and affiliate ID.
    pub search: Search,
    /// Only with this status.
    pub status: Option<AffiliateStatus>,
    /// Only on this offer.
    pub offer_id: Option<i64>,
}
