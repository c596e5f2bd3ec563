use diesel::prelude::*;

use crate::features::auth::{self, NewUser, NewUserError, User};

/// A person who can sign in to the demo.
#[derive(Clone, Copy, Debug)]
pub struct DemoUser<'a> {
    /// A description for the terminal.
    pub what: &'a str,
    pub email: &'a str,
    pub name: &'a str,
}

/// Everyone who can sign in to the demo.
pub const LOGINS: [DemoUser<'static>; 5] = [OWNER, ADMIN, VIEWER, AFFILIATE, SUPPORT];

pub(super) const OWNER: DemoUser<'static> =
    DemoUser { what: "Owner", email: "owner@juniper-sage.example", name: "Rosa Whitfield" };
pub(super) const ADMIN: DemoUser<'static> =
    DemoUser { what: "Admin", email: "admin@juniper-sage.example", name: "Tomasz Wróbel" };
pub(super) const VIEWER: DemoUser<'static> =
    DemoUser { what: "Viewer", email: "viewer@juniper-sage.example", name: "Mei-Lin Carter" };
pub(super) const AFFILIATE: DemoUser<'static> =
    DemoUser { what: "Affiliate", email: "maria@sol-y-mar.example", name: "María Fernández" };
pub(super) const SUPPORT: DemoUser<'static> =
    DemoUser { what: "Support", email: "support@vouch.example", name: "Sam Okafor" };

/// The person's user ID. Creates the user if it doesn't exist yet.
pub(super) fn user(conn: &mut PgConnection, login: &DemoUser<'_>) -> Result<i64, NewUserError> {
    if let Some(known) = User::by_email(conn, login.email)? {
        return Ok(known.id);
    }
    let new = NewUser {
        email: login.email,
        name: login.name,
        password_hash: None,
        is_support: login.email == SUPPORT.email,
    };
    auth::create_user(conn, &new)
}

/// Sets `password` for each user in `emails`, unless it's their password already.
pub fn sign_in_with(
    conn: &mut PgConnection,
    emails: &[&str],
    password: &str,
) -> anyhow::Result<()> {
    let mut hash = None;
    for email in emails {
        let Some(user) = User::by_email(conn, email)? else { continue };
        if user.password_hash.as_deref().is_some_and(|known| auth::verify(password, known)) {
            continue;
        }
        if hash.is_none() {
            hash = Some(auth::hash(password)?);
        }
        auth::change_password(conn, user.id, hash.as_deref().unwrap_or_default())?;
    }
    Ok(())
}
