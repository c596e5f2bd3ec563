//! What conversion triggers look for.

use thiserror::Error;

use crate::code::{CodeError, CouponCode, is_invisible};
use crate::email::{EmailError, EmailKey, MAX_EMAIL_CHARS};
use crate::look_alike::look_alike;
use crate::sku::{MAX_SKU_CHARS, SkuError, SkuKey};
use crate::text_enum;

text_enum! {
    /// What ties orders to an affiliate.
    pub enum TriggerKind {
        /// A code that the shopper types at checkout.
        CouponCode = "coupon_code", "Coupon Code";
        /// The address of the customer.
        CustomerEmail = "customer_email", "Customer Email";
        /// A product: a royalty on its lines.
        Sku = "sku", "SKU";
    }
}

/// What was typed, checked by the rules of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerValue {
    /// What part of an order it looks at.
    pub kind: TriggerKind,
    /// As typed, outer space cut.
    pub value: String,
    /// As compared.
    pub key: String,
}

/// Which rule of its kind a value breaks, in words for the form.
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
    /// Whether a code that is in a store already could break this rule.
    pub fn concerns_new_codes(&self) -> bool {
        matches!(self, Self::Code(error) if error.concerns_new_codes())
    }
}

/// Whether a new code goes into the stores as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Into every connected store with code creation.
    Stores,
    /// No: the stores have it already.
    VouchOnly,
}

impl TriggerValue {
    /// Checks what was typed; a coupon code by the rules of new ones, or of those that are in the
    /// stores already.
    ///
    /// # Errors
    /// [`ValueError`] names the first rule that is broken.
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
                // The key can be shorter than what was typed; the column holds both.
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

    /// A coupon code that was accepted under the rules of its time, without what cannot be seen.
    pub fn accepted_code(code: &str) -> Self {
        let visible: String = code.chars().filter(|c| !is_invisible(*c)).collect();
        CouponCode::recorded(&visible).into()
    }

    /// What at most one trigger of a merchant has.
    pub fn id(&self) -> (TriggerKind, &str) {
        (self.kind, &self.key)
    }

    /// Requests and exclusions are of coupon codes alone.
    pub fn is_code(&self) -> bool {
        self.kind == TriggerKind::CouponCode
    }

    /// What exclusions compare of it.
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
