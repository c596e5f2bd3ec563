//! Parses Shopify's amounts in the store's currency.

use vouch_core::money::Currency;
use vouch_core::order::snapshot::NO_CURRENCY_EXPONENT;

use super::payload::{Allocation, MoneySet, TaxLine};
use crate::payload::{At, Decimal, PayloadError, PayloadProblem, Text, sum};

/// Parses amounts in the store's currency.
#[derive(Clone, Copy)]
pub(super) struct Amounts {
    /// `None` if a refund alone doesn't contain it. Amounts are then parsed with
    /// [`NO_CURRENCY_EXPONENT`] decimals.
    pub currency: Option<Currency>,
}

impl Amounts {
    /// An amount from its set, or from its plain field if the set is missing; `None` without
    /// either. Fails if it isn't an amount of the currency or is out of bounds.
    pub(super) fn signed(
        self,
        set: Option<&MoneySet>,
        plain: Option<&Decimal>,
        at: At<'_>,
    ) -> Result<Option<i64>, PayloadError> {
        let mut said = [self.shop_money(set), plain].into_iter().flatten();
        let Some(decimal) = said.find(|decimal| !decimal.is_blank()) else {
            return Ok(None);
        };
        let exponent = self.currency.map_or(NO_CURRENCY_EXPONENT, Currency::exponent);
        decimal.scaled(exponent, at).map(Some)
    }

    /// Like [`Self::signed`], for amounts that can't be negative; 0 if it's missing.
    pub(super) fn amount(
        self,
        set: Option<&MoneySet>,
        plain: Option<&Decimal>,
        at: At<'_>,
    ) -> Result<i64, PayloadError> {
        match self.signed(set, plain, at)? {
            Some(minor) if minor < 0 => Err(PayloadError::new(at(), PayloadProblem::Negative)),
            minor => Ok(minor.unwrap_or(0)),
        }
    }

    /// The sum of taxes; 0 if it would be negative.
    pub(super) fn taxes(self, lines: &[TaxLine], at: At<'_>) -> Result<i64, PayloadError> {
        let taxes = lines.iter().enumerate().map(|(i, line)| {
            let at = || format!("{}.tax_lines[{i}].price", at());
            let tax = self.signed(line.price_set.as_ref(), line.price.as_ref(), &at)?;
            Ok(tax.unwrap_or(0))
        });
        Ok(sum(taxes)?.max(0))
    }

    /// The sum of discounts.
    pub(super) fn allocations(self, of: &[Allocation], at: At<'_>) -> Result<i64, PayloadError> {
        sum(of.iter().enumerate().map(|(i, part)| {
            let at = || format!("{}.discount_allocations[{i}].amount", at());
            self.amount(part.amount_set.as_ref(), part.amount.as_ref(), &at)
        }))
    }

    /// The set's amount in the store's currency, or `None` if its currency differs from the
    /// order's.
    fn shop_money(self, set: Option<&MoneySet>) -> Option<&Decimal> {
        let money = set?.shop_money.as_ref()?;
        money.amount.as_ref().filter(|_| self.is_ours(money.currency_code.as_ref()))
    }

    /// Whether the currency of an amount is the order's.
    pub(super) fn is_ours(self, code: Option<&Text>) -> bool {
        let (Some(code), Some(currency)) = (code, self.currency) else { return true };
        code.0.trim().eq_ignore_ascii_case(currency.code())
    }
}
