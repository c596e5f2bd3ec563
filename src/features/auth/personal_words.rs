use super::model::{Person, workspaces_of};
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::session::Workspace;

/// Words that an attacker tries first for this person: the email, the name and the names of their
/// programs.
pub(crate) async fn personal_words_of(db: &Db, person: &Person) -> AppResult<Vec<String>> {
    let someone = person.clone();
    let workspaces =
        db.run(Scope::Person(person.id), move |conn| workspaces_of(conn, &someone)).await?;
    let mut known = vec![person.email.clone(), person.name.clone()];
    known.extend(workspaces.into_iter().filter_map(|workspace| match workspace {
        Workspace::Member { merchant, .. } | Workspace::Affiliate { merchant, .. } => {
            Some(merchant)
        }
        Workspace::Support => None,
    }));
    Ok(known)
}
