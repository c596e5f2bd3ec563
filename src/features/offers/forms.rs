use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::attribution::{Commission, CommissionColumns, CommissionKind};
use vouch_core::money::{Currency, MoneyError, Rate, format_plain, parse_decimal};
use vouch_core::sku::key_of_reported_sku;

use super::model::SaveOfferError;
use super::new_offer::NewOffer;
use super::read::{Offer, OfferTerms};
use super::text;
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version, chosen, ticked};

/// The maximum number of excluded SKUs per offer.
const MAX_SKUS: usize = 1_000;
/// The commission types to choose from.
pub(super) const PAYS: [(&str, &str); 3] = [
    choice(CommissionKind::Percent),
    choice(CommissionKind::FlatPerOrder),
    choice(CommissionKind::FlatPerItem),
];
/// Larger amounts are probably typos; minor units.
const MAX_MINOR: i64 = 1_000_000_000_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OfferForm {
    pub(crate) name: String,
    /// The name of a [`CommissionKind`].
    pub(crate) pays: String,
    /// For percentages.
    pub(crate) percent: String,
    /// For flat amounts, in the merchant's currency.
    pub(crate) amount: String,
    /// One per line.
    pub(crate) excluded_skus: String,
    /// "true" or empty.
    pub(crate) auto_approve: String,
    /// "true" or empty.
    pub(crate) is_default: String,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    pub(crate) version: Version,
}

const fn choice(kind: CommissionKind) -> (&'static str, &'static str) {
    (kind.as_str(), kind.label())
}

impl OfferForm {
    /// The form for an existing offer. A flat amount in another currency than the merchant's is
    /// left empty, so it must be entered again.
    pub(crate) fn of(offer: &Offer, terms: &OfferTerms, currency: Currency) -> Self {
        let flat =
            |minor, own| if own == currency { format_plain(minor, own) } else { String::new() };
        let (kind, rate, amount, own) = CommissionColumns::from(terms.commission);
        let pays = if terms.commission == Commission::Unknown { "" } else { kind.as_str() };
        Self {
            name: offer.name.clone(),
            pays: pays.to_owned(),
            percent: rate.map(Rate::number).unwrap_or_default(),
            amount: amount.zip(own).map(|(minor, own)| flat(minor, own)).unwrap_or_default(),
            excluded_skus: terms.excluded_skus.join("\n"),
            auto_approve: flag(terms.auto_approve),
            is_default: flag(offer.is_default),
            version: Version::default(),
        }
        .versioned()
    }

    /// Sets the version of the shown values.
    fn versioned(self) -> Self {
        let version = Version::of(&self);
        Self { version, ..self }
    }

    /// The offer from the form, with its flat amount in `currency`. Fails with all errors.
    pub(crate) fn read(&self, currency: Currency) -> Result<NewOffer, FormErrors> {
        let mut errors = FormErrors::new();
        match self.name.trim().chars().count() {
            0 => errors.add("name", text::ENTER_NAME),
            1..=100 => {}
            _ => errors.add("name", text::NAME_TOO_LONG),
        }
        let commission = self.read_commission(currency, &mut errors);
        let excluded_skus = self.read_skus(&mut errors);
        errors.into_result()?;
        Ok(NewOffer {
            name: self.name.clone(),
            commission,
            excluded_skus,
            auto_approve: !self.auto_approve.is_empty(),
            is_default: !self.is_default.is_empty(),
        })
    }

    fn read_commission(&self, currency: Currency, errors: &mut FormErrors) -> Commission {
        let amount = || read_amount(&self.amount, currency).map_err(|message| ("amount", message));
        let read = match CommissionKind::parse(&self.pays) {
            Some(CommissionKind::Percent) => Rate::parse(&self.percent)
                .map(|rate| Commission::Percent { rate })
                .map_err(|error| ("percent", error.to_string())),
            Some(CommissionKind::FlatPerOrder) => {
                amount().map(|amount_minor| Commission::FlatPerOrder { amount_minor, currency })
            }
            Some(CommissionKind::FlatPerItem) => {
                amount().map(|amount_minor| Commission::FlatPerItem { amount_minor, currency })
            }
            None => Err(("pays", text::CHOOSE_COMMISSION.to_owned())),
        };
        read.unwrap_or_else(|(field, message)| {
            errors.add(field, message);
            Commission::default()
        })
    }

    fn read_skus(&self, errors: &mut FormErrors) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for line in self.excluded_skus.lines() {
            let key = key_of_reported_sku(line);
            if key.chars().count() > 255 {
                errors.add("excluded_skus", text::SKU_TOO_LONG);
                break;
            }
            if !key.is_empty() && !keys.contains(&key) {
                keys.push(key);
            }
            if keys.len() > MAX_SKUS {
                errors.add("excluded_skus", text::TOO_MANY_SKUS);
                break;
            }
        }
        keys
    }
}

fn flag(on: bool) -> String {
    if on { "true".to_owned() } else { String::new() }
}

impl OfferForm {
    /// The default offer stays it until another one is, so its form has no checkbox for that.
    pub(crate) fn keep_default(&mut self, offer: &Offer) {
        if offer.is_default {
            self.is_default = flag(true);
        }
    }
}

impl Edits for OfferForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        let is_percent = self.pays == "percent";
        let applies = |applies: bool, typed: &String| {
            if applies { typed.clone() } else { String::new() }
        };
        Ok(vec![
            ("Name", self.name.clone()),
            ("Commission type", chosen(PAYS, &self.pays)),
            ("Percent", applies(is_percent, &self.percent)),
            ("Amount", applies(!is_percent, &self.amount)),
            ("Excluded SKUs", self.excluded_skus.clone()),
            ("Approve conversions automatically", ticked(!self.auto_approve.is_empty())),
            ("Use as default offer", ticked(!self.is_default.is_empty())),
        ])
    }
}

fn read_amount(typed: &str, currency: Currency) -> Result<i64, String> {
    match parse_decimal(typed, currency) {
        Ok(minor @ 0..=MAX_MINOR) => Ok(minor),
        Ok(0..) | Err(MoneyError::TooLarge) => Err(text::AMOUNT_TOO_LARGE.to_owned()),
        Err(MoneyError::TooPrecise(currency)) => Err(text::too_precise(currency)),
        _ => Err(text::enter_amount(currency)),
    }
}

/// The field that an error belongs to.
pub(crate) fn refusal(error: SaveOfferError) -> Result<FormErrors, diesel::result::Error> {
    let message = error.to_string();
    match error {
        SaveOfferError::NameTaken => Ok(FormErrors::one("name", message)),
        SaveOfferError::Archived => Ok(FormErrors::one("is_default", message)),
        SaveOfferError::Database(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_of_the_currency() {
        assert_eq!(read_amount("5", Currency::USD), Ok(500));
        assert_eq!(read_amount("500", Currency::JPY), Ok(500));
        assert!(read_amount("0.5", Currency::JPY).is_err());
        assert!(read_amount("-5", Currency::USD).is_err());
        assert!(read_amount("99999999999999", Currency::USD).is_err());
    }
}
