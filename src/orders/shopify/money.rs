//! Reading Shopify's amounts in the store's currency.

use super::Unintelligible;
use super::payload::{Allocation, Decimal, MoneySet, TaxLine};
use crate::money::{Currency, parse_decimal};

/// No amount of an order is larger: 10^15 minor units, ten million million dollars.
const MAX_MINOR: i64 = 1_000_000_000_000_000;

/// Reads amounts in the store's currency.
#[derive(Clone, Copy)]
pub(super) struct Amounts {
    pub currency: Currency,
}

/// Where in the message an amount stands, written out only if it has to be named.
pub(super) type At<'a> = &'a dyn Fn() -> String;

impl Amounts {
    /// An amount from its set or, where that is missing, from its plain field; none if neither is
    /// there.
    ///
    /// # Errors
    /// If it is no amount of the currency, or is out of bounds.
    pub fn signed(
        self,
        set: Option<&MoneySet>,
        plain: Option<&Decimal>,
        at: At<'_>,
    ) -> Result<Option<i64>, Unintelligible> {
        let Some(Decimal(text)) = self.shop_money(set).or(plain) else { return Ok(None) };
        let minor = parse_decimal(text, self.currency)
            .map_err(|problem| Unintelligible::new(at(), format!("“{}” {problem}", short(text))))?;
        if minor.unsigned_abs() > MAX_MINOR.unsigned_abs() {
            return Err(Unintelligible::new(at(), "the amount is too large to be one of an order"));
        }
        Ok(Some(minor))
    }

    /// Like [`Self::signed`], for what cannot be negative; 0 if it is missing.
    pub fn amount(
        self,
        set: Option<&MoneySet>,
        plain: Option<&Decimal>,
        at: At<'_>,
    ) -> Result<i64, Unintelligible> {
        match self.signed(set, plain, at)? {
            Some(minor) if minor < 0 => {
                Err(Unintelligible::new(at(), "this amount cannot be negative"))
            }
            minor => Ok(minor.unwrap_or(0)),
        }
    }

    /// The sum of taxes.
    pub fn taxes(self, lines: &[TaxLine], at: At<'_>) -> Result<i64, Unintelligible> {
        sum(lines.iter().enumerate().map(|(i, line)| {
            let at = || format!("{}.tax_lines[{i}].price", at());
            self.amount(line.price_set.as_ref(), line.price.as_ref(), &at)
        }))
    }

    /// The sum of discounts.
    pub fn allocations(self, of: &[Allocation], at: At<'_>) -> Result<i64, Unintelligible> {
        sum(of.iter().enumerate().map(|(i, part)| {
            let at = || format!("{}.discount_allocations[{i}].amount", at());
            self.amount(part.amount_set.as_ref(), part.amount.as_ref(), &at)
        }))
    }

    /// The store's side of a set. One in another currency than the order's is not it.
    fn shop_money(self, set: Option<&MoneySet>) -> Option<&Decimal> {
        let money = set?.shop_money.as_ref()?;
        let is_ours = money
            .currency_code
            .as_ref()
            .is_none_or(|code| code.0.eq_ignore_ascii_case(self.currency.code()));
        money.amount.as_ref().filter(|_| is_ours)
    }
}

/// Adds amounts up, or stops at the first that cannot be read.
pub(super) fn sum(
    amounts: impl Iterator<Item = Result<i64, Unintelligible>>,
) -> Result<i64, Unintelligible> {
    // Each is bounded and there are few enough of them, but nothing here rests on that.
    amounts.into_iter().try_fold(0_i64, |sum, minor| Ok(sum.saturating_add(minor?)))
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
