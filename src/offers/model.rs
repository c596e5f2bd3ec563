use diesel::prelude::*;

use crate::db::schema::offers;

/// The offers that an affiliate can be put on, by name: (key, name), the default one first.
///
/// # Errors
/// The database's.
pub fn options(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<(String, String)>> {
    let rows = offers::table
        .filter(offers::merchant_id.eq(merchant_id))
        .filter(offers::archived_at.is_null())
        .order((offers::is_default.desc(), offers::name))
        .select((offers::id, offers::name))
        .load::<(i64, String)>(conn)?;
    Ok(rows.into_iter().map(|(id, name)| (id.to_string(), name)).collect())
}

/// Every offer, archived ones with a word that says so, by name: (key, name).
///
/// # Errors
/// The database's.
pub fn all_options(
    conn: &mut PgConnection,
    merchant_id: i64,
) -> QueryResult<Vec<(String, String)>> {
    let rows = offers::table
        .filter(offers::merchant_id.eq(merchant_id))
        .order((offers::archived_at.is_not_null(), offers::name))
        .select((offers::id, offers::name, offers::archived_at.is_not_null()))
        .load::<(i64, String, bool)>(conn)?;
    let words = |name, archived| if archived { format!("{name} (archived)") } else { name };
    Ok(rows
        .into_iter()
        .map(|(id, name, archived)| (id.to_string(), words(name, archived)))
        .collect())
}
