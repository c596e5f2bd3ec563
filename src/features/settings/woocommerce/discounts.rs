use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::money::{Currency, Rate, format_plain, parse_decimal};
use vouch_core::platform::Platform;
use vouch_platforms::woocommerce::{DiscountAmount, Rules};

use super::HERE;
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::access::currency_of;
use crate::features::settings::connected;
use crate::features::stores::{self, Store, StoreCalls};
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::{Edits, Labeled, Version, chosen, ticked};
use crate::kit::web::{ok, rejected, see_other};

/// What was chosen for codes that are created.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscountsForm {
    creates_codes: String,
    kind: String,
    amount: String,
    minimum: String,
    total_uses: String,
    uses_per_customer: String,
    individual_use: bool,
    exclude_sale_items: bool,
    free_shipping: bool,
    /// Shows what a shopper gets, and saves nothing.
    #[serde(skip_serializing)]
    preview: String,
    /// What the form showed.
    #[serde(skip_serializing)]
    version: Version,
}

impl Edits for DiscountsForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        Ok(vec![
            ("Create codes in this store?", chosen(DiscountsPage::choices(), &self.creates_codes)),
            ("Discount", chosen(DiscountsPage::kinds(), &self.kind)),
            ("Value", self.amount.clone()),
            ("Least value of the order", self.minimum.clone()),
            ("Uses in all", self.total_uses.clone()),
            ("Uses per customer", self.uses_per_customer.clone()),
            ("Not together with other coupons", ticked(self.individual_use)),
            ("Not for what is on sale", ticked(self.exclude_sale_items)),
            ("With free shipping", ticked(self.free_shipping)),
        ])
    }
}

impl DiscountsForm {
    fn of(store: &Store) -> Self {
        let form = Self::unversioned(store);
        Self { version: Version::of(&form), ..form }
    }

    fn unversioned(store: &Store) -> Self {
        let rules = store.discount_rules.as_ref().and_then(Rules::from_json);
        let creates_codes = if store.creates_codes { "yes" } else { "no" }.to_owned();
        let Some(rules) = rules else {
            return Self { creates_codes, kind: "percent".to_owned(), ..Self::default() };
        };
        let (kind, amount) = match rules.takeoff {
            DiscountAmount::Percent { rate } => ("percent", rate.number()),
            DiscountAmount::Cart { minor } => ("cart", format_plain(minor, rules.currency)),
            DiscountAmount::Product { minor } => ("product", format_plain(minor, rules.currency)),
        };
        let written = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        let minimum = rules.minimum_minor.map(|minor| format_plain(minor, rules.currency));
        Self {
            creates_codes,
            kind: kind.to_owned(),
            amount,
            minimum: minimum.unwrap_or_default(),
            total_uses: written(rules.total_uses),
            uses_per_customer: written(rules.uses_per_customer),
            individual_use: rules.individual_use,
            exclude_sale_items: rules.exclude_sale_items,
            free_shipping: rules.free_shipping,
            preview: String::new(),
            version: Version::default(),
        }
    }

    /// Whether codes are to be created that get amounts of money.
    fn creates_amounts(&self) -> bool {
        let has_amounts = self.kind != "percent" || !self.minimum.trim().is_empty();
        self.creates_codes == "yes" && has_amounts
    }

    /// Whether nothing was ever set, and nothing is.
    fn is_left_empty(&self) -> bool {
        self.creates_codes != "yes" && self.amount.trim().is_empty()
    }

    fn check(&self, currency: Currency, errors: &mut FormErrors) -> Option<Rules> {
        let takeoff = self.takeoff(currency).map_err(|words| errors.add("amount", words));
        let minimum_minor = match self.minimum.trim() {
            "" => Ok(None),
            typed => money(typed, currency).map(Some),
        };
        let minimum_minor = minimum_minor.map_err(|words| errors.add("minimum", words));
        let mut uses = |field: &str, typed: &str| match typed.trim() {
            "" => Some(None),
            typed => match typed.parse::<u32>() {
                Ok(number) if (1..=1_000_000).contains(&number) => Some(Some(number)),
                _ => {
                    errors.add(field, "Enter a whole number from 1 on, or leave it empty.");
                    None
                }
            },
        };
        let total_uses = uses("total_uses", &self.total_uses);
        let uses_per_customer = uses("uses_per_customer", &self.uses_per_customer);
        Some(Rules {
            takeoff: takeoff.ok()?,
            currency,
            minimum_minor: minimum_minor.ok()?,
            total_uses: total_uses?,
            uses_per_customer: uses_per_customer?,
            individual_use: self.individual_use,
            exclude_sale_items: self.exclude_sale_items,
            free_shipping: self.free_shipping,
        })
    }

    fn takeoff(&self, currency: Currency) -> Result<DiscountAmount, String> {
        if self.kind == "percent" {
            return match Rate::parse_discount(&self.amount) {
                Ok(rate) => Ok(DiscountAmount::Percent { rate }),
                Err(error) => Err(error.to_string()),
            };
        }
        let minor = money(&self.amount, currency)?;
        match self.kind.as_str() {
            "product" => Ok(DiscountAmount::Product { minor }),
            _ => Ok(DiscountAmount::Cart { minor }),
        }
    }
}

fn money(typed: &str, currency: Currency) -> Result<i64, String> {
    let minor = parse_decimal(typed, currency).ok();
    minor.filter(|minor| (1..=100_000_000_000).contains(minor)).ok_or_else(|| {
        format!(
            "Enter an amount of {currency} above 0, for example {}.",
            format_plain(1500, currency)
        )
    })
}

#[derive(Template)]
#[template(path = "settings/woocommerce_discounts.html")]
struct DiscountsPage {
    page: MerchantPage,
    store: Store,
    /// What a shopper gets by what is typed, or what is missing to say it.
    sentence: Result<String, FormErrors>,
    form: DiscountsForm,
    errors: FormErrors,
}

impl DiscountsPage {
    /// Where the preview asks while one types; nowhere for who only looks.
    fn live_url(&self) -> String {
        if !self.page.may_write() {
            return String::new();
        }
        urls::discounts(Platform::Woocommerce, self.store.id)
    }

    fn choices() -> [(&'static str, &'static str); 2] {
        [("yes", "Yes: new coupon codes are created in this store"), ("no", "No")]
    }

    fn kinds() -> [(&'static str, &'static str); 3] {
        [
            ("percent", "Percentage off"),
            ("cart", "Amount off the order"),
            ("product", "Amount off each item"),
        ]
    }
}

/// `GET /settings/woocommerce/{store_id}/discounts`
pub async fn discounts(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Woocommerce, *store_id).await?;
    let sentence = rules_of(&store).map(|rules| rules.sentence()).ok_or_else(FormErrors::new);
    let form = DiscountsForm::of(&store);
    ok(&DiscountsPage { page, store, sentence, form, errors: FormErrors::new() })
}

/// `POST /settings/woocommerce/{store_id}/discounts`
pub async fn set_discounts(
    db: Data<Db>,
    config: Data<Config>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<DiscountsForm>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Woocommerce, *store_id).await?;
    let mut errors = FormErrors::new();
    let currency = currency_for(&calls, &db, &config, &page, &store, &form, &mut errors).await?;
    let rules = currency
        .filter(|_| !form.is_left_empty())
        .and_then(|currency| form.check(currency, &mut errors));
    let sentence = rules.as_ref().map(Rules::sentence).ok_or_else(|| errors.clone());
    if !form.preview.is_empty() {
        let errors = FormErrors::new();
        return ok(&DiscountsPage { page, store, sentence, form, errors });
    }
    if !errors.is_empty() {
        return rejected(&DiscountsPage { page, store, sentence, form, errors });
    }
    let (actor, creates_codes) = (page.actor(), form.creates_codes == "yes");
    db.merchant(page.merchant_id(), move |conn| -> AppResult<()> {
        let record = connected::record(&store, "store.discount_rules_set");
        form.check_version(conn, record, |conn| {
            let found =
                Store::find_connected(conn, store.merchant_id, Platform::Woocommerce, store.id);
            found.map(|store| DiscountsForm::of(&store))
        })?;
        let json = rules.map(|rules| rules.to_json());
        let json = json.or_else(|| store.discount_rules.clone());
        Ok(stores::set_discount_rules(conn, &actor, &store, creates_codes, json.as_ref())?)
    })
    .await?;
    page.done(match sentence {
        Ok(gets) if creates_codes => {
            format!("Saved. Codes that you add from now on are created in the store: {gets}")
        }
        _ => "Saved. No codes are created in the store.".to_owned(),
    })?;
    Ok(see_other(HERE))
}

fn rules_of(store: &Store) -> Option<Rules> {
    store.discount_rules.as_ref().and_then(Rules::from_json)
}

/// What amounts are meant in: the store's own currency, which it is asked for before they are saved.
/// `None` leaves the reason in `errors`.
async fn currency_for(
    calls: &StoreCalls,
    db: &Data<Db>,
    config: &Data<Config>,
    page: &MerchantPage,
    store: &Store,
    form: &DiscountsForm,
    errors: &mut FormErrors,
) -> AppResult<Option<Currency>> {
    let known = rules_of(store);
    let usual = known.as_ref().map_or(page.merchant().currency, |rules| rules.currency);
    if !form.preview.is_empty() || !form.creates_amounts() {
        return Ok(Some(usual));
    }
    let call = calls.begin(store.merchant_id)?;
    match currency_of(call, db, config, store.clone()).await? {
        Ok(theirs) => Ok(Some(theirs.unwrap_or(usual))),
        // It was asked when these were saved, and is asked again before a code is made.
        Err(_) if known.is_some_and(|rules| rules.has_amounts()) => Ok(Some(usual)),
        Err(error) => {
            let words = format!(
                "The store could not be asked for its currency: {error} Try again in a minute, or \
                 take a percentage without a least value of the order."
            );
            errors.add("amount", words);
            Ok(None)
        }
    }
}
