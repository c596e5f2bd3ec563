use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

use super::text;
use crate::features::api::keys::{self, ApiKey, ApiScope, NewKey};
use crate::features::auth::pages::MerchantPage;
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::security::{self, Kind};
use crate::kit::session::Role;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::idempotency::AnswerAt;
use crate::kit::web::{ok, rejected, see_other};

/// The maximum length of a key's name, in characters.
const NAME_LENGTH: usize = 100;

/// The choices of expiry in days, with labels. "" is no expiry.
const EXPIRIES: [(&str, &str); 4] =
    [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In 1 year")];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct KeyForm {
    name: String,
    scopes: Vec<String>,
    expires_in: String,
}

impl KeyForm {
    /// The form before any input. It has all scopes and no expiry.
    fn blank() -> Self {
        let scopes = ApiScope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect();
        Self { scopes, ..Self::default() }
    }

    fn has(&self, scope: ApiScope) -> bool {
        self.scopes.iter().any(|name| name == scope.as_str())
    }

    /// The new key, or all errors.
    fn read(&self, now: DateTime<Utc>) -> Result<NewKey, FormErrors> {
        let mut errors = FormErrors::new();
        if self.name.trim().chars().count() > NAME_LENGTH {
            errors.add("name", text::key_name_too_long(NAME_LENGTH));
        } else {
            let missing = text::ENTER_KEY_NAME;
            errors.check_name("name", &self.name, missing);
        }
        let scopes: Vec<ApiScope> =
            ApiScope::ALL.iter().copied().filter(|scope| self.has(*scope)).collect();
        if scopes.is_empty() || self.scopes.iter().any(|name| ApiScope::parse(name).is_none()) {
            errors.add("scopes", text::CHOOSE_PERMISSION);
        }
        let is_offered = EXPIRIES.iter().any(|(days, _)| *days == self.expires_in);
        if !is_offered {
            errors.add("expires_in", text::CHOOSE_EXPIRY);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let expires_at = self.expires_in.parse().ok().map(|days| now + Duration::days(days));
        Ok(NewKey { name: self.name.trim().to_owned(), scopes, expires_at })
    }
}

#[derive(Template)]
#[template(path = "settings/api.html")]
struct ApiPage {
    page: MerchantPage,
    keys: Vec<ApiKey>,
    /// A new key. It's shown on this page and never again.
    made: Option<String>,
    public_url: String,
    form: KeyForm,
    errors: FormErrors,
    now: DateTime<Utc>,
}

impl ApiPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn is_owner(&self) -> bool {
        self.page.member_context.role.covers(Role::Owner)
    }

    fn scopes(&self) -> Vec<(&'static str, &'static str, bool)> {
        let choice = |scope: &ApiScope| (scope.as_str(), scope.label(), self.form.has(*scope));
        ApiScope::ALL.iter().map(choice).collect()
    }

    fn expiries() -> [(&'static str, &'static str); 4] {
        EXPIRIES
    }

    fn has_expired(&self, key: &ApiKey) -> bool {
        key.expires_at.is_some_and(|at| at <= self.now)
    }

    /// The labels of a key's scopes, as one text.
    fn may(key: &ApiKey) -> String {
        let labels = key.scopes.iter().map(|scope| scope.label());
        let all = labels.collect::<Vec<_>>().join(", ").to_lowercase();
        all.get(..1).unwrap_or_default().to_uppercase() + all.get(1..).unwrap_or_default()
    }
}

async fn shown(
    db: &Db,
    config: &Config,
    page: MerchantPage,
    form: KeyForm,
    errors: FormErrors,
) -> AppResult<ApiPage> {
    let merchant_id = page.merchant_id();
    let keys = db.merchant(merchant_id, move |conn| keys::list(conn, merchant_id)).await?;
    let (public_url, now) = (config.public_url.clone(), clock::now());
    Ok(ApiPage { page, keys, made: None, public_url, form, errors, now })
}

/// `GET /settings/api`
pub(crate) async fn show(
    db: Data<Db>,
    config: Data<Config>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    ok(&shown(&db, &config, page, KeyForm::blank(), FormErrors::new()).await?)
}

/// `POST /settings/api/keys`: the response contains the key. A redirect would have to store it.
pub(crate) async fn create(
    db: Data<Db>,
    config: Data<Config>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<KeyForm>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let new = match form.read(actor.now) {
        Ok(new) => new,
        Err(errors) => return rejected(&shown(&db, &config, page, form, errors).await?),
    };
    let key = db.merchant(page.merchant_id(), move |conn| keys::create(conn, &actor, &new)).await?;
    security::note(Kind::ApiKeyCreated);
    let shown = shown(&db, &config, page, KeyForm::blank(), FormErrors::new()).await?;
    let mut answer = ok(&ApiPage { made: Some(key), ..shown })?;
    answer.extensions_mut().insert(AnswerAt("/settings/api"));
    Ok(answer)
}

/// `POST /settings/api/keys/{key_id}/revocation`
pub(crate) async fn revoke(
    db: Data<Db>,
    page: MerchantPage,
    key_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, key_id) = (page.actor(), *key_id);
    db.merchant(page.merchant_id(), move |conn| keys::revoke(conn, &actor, key_id)).await?;
    security::note(Kind::ApiKeyRevoked.about("API key", key_id));
    page.done(text::KEY_REVOKED)?;
    Ok(see_other("/settings/api"))
}
