use crate::features::affiliates::search::AffiliateSearch;
use crate::features::affiliates::status::AffiliateStatus;
use crate::kit::db::text_enum;
use crate::kit::lists::{ColumnType, ListUrl, Sort, SortOrder};

text_enum! {
    /// The order of a list of affiliates.
    #[derive(Default)]
    pub(crate) enum AffiliateSort {
        /// By name, from A to Z.
        #[default]
        Name = "name", "Name";
        /// By name, from Z to A.
        NameBackwards = "name-backwards", "Name, Z to A";
        /// By the time they joined, newest first.
        Newest = "newest", "Newest";
        /// By the time they joined, oldest first.
        Oldest = "oldest", "Oldest";
        /// Names that begin with the search text first, then the others, each by name. Without a
        /// search it's the same as by name.
        BestMatch = "best", "Best match";
    }
}

impl AffiliateSort {
    /// The sorts by name. The first click on the column header selects the first one.
    pub(crate) const BY_NAME: [Self; 2] = [Self::Name, Self::NameBackwards];
    /// The sorts by joining time. The first click on the column header selects the first one.
    pub(crate) const BY_JOINING: [Self; 2] = [Self::Newest, Self::Oldest];

    /// The default order of a list.
    pub(crate) fn usual(search: &AffiliateSearch) -> Self {
        if search.is_empty() { Self::Name } else { Self::BestMatch }
    }

    pub(crate) fn read(address: &mut ListUrl, search: &AffiliateSearch) -> Self {
        match address.sort(Self::usual(search)) {
            Self::BestMatch if search.is_empty() => {
                address.ignore("sort");
                Self::Name
            }
            sort => sort,
        }
    }
}

pub(super) const NAME: &[(&str, ColumnType)] =
    &[("name_key", ColumnType::Text), ("id", ColumnType::Number)];

impl Sort for AffiliateSort {
    fn order(self) -> SortOrder {
        const AGE: &[(&str, ColumnType)] =
            &[("created_at", ColumnType::Time), ("id", ColumnType::Number)];
        match self {
            Self::Name => SortOrder::ascending(NAME),
            Self::NameBackwards => SortOrder::descending(NAME),
            Self::Newest => SortOrder::descending(AGE),
            Self::Oldest => SortOrder::ascending(AGE),
            Self::BestMatch => SortOrder::ascending(&[
                ("NOT begins", ColumnType::Flag),
                ("name_key", ColumnType::Text),
                ("id", ColumnType::Number),
            ]),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AffiliateFilter {
    /// Searches the name, email and affiliate ID.
    pub(crate) search: AffiliateSearch,
    pub(crate) status: Option<AffiliateStatus>,
    pub(crate) offer_id: Option<i64>,
}

impl AffiliateFilter {
    pub(crate) fn read(address: &mut ListUrl) -> Self {
        let search = AffiliateSearch::of(&address.search());
        if search.is_empty() {
            address.ignore("q");
        }
        Self {
            search,
            status: address.choice("status", "Status"),
            offer_id: address.key("offer", "Offer"),
        }
    }
}
