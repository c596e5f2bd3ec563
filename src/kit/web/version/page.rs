use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest};
use askama::Template;
use url::form_urlencoded;

use super::{FIELD, Version};
use crate::kit::error::{StoredVersion, VersionRow};
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::secret_fields::is_secret;

/// A form as it was sent. The form extractor attaches it to the request if it has a version.
#[derive(Clone, Debug)]
pub(in crate::kit::web) struct SentForm(Vec<(String, String)>);

impl SentForm {
    pub(in crate::kit::web) fn of(body: &[u8]) -> Option<Self> {
        let fields = form_urlencoded::parse(body).into_owned();
        let fields: Vec<(String, String)> = fields.filter(|(name, _)| !is_secret(name)).collect();
        let has_version = fields.iter().any(|(name, value)| name == FIELD && !value.is_empty());
        has_version.then_some(Self(fields))
    }
}

/// The page that shows both versions.
#[derive(Template)]
#[template(path = "conflict.html")]
struct ConflictPage<'a> {
    action: String,
    /// The page with the form, to continue with the stored version.
    back: String,
    by: Option<Saved<'a>>,
    rows: &'a [VersionRow],
    /// The input to send again, without the version.
    typed: Vec<&'a (String, String)>,
    version: Version,
}

/// The user who saved the stored version, and when.
struct Saved<'a> {
    name: &'a str,
    when: DisplayTime,
    zone: &'a str,
}

/// The page with both versions, for the rejected request.
pub(crate) fn conflict_page(req: &HttpRequest, stored: &StoredVersion) -> Option<String> {
    let extensions = req.extensions();
    let SentForm(sent) = extensions.get()?;
    let page = ConflictPage {
        action: req.uri().path_and_query().map_or("/", |action| action.as_str()).to_owned(),
        back: back_of(req),
        by: stored.by.as_ref().map(|by| Saved {
            name: &by.name,
            when: DisplayTime::new(by.at, by.calendar),
            zone: by.calendar.zone.name(),
        }),
        rows: &stored.rows,
        typed: sent.iter().filter(|(name, _)| name != FIELD).collect(),
        version: Version(stored.version.clone()),
    };
    page.render().ok()
}

/// The page that contained the form.
fn back_of(req: &HttpRequest) -> String {
    let referer = req.headers().get(header::REFERER).and_then(|value| value.to_str().ok());
    let page = referer.and_then(|referer| url::Url::parse(referer).ok());
    page.map_or_else(|| req.path().to_owned(), |page| page.path().to_owned())
}
