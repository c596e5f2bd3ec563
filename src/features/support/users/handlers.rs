use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;

use super::model::{Membership, NEWEST, UserRow, UserState, name, users};
use crate::features::accounts::{self, AccessChange};
use crate::features::auth::pages::PersonPage;
use crate::features::support::handlers::{FeatureForm, ReasonForm, reason_error};
use crate::features::support::text;
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::lists::{ListPage, Params};
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

const HERE: &str = "/support/users";

#[derive(Template)]
#[template(path = "support/users.html")]
struct UsersPage {
    page: PersonPage,
    list: ListPage<UserRow>,
}

#[derive(Template)]
#[template(path = "support/user.html")]
struct UserPage {
    page: PersonPage,
    state: UserState,
    reason: String,
    errors: FormErrors,
}

impl UserPage {
    async fn read(db: &Db, page: PersonPage, user_id: i64) -> AppResult<Self> {
        let now = clock::now();
        let state = db.run(Scope::Support, move |conn| UserState::read(conn, user_id, now)).await?;
        Ok(Self { page, state, reason: String::new(), errors: FormErrors::new() })
    }

    fn is_oneself(&self) -> bool {
        self.state.user.id == self.page.person.id
    }

    /// The typed reason in the form of access. The page has two reasons.
    fn access_reason(&self) -> &str {
        if self.errors.of("reason").is_empty() { "" } else { &self.reason }
    }

    fn role(membership: &Membership) -> &'static str {
        membership.role.map_or("Affiliate", |role| role.label())
    }
}

/// `GET /support/users`
pub(crate) async fn index(
    db: Data<Db>,
    page: PersonPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(HERE);
    let (search, range) = (address.search(), address.page(NEWEST));
    let rows = db.run(Scope::Support, move |conn| users(conn, &search, &range)).await?;
    ok(&UsersPage { page, list: ListPage::new(address, rows, None) })
}

/// `GET /support/users/{user_id}`
pub(crate) async fn show(
    db: Data<Db>,
    page: PersonPage,
    user_id: Path<i64>,
) -> AppResult<HttpResponse> {
    ok(&UserPage::read(&db, page, *user_id).await?)
}

/// Why a change of a user's access is rejected.
fn refusal(page: &PersonPage, user_id: i64, reason: &str) -> Option<String> {
    if page.person.id == user_id {
        return Some(text::OWN_ACCESS.to_owned());
    }
    reason_error(reason)
}

async fn refused(
    db: &Db,
    page: PersonPage,
    user_id: i64,
    reason: String,
    (field, why): (&str, String),
) -> AppResult<HttpResponse> {
    let shown = UserPage::read(db, page, user_id).await?;
    rejected(&UserPage { reason, errors: FormErrors::one(field, why), ..shown })
}

/// `POST /support/users/{user_id}/access`: disables or enables a user.
pub(crate) async fn set_access(
    db: Data<Db>,
    page: PersonPage,
    user_id: Path<i64>,
    CsrfForm(form): CsrfForm<FeatureForm>,
) -> AppResult<HttpResponse> {
    let id = *user_id;
    if let Some(why) = refusal(&page, id, &form.reason) {
        return refused(&db, page, id, form.reason, ("reason", why)).await;
    }
    let (by, enabled) = (AccessChange::support(&page.support_actor(0), &form.reason), form.enabled);
    let (flash, words) = db
        .run(Scope::Instance, move |conn| {
            let user = name(conn, id)?;
            if enabled {
                return accounts::enable(conn, &by, id).map(|changed| match changed {
                    true => (FlashKind::Success, text::enabled(&user)),
                    false => (FlashKind::Info, text::not_disabled(&user)),
                });
            }
            accounts::disable(conn, &by, id).map(|ended| match ended {
                Some(ended) => (FlashKind::Success, text::disabled(&user, &ended.words())),
                None => (FlashKind::Info, text::already_disabled(&user)),
            })
        })
        .await?;
    page.leave(flash, words)?;
    Ok(see_other(&format!("{HERE}/{id}")))
}

/// `POST /support/users/{user_id}/support-rights/removal`
pub(crate) async fn remove_support(
    db: Data<Db>,
    page: PersonPage,
    user_id: Path<i64>,
    CsrfForm(form): CsrfForm<ReasonForm>,
) -> AppResult<HttpResponse> {
    let id = *user_id;
    if let Some(why) = refusal(&page, id, &form.reason) {
        return refused(&db, page, id, form.reason, ("rights_reason", why)).await;
    }
    let by = AccessChange::support(&page.support_actor(0), &form.reason);
    let removed =
        db.run(Scope::Instance, move |conn| accounts::remove_support(conn, &by, id)).await?;
    match removed {
        Some(ended) => page.leave(FlashKind::Success, text::support_removed(&ended.words()))?,
        None => page.leave(FlashKind::Info, text::NOT_SUPPORT)?,
    }
    Ok(see_other(&format!("{HERE}/{id}")))
}
