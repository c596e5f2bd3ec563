use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::api::keys::{self, ApiKey};
use crate::auth::Role;
use crate::config::Config;
use crate::db::Db;
use crate::error::AppResult;
use crate::web::form::{CsrfForm, FormErrors, Nothing};
use crate::web::page::MerchantPage;
use crate::web::when::When;
use crate::web::{ok, rejected, see_other};

/// The most characters of a key's name.
const NAME_LENGTH: usize = 100;

/// What a new key is for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    name: String,
}

#[derive(Template)]
#[template(path = "settings/api.html")]
struct ApiPage {
    page: MerchantPage,
    keys: Vec<ApiKey>,
    /// A key that was just made: shown here and never again.
    made: Option<String>,
    public_url: String,
    form: KeyForm,
    errors: FormErrors,
}

impl ApiPage {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.page.merchant().tz())
    }

    fn is_owner(&self) -> bool {
        self.page.seat.role.covers(Role::Owner)
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
    Ok(ApiPage { page, keys, made: None, public_url: config.public_url.clone(), form, errors })
}

/// `GET /settings/api`
pub async fn show(
    db: Data<Db>,
    config: Data<Config>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    ok(&shown(&db, &config, page, KeyForm::default(), FormErrors::new()).await?)
}

/// `POST /settings/api/keys`: answers with the key itself, since a redirect would have to keep it
/// somewhere.
pub async fn create(
    db: Data<Db>,
    config: Data<Config>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<KeyForm>,
) -> AppResult<HttpResponse> {
    let name = form.name.trim().to_owned();
    let refusal = match name.chars().count() {
        0 => Some("Say what the key is for, for example the name of your store.".to_owned()),
        1..=NAME_LENGTH => None,
        _ => Some(format!("Use {NAME_LENGTH} characters at the most.")),
    };
    if let Some(refusal) = refusal {
        let errors = FormErrors::one("name", refusal);
        return rejected(&shown(&db, &config, page, form, errors).await?);
    }
    let actor = page.actor();
    let key =
        db.merchant(page.merchant_id(), move |conn| keys::create(conn, &actor, &name)).await?;
    let shown = shown(&db, &config, page, KeyForm::default(), FormErrors::new()).await?;
    ok(&ApiPage { made: Some(key), ..shown })
}

/// `POST /settings/api/keys/{key_id}/revocation`
pub async fn revoke(
    db: Data<Db>,
    page: MerchantPage,
    key_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    db.merchant(page.merchant_id(), move |conn| keys::revoke(conn, &actor, *key_id)).await?;
    page.done("Revoked the key. Whatever still uses it is refused from now on.")?;
    Ok(see_other("/settings/api"))
}
