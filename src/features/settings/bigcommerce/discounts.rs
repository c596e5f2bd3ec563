use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use diesel::prelude::*;
use vouch_core::platform::Platform;

use super::discounts_form::{DiscountsForm, rules_of};
use super::of_store;
use super::page::Shop;
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::connected;
use crate::features::stores::{self, Store};
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::Edits as _;
use crate::kit::web::{ok, rejected, see_other};

/// `POST /settings/bigcommerce/{store_id}/discounts`: BigCommerce Discount Code Creation.
pub async fn set_discounts(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<DiscountsForm>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Bigcommerce, *store_id).await?;
    let store_id = store.id;
    let shop = Shop { db, config, encryptor };
    if !form.preview.is_empty() {
        let typed = Some((form, FormErrors::new()));
        return ok(&shop.page(page, Some(store_id), typed).await?);
    }
    let (creates_codes, rules) = match form.parse() {
        Ok(parsed) => parsed,
        Err(errors) => {
            return rejected(&shop.page(page, Some(store_id), Some((form, errors))).await?);
        }
    };
    let (actor, sentence) = (page.actor(), rules.sentence());
    let keep = move |conn: &mut PgConnection| -> AppResult<()> {
        let record = connected::record(&store, "store.discount_rules_set");
        form.check_version(conn, record, |conn| {
            let (merchant_id, id) = (store.merchant_id, store.id);
            let store = Store::find_connected(conn, merchant_id, Platform::Bigcommerce, id)?;
            Ok(DiscountsForm::of(store.creates_codes, &rules_of(&store)))
        })?;
        let json = serde_json::to_value(&rules).expect("plain structs always serialise");
        Ok(stores::set_discount_rules(conn, &actor, &store, creates_codes, Some(&json))?)
    };
    shop.db.merchant(page.merchant_id(), keep).await?;
    page.done(match creates_codes {
        true => format!("Saved. Every new code is created in the store: {sentence}"),
        false => "Saved. New codes are not created in the store.".to_owned(),
    })?;
    Ok(see_other(&of_store(store_id)))
}
