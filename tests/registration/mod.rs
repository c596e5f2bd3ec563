//! Applying to be an affiliate, with a code of one's own choice.

mod applying;
mod confirming;
mod deciding;
mod races;
mod settings;

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::dsl::IntervalDsl as _;
use diesel::prelude::*;
use secrecy::SecretBox;
use vouch::features::emails::{EmailRow, newest_emails, reveal};
use vouch::features::registration::{self, Registration};
use vouch::kit::audit::Actor;
use vouch::kit::db::Scope;
use vouch::kit::db::schema::{affiliate_terms, affiliates, code_requests};
use vouch::kit::secrets::Encryptor;

use crate::harness::{Page, Person, SECRET_KEY, TestApp};

pub(crate) const JOIN: &str = "/join/acme-tea";

pub(crate) fn encryptor() -> Encryptor {
    Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)))
}

/// Acme Tea takes applications.
pub(crate) fn open(app: &TestApp) {
    open_with(app, Registration { is_open: true, ..Registration::default() });
}

pub(crate) fn open_with(app: &TestApp, registration: Registration) {
    let actor = app.actor();
    app.within(|conn| registration::save(conn, &actor, &registration));
}

/// Borealis Books does, too.
pub(crate) fn open_stranger(app: &TestApp) {
    let merchant_id = app.fixture.stranger_merchant_id;
    let actor = Actor::system(merchant_id, vouch::kit::clock::now());
    let registration = Registration { is_open: true, ..Registration::default() };
    app.within_merchant(merchant_id, |conn| registration::save(conn, &actor, &registration));
}

/// Sends the real form of `page` from an address of its own, so that the limits stand aside.
pub(crate) fn send(person: &Person, page: &Page, fields: &[(&str, &str)]) -> Page {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let form = page.form("form").with(fields);
    let pairs: Vec<(&str, &str)> =
        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let [_, a, b, c] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let address = format!("198.{a}.{b}.{c}");
    person.post_with(&form.action, &pairs, &[("x-forwarded-for", &address)])
}

/// Applies on the public page at `join`.
pub(crate) fn apply_at(app: &TestApp, join: &str, name: &str, email: &str, code: &str) -> Page {
    let person = app.anonymous();
    let page = person.get(join);
    send(&person, &page, &[("name", name), ("email", email), ("code", code)])
}

pub(crate) fn apply(app: &TestApp, name: &str, email: &str, code: &str) -> Page {
    apply_at(app, JOIN, name, email, code)
}

/// The reason code below the field of a code.
pub(crate) fn verdict(page: &Page) -> Option<String> {
    page.attribute(".field-error[data-reason]", "data-reason")
}

/// What was written to an address, the newest first: subject and text, as `vouch email show` reads it.
pub(crate) fn emails_to(app: &TestApp, email: &str) -> Vec<(String, String)> {
    let encryptor = encryptor();
    let all: Result<Vec<_>, vouch::kit::error::AppError> =
        app.db.run_blocking(Scope::Instance, |conn| {
            let rows = newest_emails(conn)?.into_iter();
            let to_them: Vec<_> = rows.filter(|row| row.recipient == email).collect();
            let read = |row: EmailRow| {
                let found = reveal(conn, row.id, &encryptor, "https://vouch.example")?;
                let text = found.map(|email| email.text).unwrap_or_default();
                QueryResult::Ok((row.subject, text))
            };
            to_them.into_iter().map(read).collect::<QueryResult<_>>()
        });
    all.unwrap()
}

/// The path in the newest letter to an address.
pub(crate) fn link_to(app: &TestApp, email: &str) -> String {
    let emails = emails_to(app, email);
    let (_, text) = emails.first().unwrap_or_else(|| panic!("no letter to {email}"));
    let at = text.find("https://vouch.example/").unwrap_or_else(|| panic!("no link in {text}"));
    let path = &text[at + "https://vouch.example".len()..];
    path.split_whitespace().next().unwrap().to_owned()
}

/// Opens the link in the newest letter and confirms.
pub(crate) fn confirm(app: &TestApp, email: &str) -> Page {
    let person = app.anonymous();
    let page = person.get(&link_to(app, email));
    assert_eq!(page.status, 200, "{}", page.text());
    send(&person, &page, &[])
}

/// Applies and confirms; answers the affiliate's key.
pub(crate) fn applied(app: &TestApp, name: &str, email: &str, code: &str) -> i64 {
    let answer = apply(app, name, email, code);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let answer = confirm(app, email);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let affiliate_id = affiliate(app, email).unwrap().0;
    // An hour ago: a decision of the same second would be the only status there ever was.
    app.within(|conn| {
        let an_hour_ago = affiliate_terms::valid_from - 1.hour();
        diesel::update(affiliate_terms::table)
            .filter(affiliate_terms::affiliate_id.eq(affiliate_id))
            .set(affiliate_terms::valid_from.eq(an_hour_ago))
            .execute(conn)
    });
    affiliate_id
}

/// The affiliate of an address: key and status.
pub(crate) fn affiliate(app: &TestApp, email: &str) -> Option<(i64, String)> {
    app.within(|conn| {
        affiliates::table
            .filter(affiliates::email.eq(email))
            .select((affiliates::id, affiliates::status))
            .first(conn)
            .optional()
    })
}

/// The requests for a code: who asked, and what became of it.
pub(crate) fn requests(app: &TestApp, key: &str) -> Vec<(i64, String)> {
    app.within(|conn| {
        code_requests::table
            .filter(code_requests::code_key.eq(key))
            .order(code_requests::id)
            .select((code_requests::affiliate_id, code_requests::status))
            .load(conn)
    })
}

/// Who holds a code.
pub(crate) fn holders(app: &TestApp, key: &str) -> Vec<i64> {
    use vouch::kit::db::schema::triggers;
    app.within(|conn| {
        triggers::table.filter(triggers::key.eq(key)).select(triggers::affiliate_id).load(conn)
    })
}
