//! Recognizes the columns of a file by the names that Vouch, Refersion and the stores' discount
//! apps give them.

use crate::features::triggers::TriggerKind;
use crate::kit::web::spreadsheet::{ParseSummary, Spreadsheet, SpreadsheetError};

/// The required columns, for error messages.
pub(super) const NEEDED: &str = "a column Affiliate ID or Email, and a column Code";

const IDS: &[&str] =
    &["affiliateid", "affid", "partnerid", "ambassadorid", "influencerid", "creatorid"];
const EMAILS: &[&str] = &[
    "affiliateemail",
    "affiliateemailaddress",
    "partneremail",
    "ambassadoremail",
    "influenceremail",
    "creatoremail",
    "emailaddress",
    "email",
    "mail",
];
/// An affiliate ID or an email.
const AFFILIATES: &[&str] = &["affiliate", "affiliateidoremail", "affiliateidoremailaddress"];
const KINDS: &[&str] = &["type", "triggertype", "conversiontriggertype", "kind"];
const CODES: &[&str] = &[
    "couponcode",
    "discountcode",
    "promocode",
    "promotioncode",
    "promotionalcode",
    "vouchercode",
    "affiliatecouponcode",
    "affiliatecoupon",
    "coupon",
    "voucher",
    "promo",
    "code",
];
/// Any trigger type.
const VALUES: &[&str] = &["trigger", "conversiontrigger", "triggervalue", "value"];
const CUSTOMER_EMAILS: &[&str] = &["customeremail", "customeremailaddress"];
const SKUS: &[&str] = &["sku", "productsku", "variantsku"];

/// The recognized columns. If several fit, the more specific name wins. Of two columns with the
/// same name, the left one wins.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImportColumns {
    pub(crate) id: Option<usize>,
    pub(crate) email: Option<usize>,
    pub(crate) affiliate: Option<usize>,
    pub(crate) kind: Option<usize>,
    pub(crate) value: usize,
    /// The type that the value column's name implies for rows without a type of their own.
    pub(crate) implied: TriggerKind,
}

impl ImportColumns {
    pub(super) fn of(spreadsheet: &Spreadsheet) -> Result<Self, SpreadsheetError> {
        let (id, email) = (spreadsheet.column(IDS), spreadsheet.column(EMAILS));
        let affiliate = spreadsheet.column(AFFILIATES);
        if id.or(email).or(affiliate).is_none() {
            return Err(spreadsheet.no_column("the affiliate", NEEDED));
        }
        let places = [
            (CODES, TriggerKind::CouponCode),
            (VALUES, TriggerKind::CouponCode),
            (CUSTOMER_EMAILS, TriggerKind::CustomerEmail),
            (SKUS, TriggerKind::Sku),
        ];
        let found =
            places.iter().find_map(|(names, kind)| Some((spreadsheet.column(names)?, *kind)));
        let (value, implied) = found.ok_or_else(|| spreadsheet.no_column("the code", NEEDED))?;
        Ok(Self { id, email, affiliate, kind: spreadsheet.column(KINDS), value, implied })
    }

    pub(super) fn reading(&self, spreadsheet: &Spreadsheet) -> ParseSummary {
        spreadsheet.reading(&[
            ("affiliate_id", self.id),
            ("email", self.email),
            ("affiliate", self.affiliate),
            ("type", self.kind),
            ("code", Some(self.value)),
        ])
    }
}

/// The label for a column's use, which [`ParseSummary`] stores by its field name.
pub(super) fn label(field: &str) -> &str {
    match field {
        "affiliate_id" => "Affiliate ID",
        "email" => "Email",
        "affiliate" => "Affiliate",
        "type" => "Type",
        "code" => "Code",
        other => other,
    }
}
