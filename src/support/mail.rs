use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

use crate::clock;
use crate::config::Config;
use crate::db::{Db, Scope};
use crate::error::AppResult;
use crate::mail::{self, LetterRow, State};
use crate::secrets::Sealer;
use crate::web::form::CsrfForm;
use crate::web::page::{FlashKind, PersonPage};
use crate::web::paginate::{Cursor, Listing};
use crate::web::when::When;
use crate::web::{ok, see_other};

const HERE: &str = "/support/mail";

/// Where the list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MailQuery {
    after: String,
    before: String,
}

/// A form with nothing but its button.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

#[derive(Template)]
#[template(path = "support/mail.html")]
struct MailPage {
    page: PersonPage,
    /// The mail server, if there is one.
    server: Option<String>,
    rows: Listing<LetterRow>,
}

impl MailPage {
    fn when(at: &chrono::DateTime<chrono::Utc>) -> When {
        When::new(*at, Tz::UTC)
    }

    fn first(&self) -> &'static str {
        if self.rows.previous.is_some() { HERE } else { "" }
    }

    fn previous(&self) -> String {
        self.rows.previous.as_ref().map_or_else(String::new, |key| format!("{HERE}?before={key}"))
    }

    fn next(&self) -> String {
        self.rows.next.as_ref().map_or_else(String::new, |key| format!("{HERE}?after={key}"))
    }
}

/// `GET /support/mail`: what was posted. The words of letters, and with them the links that let
/// people in, are shown only where no mail server takes them.
pub async fn index(
    db: Data<Db>,
    config: Data<Config>,
    sealer: Data<Sealer>,
    page: PersonPage,
    query: Query<MailQuery>,
) -> AppResult<HttpResponse> {
    let server = config.smtp.as_ref().map(|smtp| smtp.host.clone());
    let is_shown = server.is_none();
    let rows = db
        .run(Scope::Support, move |conn| {
            let cursor = Cursor::read(&query.after, &query.before);
            let reveal = is_shown.then_some((&**sealer, config.public_url.as_str()));
            mail::letters(conn, &cursor, reveal)
        })
        .await?;
    ok(&MailPage { page, server, rows })
}

/// `POST /support/mail/{letter_id}/retry`
pub async fn retry(
    db: Data<Db>,
    page: PersonPage,
    letter_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    db.run(Scope::Installation, move |conn| mail::retry(conn, *letter_id, clock::now())).await?;
    page.leave(FlashKind::Success, "The letter is tried again within seconds.")?;
    Ok(see_other(HERE))
}
