//! Two-factor sign-in, as somebody with the app on their phone does it.

use diesel::prelude::*;
use secrecy::SecretBox;
use totp_rs::{Builder, Totp};
use vouch::kit::db::schema::users;
use vouch::kit::email::email_key;
use vouch::kit::secrets::{Encryptor, Use};

use super::browser::Browser;
use super::{Page, Person, SECRET_KEY};

/// What everybody's app in the tests shares with Vouch.
const SECRET: [u8; 20] = *b"12345678901234567890";

/// Turns it on for somebody.
pub(crate) fn give(conn: &mut PgConnection, email: &str) -> QueryResult<()> {
    let who = users::table.filter(users::email_key.eq(email_key(email)));
    let id: i64 = who.select(users::id).first(conn)?;
    let encryptor = Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
    diesel::update(users::table.find(id))
        .set((
            users::two_factor_secret
                .eq(encryptor.encrypt(Use::of_person(id, "two-factor"), &SECRET)),
            users::two_factor_at.eq(vouch::kit::clock::now()),
        ))
        .execute(conn)
        .map(drop)
}

/// The code of a secret, now and so many seconds later.
pub(crate) fn code_of(secret: &[u8], later: i64) -> String {
    let totp: Totp = Builder::new().with_secret(secret.to_vec()).build().unwrap();
    let at = vouch::kit::clock::now().timestamp() + later;
    totp.generate(u64::try_from(at).unwrap()).to_string()
}

/// The code that the app shows now.
pub(crate) fn code() -> String {
    code_of(&SECRET, 0)
}

/// Lets a code be used again: several people of one test sign in as one, within half a minute.
pub(crate) fn forget_codes(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::update(users::table).set(users::two_factor_step.eq(0)).execute(conn).map(drop)
}

/// Goes on from the page that asks for a code.
pub(crate) fn enter(person: &Person, answer: &Page) -> Page {
    let page = person.follow(answer);
    person.submit(&page, "form", &[("code", &code())])
}

/// The same in a browser, where a code is asked for.
pub(crate) async fn pass(browser: &Browser) {
    if browser.path().await == "/login/code" {
        browser.fill("#f-code", &code()).await;
        browser.press("Sign in").await;
        browser.find("main:not(:has(#f-code))").await;
    }
}
