use super::model::{Person, places_of};
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::session::Place;

/// What somebody who guesses a person's password would try first: their address, their name, the
/// names of their programs.
///
/// # Errors
/// The database's.
pub async fn known_about(db: &Db, person: &Person) -> AppResult<Vec<String>> {
    let someone = person.clone();
    let places = db.run(Scope::Person(person.id), move |conn| places_of(conn, &someone)).await?;
    let mut known = vec![person.email.clone(), person.name.clone()];
    known.extend(places.into_iter().filter_map(|place| match place {
        Place::Member { merchant, .. } | Place::Affiliate { merchant, .. } => Some(merchant),
        Place::Support => None,
    }));
    Ok(known)
}
