//! The dated terms of an offer.

use diesel::prelude::*;
use vouch_core::attribution::{Commission, CommissionColumns, CommissionKind};
use vouch_core::money::{Currency, Rate};

use super::new_offer::NewOffer;
use crate::kit::dated::dated;
use crate::kit::db::schema::offer_terms;

dated! {
    /// An offer's terms as columns.
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = offer_terms)]
    pub(super) struct Terms
    in offer_terms(merchant_id: i64, offer_id: i64) of offers(merchant_id, offer_id)
    {
        commission_kind: CommissionKind,
        basis_points: Option<Rate>,
        flat_minor: Option<i64>,
        flat_currency: Option<Currency>,
        pub(crate) excluded_skus: Vec<Option<String>>,
        pub(crate) auto_approve: bool,
    }
}

impl Terms {
    pub(super) fn of(new: &NewOffer) -> Self {
        let columns = CommissionColumns::from(new.commission);
        let (commission_kind, basis_points, flat_minor, flat_currency) = columns;
        Self {
            commission_kind,
            basis_points,
            flat_minor,
            flat_currency,
            excluded_skus: new.excluded_skus.iter().cloned().map(Some).collect(),
            auto_approve: new.auto_approve,
        }
    }

    pub(super) fn commission(&self) -> Commission {
        (self.commission_kind, self.basis_points, self.flat_minor, self.flat_currency).into()
    }
}
