//! Starts a session and chooses its workspace.

use actix_session::Session;
use actix_web::HttpResponse;
use diesel::OptionalExtension;

use super::devices::{ORIGIN, Origin};
use super::model::{Person, workspaces_of};
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::security::{self, Kind};
use crate::kit::session::{USER_ID, WORKSPACE, Workspace, renew_session};
use crate::kit::urls;
use crate::kit::web::local_path::LocalPath;
use crate::kit::web::{see_other, unsent};

/// Starts a new session for `user_id` and redirects to `next`, or to the person's start page.
pub(crate) async fn sign_in(
    db: &Db,
    session: &Session,
    origin: &Origin,
    user_id: i64,
    next: &LocalPath,
) -> AppResult<HttpResponse> {
    let workspaces = workspaces(db, user_id).await?;
    // A session key from before sign-in must be worthless afterward.
    unsent::clear_others(session)?;
    renew_session(session)?;
    session.insert(USER_ID, user_id)?;
    session.insert(ORIGIN, origin)?;
    security::note(Kind::SignedIn.by(user_id));
    let next = unsent::page(session).or(next.get());
    if let [only] = workspaces.as_slice() {
        session.insert(WORKSPACE, only)?;
        return Ok(see_other(next.unwrap_or(only.home())));
    }
    if let Some(next) = next.filter(|next| needs_no_workspace(next)) {
        return Ok(see_other(next));
    }
    Ok(see_other(&urls::programs(next.unwrap_or_default())))
}

/// Pages that need no workspace, so the person returns to them directly.
fn needs_no_workspace(path: &str) -> bool {
    path.starts_with("/invitations/") || path.starts_with("/account/")
}

/// The signed-in person, if there is one.
pub(crate) async fn signed_in(db: &Db, session: &Session) -> AppResult<Option<Person>> {
    let Some(user_id) = session.get::<i64>(USER_ID)? else { return Ok(None) };
    db.run(Scope::Unowned, move |conn| Person::find(conn, user_id).optional()).await
}

/// Redirects a new member to their merchant's pages, and signs them in if necessary.
pub(crate) async fn enter_program(
    db: &Db,
    session: &Session,
    origin: &Origin,
    user_id: i64,
    merchant_id: i64,
) -> AppResult<HttpResponse> {
    if session.get::<i64>(USER_ID)? != Some(user_id) {
        sign_in(db, session, origin, user_id, &LocalPath::default()).await?;
    }
    let workspaces = workspaces(db, user_id).await?;
    let is_it = |workspace: &&Workspace| matches!(workspace, Workspace::Member { merchant_id: id, .. } if *id == merchant_id);
    let workspace = workspaces.iter().find(is_it).ok_or(AppError::NotFound)?;
    session.insert(WORKSPACE, workspace)?;
    Ok(see_other(workspace.home()))
}

/// Clears the chosen workspace after it's no longer theirs, so that they choose again.
pub(crate) fn leave_program(session: &Session) {
    session.remove(WORKSPACE);
}

pub(super) async fn workspaces(db: &Db, user_id: i64) -> AppResult<Vec<Workspace>> {
    db.run(Scope::Person(user_id), move |conn| {
        let person = Person::find(conn, user_id)?;
        workspaces_of(conn, &person)
    })
    .await
}
