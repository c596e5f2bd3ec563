use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use askama::Template;
use secrecy::ExposeSecret;
use serde::Deserialize;
use vouch_platforms::form::Typed;
use vouch_platforms::http::Http;
use vouch_platforms::settings::{
    CREATES_CODES, CheckedRules, NewRules, PlatformText, creates_codes,
};
use vouch_platforms::{FreshToken, Provider};

use super::discounts_form::{DiscountsView, EditedRules, stored};
use super::text;
use super::{find, record};
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{self, Store, StoreCalls, with_connection};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::CsrfForm;
use crate::kit::web::platform_path::OfStore;
use crate::kit::web::version::{Edits as _, Version};
use crate::kit::web::{ok, rejected, see_other};

#[derive(Template)]
#[template(path = "settings/stores/discounts.html")]
struct DiscountsPage {
    page: MerchantPage,
    store: Store,
    words: &'static PlatformText,
    discounts: DiscountsView,
}

impl DiscountsPage {
    fn lead(&self) -> String {
        self.words.discounts_lead.replace("{store}", &self.store.name)
    }

    fn back(&self) -> String {
        self.store.settings_url()
    }

    fn credentials_url(&self) -> String {
        urls::of_store(self.store.platform, self.store.id, "credentials")
    }

    fn creates(&self) -> bool {
        creates_codes(&self.discounts.rules.typed)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TypedDiscounts {
    /// Not empty if only the preview is requested.
    preview: String,
    /// The version that the form showed.
    version: Version,
    #[serde(flatten)]
    typed: Typed,
}

/// `GET /settings/{platform}/{store_id}/discounts`: the discount of codes that are created in the store.
pub(crate) async fn discounts(
    of: OfStore,
    db: Data<Db>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let store = find(&db, &page, of).await?;
    let discounts = DiscountsView::stored(&page, of.provider, &store);
    let words = of.provider.settings().words();
    ok(&DiscountsPage { page, store, words, discounts })
}

/// `POST /settings/{platform}/{store_id}/discounts`
pub(crate) async fn set_discounts(
    of: OfStore,
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<TypedDiscounts>,
) -> AppResult<HttpResponse> {
    let (store, settings) = (find(&db, &page, of).await?, of.provider.settings());
    let TypedDiscounts { preview, version, typed } = form;
    let parts = settings.discounts().parts(stored(&store, page.merchant().currency));
    let edited = EditedRules { typed, version, parts };
    let discounts = DiscountsView::new(&page, of.provider, &store, edited);
    let mut shown = DiscountsPage { page, store, words: settings.words(), discounts };
    if !preview.is_empty() {
        return ok(&shown);
    }
    if shown.creates() && !shown.store.has_credentials() {
        shown.discounts.errors.add(CREATES_CODES, text::NEEDS_CREDENTIALS);
    }
    let checked = check(of.provider, &shown, &calls, &config, &encryptor).await?;
    let (rules, errors) = match checked.rules {
        Ok(rules) => (rules, None),
        Err(errors) => (None, Some(errors)),
    };
    shown.discounts.errors.extend(errors.into_iter().flatten());
    if !shown.discounts.errors.is_empty() {
        return rejected(&shown);
    }
    let CheckedRules { trouble, token, .. } = checked;
    save(&db, &encryptor, of.provider, shown, (rules, trouble, token)).await
}

/// Parses the typed rules. If the store must check them, it's called on a thread where calls can block.
async fn check(
    provider: &'static dyn Provider,
    DiscountsPage { page, store, discounts, .. }: &DiscountsPage,
    calls: &StoreCalls,
    config: &Config,
    encryptor: &Data<Encryptor>,
) -> AppResult<CheckedRules> {
    let (form, currency) = (provider.settings().discounts(), page.merchant().currency);
    let (typed, store) = (discounts.rules.typed.clone(), store.clone());
    let is_refused = !discounts.errors.is_empty() || discounts.has_unknown_choice;
    if is_refused || !form.asks_store(&typed, stored(&store, currency)) {
        return Ok(CheckedRules { rules: discounts.parsed.clone(), trouble: None, token: None });
    }
    let call = calls.begin(store.merchant_id)?;
    let (http, encryptor) = (Http::new(config.local_stores), encryptor.clone());
    let ask = move || {
        with_connection(&store, &encryptor, &http, clock::now(), |connection| {
            form.check(connection, &typed, stored(&store, currency))
        })
    };
    call.run(ask).await
}

/// Saves the rules, and the access token if the check got a new one. The message contains the customer's
/// discount.
async fn save(
    db: &Db,
    encryptor: &Data<Encryptor>,
    provider: &'static dyn Provider,
    shown: DiscountsPage,
    (rules, trouble, token): (Option<NewRules>, Option<String>, Option<FreshToken>),
) -> AppResult<HttpResponse> {
    let (creates, back, currency) = (shown.creates(), shown.back(), shown.page.merchant().currency);
    let DiscountsPage { page, store, discounts, .. } = shown;
    let (actor, encryptor, name) = (page.actor(), encryptor.clone(), store.name.clone());
    let (json, sentence) = match rules {
        Some(NewRules { json, sentence }) => (Some(json), sentence),
        None => (store.discount_rules.clone(), String::new()),
    };
    db.merchant(page.merchant_id(), move |conn| {
        let (merchant_id, platform, id) = (store.merchant_id, store.platform, store.id);
        let record = record(&store, "store.discount_rules_set");
        discounts.rules.check_version(conn, record, |conn| {
            let store = Store::find_connected(conn, merchant_id, platform, id)?;
            Ok(EditedRules::stored(provider, &store, currency))
        })?;
        if let Some(FreshToken { token, expires_at }) = &token {
            let token = token.expose_secret().as_bytes();
            stores::keep_access_token(conn, &encryptor, &store, token, *expires_at)?;
        }
        AppResult::Ok(stores::set_discount_rules(conn, &actor, &store, creates, json.as_ref())?)
    })
    .await?;
    match (creates, trouble) {
        (false, _) => page.done(text::creation_off(&name))?,
        (true, None) => page.done(text::discount_saved(&sentence))?,
        (true, Some(trouble)) => {
            page.leave(FlashKind::Warning, text::discount_unchecked(&trouble))?
        }
    }
    Ok(see_other(&back))
}

/// `GET` on the former path of a platform's discount rules, before all platforms had the same path.
pub(crate) async fn moved_discounts(
    of: OfStore,
    db: Data<Db>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let store = find(&db, &page, of).await?;
    let location = urls::of_store(store.platform, store.id, "discounts");
    Ok(HttpResponse::MovedPermanently().insert_header((LOCATION, location)).finish())
}
