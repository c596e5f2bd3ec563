//! The kinds and values of conversion triggers.

use thiserror::Error;

use crate::code::{CodeError, CouponCode, is_invisible};
use crate::email::{EmailError, EmailKey, MAX_EMAIL_CHARS};
use crate::look_alike::look_alike;
use crate::sku::{MAX_SKU_CHARS, SkuError, SkuKey};
use crate::text_enum;

text_enum! {
    /// How a trigger connects orders to an affiliate.
    pub enum TriggerKind {
        /// By a code that the customer enters at checkout.
        CouponCode = "coupon_code", "Coupon Code";
        /// By the customer's email.
        CustomerEmail = "customer_email", "Customer Email";
        /// By a product, which pays a royalty on its lines.
        Sku = "sku", "SKU";
    }
}

/// A typed value, checked by the rules of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerValue {
    /// The part of an order that it's compared with.
    pub kind: TriggerKind,
    /// As typed, trimmed.
    pub value: String,
    /// The normalized value that's compared.
    pub key: String,
}

/// The rule of its kind that a value breaks. The message is shown next to the field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueError {
    #[error(transparent)]
    Code(#[from] CodeError),
    #[error(transparent)]
    Email(#[from] EmailError),
    #[error(transparent)]
    Sku(#[from] SkuError),
}

impl ValueError {
    /// Whether only new codes must follow this rule, so a code that a store already has may break
    /// it.
    pub fn concerns_new_codes(&self) -> bool {
        matches!(self, Self::Code(error) if error.concerns_new_codes())
    }
}

/// Whether a new code is also created in the stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In every connected store with code creation.
    Stores,
    /// Not at all, because the stores already have it.
    VouchOnly,
}

impl TriggerValue {
    /// Parses a typed value. For coupon codes, `reach` selects the rules for new or existing codes.
    ///
    /// Fails with the first broken rule.
    pub fn parse(kind: TriggerKind, typed: &str, reach: Reach) -> Result<Self, ValueError> {
        let value = typed.trim().to_owned();
        let chars = value.chars().count();
        let key = match kind {
            TriggerKind::CouponCode => match reach {
                Reach::Stores => CouponCode::parse(typed)?.key().to_owned(),
                Reach::VouchOnly => CouponCode::parse_existing(typed)?.key().to_owned(),
            },
            TriggerKind::CustomerEmail => {
                let key = EmailKey::parse(typed)?.as_str().to_owned();
                // The key can be shorter than the typed value, and both are stored in columns of
                // this length.
                if chars > MAX_EMAIL_CHARS {
                    return Err(EmailError::TooLong.into());
                }
                key
            }
            TriggerKind::Sku => {
                let key = SkuKey::parse(typed)?.as_str().to_owned();
                if chars > MAX_SKU_CHARS {
                    return Err(SkuError::TooLong.into());
                }
                key
            }
        };
        Ok(Self { kind, value, key })
    }

    /// A coupon code that was accepted by earlier rules, without its invisible characters.
    pub fn accepted_code(code: &str) -> Self {
        let visible: String = code.chars().filter(|c| !is_invisible(*c)).collect();
        CouponCode::recorded(&visible).into()
    }

    /// Unique among a merchant's triggers.
    pub fn id(&self) -> (TriggerKind, &str) {
        (self.kind, &self.key)
    }

    /// Requests and exclusions only exist for coupon codes.
    pub fn is_code(&self) -> bool {
        self.kind == TriggerKind::CouponCode
    }

    /// The look-alike key that exclusions compare; none for other kinds than coupon codes.
    pub fn look_alike(&self) -> Option<String> {
        self.is_code().then(|| look_alike(&self.key))
    }
}

impl From<CouponCode> for TriggerValue {
    fn from(code: CouponCode) -> Self {
        let (value, key) = (code.value().to_owned(), code.key().to_owned());
        Self { kind: TriggerKind::CouponCode, value, key }
    }
}
