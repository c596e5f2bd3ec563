use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::features::audit::{Act, AuditEvent};
use crate::features::offers;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::{merchants, registration_settings};
use crate::kit::db::text_enum;

text_enum! {
    /// Whether applicants are asked for a coupon code of their own choice.
    #[derive(Default)]
    pub enum CodeRequirement {
        /// The form has no code field.
        No = "no", "Don’t ask for a code";
        /// The code is optional.
        Optional = "optional", "Optional";
        /// The code is required.
        #[default]
        Required = "required", "Required";
    }
}

text_enum! {
    /// The input of an additional field.
    #[derive(Default)]
    pub enum FieldKind {
        /// One line.
        #[default]
        Line = "line", "Single-line text";
        /// Several lines.
        Lines = "lines", "Multi-line text";
        /// A URL.
        Link = "link", "URL";
        /// A checkbox.
        Tick = "tick", "Checkbox";
    }
}

/// The maximum number of custom fields. No one fills in more.
pub(crate) const MAX_FIELDS: usize = 8;

/// A custom field of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    pub label: String,
    pub kind: FieldKind,
    /// Whether an answer is required.
    pub required: bool,
}

/// A merchant's settings for the application page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Whether anyone can apply now.
    pub is_open: bool,
    pub code_requirement: CodeRequirement,
    /// The offer for new applicants; `None` for the default one.
    pub offer_id: Option<i64>,
    /// Whether an application is approved once its email is confirmed.
    pub approves_automatically: bool,
    /// Shown above the form.
    pub intro: String,
    /// The terms that applicants must accept; empty for none.
    pub terms: String,
    /// Shown on the page after the email is confirmed.
    pub thanks: String,
    /// Custom fields.
    pub fields: Vec<CustomField>,
    /// Whether affiliates can request additional codes in the portal.
    pub allows_code_requests: bool,
}

/// The initial settings of a merchant: closed, with a required code.
impl Default for Registration {
    fn default() -> Self {
        Self {
            is_open: false,
            code_requirement: CodeRequirement::Required,
            offer_id: None,
            approves_automatically: false,
            intro: String::new(),
            terms: String::new(),
            thanks: String::new(),
            fields: Vec::new(),
            allows_code_requests: false,
        }
    }
}

impl Registration {
    /// The offer for a new applicant: the chosen one, or the default if that's archived meanwhile.
    /// Fails with `NotFound` if the merchant has no offer.
    pub(crate) fn offer_for(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<i64> {
        if let Some(offer_id) = self.offer_id
            && offers::is_open(conn, merchant_id, offer_id)?
        {
            return Ok(offer_id);
        }
        let first = offers::options(conn, merchant_id)?.into_iter().next();
        first.and_then(|(id, _)| id.parse().ok()).ok_or(diesel::result::Error::NotFound)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = registration_settings)]
struct Row {
    is_open: bool,
    code_requirement: CodeRequirement,
    offer_id: Option<i64>,
    approves_automatically: bool,
    intro: String,
    terms: String,
    thanks: String,
    fields: serde_json::Value,
    allows_code_requests: bool,
}

impl From<Row> for Registration {
    fn from(row: Row) -> Self {
        Self {
            is_open: row.is_open,
            code_requirement: row.code_requirement,
            offer_id: row.offer_id,
            approves_automatically: row.approves_automatically,
            intro: row.intro,
            terms: row.terms,
            thanks: row.thanks,
            // It was serialized from the same type.
            fields: serde_json::from_value(row.fields).unwrap_or_default(),
            allows_code_requests: row.allows_code_requests,
        }
    }
}

/// The merchant's settings; `None` if none are saved yet.
pub fn load(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Option<Registration>> {
    let row: Option<Row> = registration_settings::table
        .find(merchant_id)
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Registration::from))
}

/// Whether affiliates can request additional codes now.
pub(crate) fn allows_code_requests(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<bool> {
    let allows = registration_settings::table
        .find(merchant_id)
        .select(registration_settings::allows_code_requests)
        .first(conn)
        .optional()?;
    Ok(allows.unwrap_or(false))
}

/// Saves the settings. Fails with a foreign-key violation if the offer isn't the merchant's.
pub fn save(conn: &mut PgConnection, actor: &Actor, new: &Registration) -> QueryResult<()> {
    let before = load(conn, actor.merchant_id)?;
    if before.as_ref() == Some(new) {
        return Ok(());
    }
    let values = (
        registration_settings::is_open.eq(new.is_open),
        registration_settings::code_requirement.eq(new.code_requirement),
        registration_settings::offer_id.eq(new.offer_id),
        registration_settings::approves_automatically.eq(new.approves_automatically),
        registration_settings::intro.eq(&new.intro),
        registration_settings::terms.eq(&new.terms),
        registration_settings::thanks.eq(&new.thanks),
        registration_settings::fields.eq(fields_json(new)),
        registration_settings::allows_code_requests.eq(new.allows_code_requests),
        registration_settings::updated_at.eq(actor.now),
    );
    diesel::insert_into(registration_settings::table)
        .values((registration_settings::merchant_id.eq(actor.merchant_id), values.clone()))
        .on_conflict(registration_settings::merchant_id)
        .do_update()
        .set(values)
        .execute(conn)?;
    let was_open = before.as_ref().is_some_and(|before| before.is_open);
    let event = AuditEvent::RegistrationChanged { was_open, is_open: new.is_open };
    let act = Act {
        before: before.as_ref().map(as_json),
        after: Some(as_json(new)),
        ..Act::new(event, SubjectKind::Registration, None)
    };
    record(conn, actor, act)
}

fn fields_json(of: &Registration) -> serde_json::Value {
    serde_json::json!(of.fields)
}

fn as_json(of: &Registration) -> serde_json::Value {
    serde_json::json!({
        "is_open": of.is_open,
        "code_requirement": of.code_requirement,
        "offer_id": of.offer_id,
        "approves_automatically": of.approves_automatically,
        "intro": of.intro,
        "terms": of.terms,
        "thanks": of.thanks,
        "fields": of.fields,
        "allows_code_requests": of.allows_code_requests,
    })
}

/// A program on its public page.
#[derive(Clone, Debug)]
pub(crate) struct PublicProgram {
    pub(crate) merchant_id: i64,
    pub(crate) name: String,
    /// The program's part of public URLs.
    pub(crate) slug: String,
    pub(crate) registration: Registration,
}

impl PublicProgram {
    /// The public page of a merchant; `None` if it has none. The caller holds the merchant's scope.
    pub(crate) fn find(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Option<Self>> {
        let Some(registration) = load(conn, merchant_id)? else { return Ok(None) };
        let (name, slug) = merchants::table
            .find(merchant_id)
            .select((merchants::name, merchants::slug))
            .first(conn)?;
        Ok(Some(Self { merchant_id, name, slug, registration }))
    }

    /// The path of the public page.
    pub(crate) fn path(&self) -> String {
        crate::kit::urls::join(&self.slug)
    }
}

/// The ID of the merchant in a public URL. The caller holds [`crate::kit::db::Scope::Support`].
/// Fails with `NotFound` if there's none or it's closed.
pub(crate) fn merchant_of(conn: &mut PgConnection, slug: &str) -> QueryResult<i64> {
    merchants::table
        .filter(merchants::slug.eq(slug))
        .filter(merchants::closed_at.is_null())
        .select(merchants::id)
        .first(conn)
}
