use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use secrecy::ExposeSecret;
use vouch_core::money::Currency;
use vouch_core::platform::Platform;
use vouch_platforms::http::Http;
use vouch_platforms::shopify::{Item, Items, Reference, Rules, Shopify, Target};
use vouch_platforms::{CallError, Client, FreshToken};

use super::HERE;
use super::discounts_form::{DISCOUNT_AMOUNTS, DiscountsForm, ITEMS, MINIMUMS, PURCHASES, YES_NO};
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::connected;
use crate::features::stores::{self, Store, StoreCall, StoreCalls, open_shopify};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::Edits as _;
use crate::kit::web::{ok, rejected, see_other};

/// So long the store is asked for products and collections; what is left is taken as typed.
const TIMEOUT: Duration = Duration::from_secs(7);

#[derive(Template)]
#[template(path = "settings/shopify_discounts.html")]
struct DiscountsPage {
    page: MerchantPage,
    store: Store,
    /// The store's, as far as it is known.
    currency: Currency,
    form: DiscountsForm,
    /// What a shopper gets; or what is missing before that can be said.
    sentence: Result<String, FormErrors>,
    /// The products or collections, as the store calls them.
    titles: String,
    errors: FormErrors,
}

impl DiscountsPage {
    /// The end of the hint.
    fn named(&self) -> String {
        if self.titles.is_empty() { String::new() } else { format!(" Now: {}.", self.titles) }
    }

    fn new(page: MerchantPage, store: Store, form: DiscountsForm) -> Self {
        let known = rules_of(&store);
        let of_merchant = page.merchant().currency;
        let currency = known.as_ref().map_or(of_merchant, |rules| rules.currency);
        let named = items_of(known.as_ref()).iter().map(|item| item.title.as_str());
        let titles = named.filter(|title| !title.is_empty()).collect::<Vec<_>>().join(", ");
        let (sentence, errors) = (preview(&form, currency, known.as_ref()), FormErrors::new());
        Self { page, store, currency, form, sentence, titles, errors }
    }

    /// Where the preview asks while one types; nowhere for who only looks.
    fn live_url(&self) -> String {
        if !self.page.may_write() {
            return String::new();
        }
        urls::discounts(Platform::Shopify, self.store.id)
    }

    /// The rules as typed, in the store's own currency; `None` leaves the reasons in `errors`.
    fn rules(&mut self, answer: &mut Answer) -> Option<Rules> {
        let known = rules_of(&self.store).map(|rules| rules.currency);
        let currency = answer.currency.or(known);
        if currency.is_none() && self.form.needs_money() {
            self.errors.add(
                "",
                "The store does not answer, so its currency is not known yet. Try again in a minute, or take a percentage.",
            );
        }
        for words in answer.unknown.drain(..) {
            self.errors.add("item_list", words);
        }
        let items = std::mem::take(&mut answer.items);
        self.form.rules(currency.unwrap_or(self.currency), items, &mut self.errors)
    }
}

fn rules_of(store: &Store) -> Option<Rules> {
    Rules::from_json(store.discount_rules.as_ref()?)
}

fn items_of(rules: Option<&Rules>) -> &[Item] {
    match rules.map(|rules| &rules.items) {
        Some(Items::Collections(items) | Items::Products(items)) => items,
        _ => &[],
    }
}

fn known_item(rules: Option<&Rules>, id: u64) -> Item {
    let known = items_of(rules).iter().find(|item| item.id == id);
    known.cloned().unwrap_or(Item { id, title: String::new() })
}

/// What a shopper gets, from what was typed alone: the store is asked only when it is saved.
fn preview(
    form: &DiscountsForm,
    currency: Currency,
    known: Option<&Rules>,
) -> Result<String, FormErrors> {
    let mut errors = FormErrors::new();
    let typed = form.references(&mut errors);
    let items = typed.iter().map(|reference| match reference {
        Reference::Id(id) => known_item(known, *id),
        Reference::Handle(handle) => Item { id: 0, title: handle.clone() },
    });
    let rules = form.rules(currency, items.collect(), &mut errors);
    rules.map(|rules| rules.sentence()).ok_or(errors)
}

/// `GET /settings/shopify/{store_id}/discounts`
pub async fn discounts(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Shopify, *store_id).await?;
    let form = DiscountsForm::of_store(store.creates_codes, rules_of(&store).as_ref());
    ok(&DiscountsPage::new(page, store, form))
}

/// `POST /settings/shopify/{store_id}/discounts`
pub async fn set_discounts(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<DiscountsForm>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Shopify, *store_id).await?;
    let mut shown = DiscountsPage::new(page, store.clone(), form.clone());
    if !form.preview.is_empty() {
        return ok(&shown);
    }
    let references = form.references(&mut shown.errors);
    if form.creates() && !store.has_credentials() {
        shown.errors.add("creates", "Give Vouch API access to the store first.");
    }
    if !shown.errors.is_empty() {
        return rejected(&shown);
    }
    let call = calls.begin(store.merchant_id)?;
    let mut answer = ask(call, &config, &encryptor, store, form.target(), references).await?;
    let Some(rules) = shown.rules(&mut answer) else { return rejected(&shown) };
    keep(&db, &encryptor, shown, &rules, answer).await
}

/// Keeps the rules, and the access token if asking took a new one, and says what a shopper gets.
async fn keep(
    db: &Db,
    encryptor: &Data<Encryptor>,
    DiscountsPage { page, store, form, .. }: DiscountsPage,
    rules: &Rules,
    answer: Answer,
) -> AppResult<HttpResponse> {
    let (actor, encryptor, name) = (page.actor(), encryptor.clone(), store.name.clone());
    let (creates, json) = (form.creates(), serde_json::json!(rules));
    db.merchant(page.merchant_id(), move |conn| {
        let record = connected::record(&store, "store.discount_rules_set");
        form.check_version(conn, record, |conn| {
            let store =
                Store::find_connected(conn, store.merchant_id, Platform::Shopify, store.id)?;
            Ok(DiscountsForm::of_store(store.creates_codes, rules_of(&store).as_ref()))
        })?;
        if let Some(FreshToken { token, expires_at }) = &answer.token {
            let token = token.expose_secret().as_bytes();
            stores::keep_access_token(conn, &encryptor, &store, token, *expires_at)?;
        }
        AppResult::Ok(stores::set_discount_rules(conn, &actor, &store, creates, Some(&json))?)
    })
    .await?;
    match (creates, answer.trouble) {
        (false, _) => page.done(format!("Saved. Vouch creates no codes in {name}."))?,
        (true, None) => page.done(format!("Saved. {}", rules.sentence()))?,
        (true, Some(trouble)) => page.leave(
            FlashKind::Warning,
            format!("Saved, but not checked with the store. {trouble}"),
        )?,
    }
    Ok(see_other(HERE))
}

/// What the store said of what was typed.
#[derive(Default)]
struct Answer {
    currency: Option<Currency>,
    items: Vec<Item>,
    /// What it does not know, in words.
    unknown: Vec<String>,
    /// Why it could not be asked.
    trouble: Option<String>,
    token: Option<FreshToken>,
}

/// Asks the store, on a thread where calls may wait.
async fn ask(
    call: StoreCall,
    config: &Config,
    encryptor: &Data<Encryptor>,
    store: Store,
    target: Option<Target>,
    references: Vec<Reference>,
) -> AppResult<Answer> {
    let (http, encryptor) = (Http::new(config.local_stores), encryptor.clone());
    let asking = move || {
        let mut answer = Answer::default();
        let mut client = open_shopify(&store, &encryptor, &http, clock::now());
        let access = client.as_mut().map_err(|error| error.clone()).and_then(Client::access);
        match &access {
            Ok(access) => {
                let code = access.currency.as_deref().unwrap_or_default();
                answer.currency = Currency::from_code(code).ok();
            }
            Err(error) => answer.trouble = Some(error.to_string()),
        }
        let reached = client.as_mut().ok().filter(|_| access.is_ok());
        find_items(&mut answer, reached, target, &references, rules_of(&store).as_ref());
        answer.token = client.ok().and_then(|mut client| client.fresh_token());
        answer
    };
    call.run(asking).await
}

/// What the store cannot be asked for is taken as typed if it is a number.
fn find_items(
    answer: &mut Answer,
    mut client: Option<&mut Shopify>,
    target: Option<Target>,
    references: &[Reference],
    known: Option<&Rules>,
) {
    let Some(target) = target else { return };
    let begun = Instant::now();
    for reference in references {
        let reached = client.as_mut().filter(|_| begun.elapsed() < TIMEOUT);
        let found = reached.map(|client| client.find_item(target, reference));
        match (found, reference) {
            (Some(Ok(item)), _) if answer.items.iter().any(|held| held.id == item.id) => {}
            (Some(Ok(item)), _) => answer.items.push(item),
            (Some(Err(CallError::Refused(words))), _) => answer.unknown.push(words),
            (_, Reference::Id(id)) => answer.items.push(known_item(known, *id)),
            (Some(Err(CallError::Denied(words))), Reference::Handle(handle)) => answer
                .unknown
                .push(format!("“{handle}” cannot be looked up, so enter its number. {words}")),
            (_, Reference::Handle(handle)) => answer.unknown.push(format!(
                "The store does not answer, so “{handle}” cannot be looked up. Try again in a minute, or enter its number."
            )),
        }
    }
}
