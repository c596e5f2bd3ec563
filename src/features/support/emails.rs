use std::collections::HashSet;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use diesel::QueryResult;

use crate::features::accounts::{self, AccessChange};
use crate::features::auth::pages::PersonPage;
use crate::features::emails::{self, EmailRow, EmailState, RevealedEmail};
use crate::features::support::acts;
use crate::features::support::readable_emails::{Email, readable};
use crate::features::support::text;
use crate::kit::config::Config;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::lists::{ListPage, Params};
use crate::kit::secrets::Encryptor;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::numbers::counted;
use crate::kit::web::{ok, see_other};

const HERE: &str = "/support/emails";

#[derive(Template)]
#[template(path = "support/emails.html")]
struct EmailsPage {
    page: PersonPage,
    /// The mail server, if there is one.
    server: Option<String>,
    list: ListPage<EmailRow>,
    /// The emails whose text support staff can read.
    readable: HashSet<i64>,
    /// How long emails stay in the list.
    days: String,
}

impl EmailsPage {
    /// Whether its text can be shown: it's pending, and there's no mail server to send it.
    fn waits(&self, row: &EmailRow) -> bool {
        self.server.is_none() && matches!(row.state, EmailState::Waits(_))
    }

    fn is_readable(&self, row: &EmailRow) -> bool {
        self.readable.contains(&row.id)
    }
}

#[derive(Template)]
#[template(path = "support/email.html")]
struct EmailPage {
    page: PersonPage,
    email: RevealedEmail,
}

/// `GET /support/emails`: recipients, subjects and states, without any text.
pub(crate) async fn index(
    db: Data<Db>,
    config: Data<Config>,
    page: PersonPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let server = config.smtp.as_ref().map(|smtp| smtp.host.clone());
    let mut address = params.into_inner().at(HERE);
    let range = address.page(emails::NEWEST);
    let (listing, readable) = db
        .run(Scope::Support, move |conn| {
            let listing = emails::emails(conn, &range)?;
            let shown: Vec<Email<'_>> = listing.rows.iter().map(Email::from).collect();
            let readable = readable(conn, &shown)?;
            QueryResult::Ok((listing, readable))
        })
        .await?;
    let list = ListPage::new(address, listing, None);
    let days = counted(config.keep.emails_days, "day", "days");
    ok(&EmailsPage { page, server, list, readable, days })
}

/// `POST /support/emails/{email_id}/disclosure`: shows one pending email, and records that in the
/// audit log of its merchant. With a mail server, or if the email isn't for support staff, nothing
/// is shown.
pub(crate) async fn disclose(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    page: PersonPage,
    email_id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    if config.smtp.is_some() {
        return Err(AppError::NotFound);
    }
    let by = AccessChange::support(&page.support_actor(0), "");
    let email = db
        .run(Scope::Instance, move |conn| -> AppResult<RevealedEmail> {
            let found = emails::reveal(conn, *email_id, &encryptor, &config.public_url)?;
            let email = found.ok_or(AppError::NotFound)?;
            if readable(conn, &[Email::from(&email)])?.is_empty() {
                return Err(AppError::Forbidden);
            }
            accounts::note_revealed(conn, &by, &email)?;
            Ok(email)
        })
        .await?;
    ok(&EmailPage { page, email })
}

/// `POST /support/emails/{email_id}/retry`
pub(crate) async fn retry(
    db: Data<Db>,
    page: PersonPage,
    email_id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (by, id) = (page.support_actor(0), *email_id);
    db.run(Scope::Instance, move |conn| acts::retry_email(conn, &by, id)).await?;
    page.leave(FlashKind::Success, text::email_retried(id))?;
    Ok(see_other(HERE))
}
