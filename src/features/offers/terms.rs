//! The dated terms of an offer: what it paid when.

use diesel::prelude::*;
use vouch_core::attribution::Commission;
use vouch_core::money::Currency;

use super::model::NewOffer;
use crate::kit::dated::dated;
use crate::kit::db::schema::offer_terms;

dated! {
    /// What an offer pays, in columns.
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = offer_terms)]
    pub(super) struct Terms
    in offer_terms(merchant_id: i64, offer_id: i64) of offers(merchant_id, offer_id)
    {
        commission_kind: String,
        basis_points: Option<i32>,
        flat_minor: Option<i64>,
        flat_currency: Option<String>,
        pub excluded_skus: Vec<Option<String>>,
        pub auto_approve: bool,
    }
}

impl Terms {
    pub(super) fn of(new: &NewOffer) -> Self {
        let (kind, basis_points, flat_minor) = match new.commission {
            Commission::Percent { basis_points } => {
                ("percent", Some(i32::try_from(basis_points).unwrap_or(i32::MAX)), None)
            }
            Commission::FlatPerOrder { amount_minor, .. } => {
                ("flat_per_order", None, Some(amount_minor))
            }
            Commission::FlatPerItem { amount_minor, .. } => {
                ("flat_per_item", None, Some(amount_minor))
            }
            // Pays nothing, which is what no percent of the sale is.
            Commission::Unknown => ("percent", Some(0), None),
        };
        let currency = new.commission.currency();
        Self {
            commission_kind: kind.to_owned(),
            basis_points,
            flat_minor,
            flat_currency: currency.map(|currency| currency.code().to_owned()),
            excluded_skus: new.excluded_skus.iter().cloned().map(Some).collect(),
            auto_approve: new.auto_approve,
        }
    }

    pub(super) fn commission(&self) -> Commission {
        let currency = self.flat_currency.as_deref();
        commission(&self.commission_kind, self.basis_points, self.flat_minor, currency)
    }
}

/// What the columns of `offer_terms` say of a commission.
pub fn commission(
    kind: &str,
    basis_points: Option<i32>,
    flat_minor: Option<i64>,
    flat_currency: Option<&str>,
) -> Commission {
    let currency = flat_currency.and_then(|code| Currency::from_code(code).ok());
    match (kind, basis_points, flat_minor, currency) {
        ("percent", Some(points), ..) => Commission::Percent { basis_points: points.into() },
        ("flat_per_order", _, Some(amount_minor), Some(currency)) => {
            Commission::FlatPerOrder { amount_minor, currency }
        }
        ("flat_per_item", _, Some(amount_minor), Some(currency)) => {
            Commission::FlatPerItem { amount_minor, currency }
        }
        _ => Commission::Unknown,
    }
}
