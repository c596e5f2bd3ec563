use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::attribution::{CalculationLogic, NegativeFees, OrdersCountWhen, Precedence};

use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::merchants::{DatedRules, change_rules, rules_history};
use crate::kit::audit::SubjectKind;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::{Edits, Labeled, Record, Version, chosen, ticked};
use crate::kit::web::{ok, rejected, see_other};

/// The maximum of earlier rules on the page.
const SHOWN: usize = 20;

/// An option that the request omits stays unchanged.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CalculationForm {
    precedence: String,
    orders_count_when: Option<String>,
    include_tax: bool,
    include_shipping: bool,
    gift_cards_earn: bool,
    tips_earn: bool,
    negative_fees: Option<String>,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    version: Version,
}

impl From<CalculationLogic> for CalculationForm {
    fn from(rules: CalculationLogic) -> Self {
        let form = Self {
            precedence: rules.precedence.as_str().into(),
            orders_count_when: Some(rules.orders_count_when.as_str().into()),
            include_tax: rules.include_tax,
            include_shipping: rules.include_shipping,
            gift_cards_earn: rules.gift_cards_earn,
            tips_earn: rules.tips_earn,
            negative_fees: Some(rules.negative_fees.as_str().into()),
            version: Version::default(),
        };
        Self { version: Version::of(&form), ..form }
    }
}

impl CalculationForm {
    fn check(&self, before: CalculationLogic) -> Result<CalculationLogic, FormErrors> {
        let precedence = Precedence::parse(&self.precedence);
        let count_when = match &self.orders_count_when {
            Some(name) => OrdersCountWhen::parse(name),
            None => Some(before.orders_count_when),
        };
        let negative_fees = match &self.negative_fees {
            Some(name) => NegativeFees::parse(name),
            None => Some(before.negative_fees),
        };
        let mut errors = FormErrors::new();
        if precedence.is_none() {
            errors.add("precedence", text::CHOOSE_PRECEDENCE);
        }
        if count_when.is_none() {
            errors.add("orders_count_when", text::CHOOSE_COUNT_WHEN);
        }
        if negative_fees.is_none() {
            errors.add("negative_fees", text::CHOOSE_NEGATIVE_FEES);
        }
        match (precedence, count_when, negative_fees) {
            (Some(precedence), Some(orders_count_when), Some(negative_fees)) => {
                Ok(CalculationLogic {
                    precedence,
                    include_tax: self.include_tax,
                    include_shipping: self.include_shipping,
                    orders_count_when,
                    gift_cards_earn: self.gift_cards_earn,
                    tips_earn: self.tips_earn,
                    negative_fees,
                    ..CalculationLogic::default()
                })
            }
            _ => Err(errors),
        }
    }
}

impl Edits for CalculationForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        let negative_fees = self.negative_fees.as_deref().unwrap_or_default();
        let count_when = self.orders_count_when.as_deref().unwrap_or_default();
        Ok(vec![
            (
                "If an order has codes from several affiliates, credit",
                chosen(precedences(), &self.precedence),
            ),
            ("Count orders", chosen(times_to_count(), count_when)),
            ("Tax", ticked(self.include_tax)),
            ("Shipping", ticked(self.include_shipping)),
            ("Gift card purchases", ticked(self.gift_cards_earn)),
            ("Tips", ticked(self.tips_earn)),
            (
                "Treat a negative fee on a WooCommerce order as",
                chosen(kinds_of_negative_fee(), negative_fees),
            ),
        ])
    }
}

fn precedences() -> impl Iterator<Item = (&'static str, &'static str)> {
    Precedence::ALL.iter().map(|rule| (rule.as_str(), rule.label()))
}

fn times_to_count() -> impl Iterator<Item = (&'static str, &'static str)> {
    OrdersCountWhen::ALL.iter().map(|when| (when.as_str(), when.label()))
}

fn kinds_of_negative_fee() -> impl Iterator<Item = (&'static str, &'static str)> {
    NegativeFees::ALL.iter().map(|kind| (kind.as_str(), kind.label()))
}

#[derive(Template)]
#[template(path = "settings/calculation.html")]
struct CalculationPage {
    page: MerchantPage,
    history: Vec<DatedRules>,
    form: CalculationForm,
    errors: FormErrors,
}

impl CalculationPage {
    /// `None` for the rules that a program starts with.
    fn since(&self, dated: &DatedRules) -> Option<DisplayTime> {
        (dated.valid_from > DateTime::<Utc>::UNIX_EPOCH)
            .then(|| DisplayTime::new(dated.valid_from, self.page.merchant().calendar()))
    }
}

/// `GET /settings/calculation`
pub(crate) async fn show(db: Data<Db>, page: MerchantPage) -> AppResult<HttpResponse> {
    let history = history(&db, &page).await?;
    let form = current(&history).into();
    ok(&CalculationPage { page, history, form, errors: FormErrors::new() })
}

/// `POST /settings/calculation`
pub(crate) async fn update(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<CalculationForm>,
) -> AppResult<HttpResponse> {
    let history = history(&db, &page).await?;
    let rules = match form.check(current(&history)) {
        Ok(rules) => rules,
        Err(errors) => return rejected(&CalculationPage { page, history, form, errors }),
    };
    let actor = page.actor();
    db.merchant(page.merchant_id(), move |conn| {
        let id = actor.merchant_id;
        let action = Some("calculation.changed");
        let record = Record { merchant_id: id, kind: SubjectKind::Merchant, id: Some(id), action };
        form.check_version(conn, record, |conn| {
            Ok(CalculationForm::from(current(&rules_history(conn, id, 1)?)))
        })?;
        AppResult::Ok(change_rules(conn, &actor, rules)?)
    })
    .await?;
    page.done(text::CALCULATION_SAVED)?;
    Ok(see_other("/settings/calculation"))
}

/// The active rules.
fn current(history: &[DatedRules]) -> CalculationLogic {
    history.first().map(|dated| dated.rules).unwrap_or_default()
}

async fn history(db: &Db, page: &MerchantPage) -> AppResult<Vec<DatedRules>> {
    let merchant_id = page.merchant_id();
    db.merchant(merchant_id, move |conn| -> QueryResult<_> {
        rules_history(conn, merchant_id, SHOWN)
    })
    .await
}
