//! A list as a CSV file.

use actix_web::HttpResponse;
use actix_web::web::Data;
use diesel::PgConnection;
use diesel::result::QueryResult;

use super::range::{Cursor, Listing, Range, SortKey, SortOrder};
use crate::kit::audit::Actor;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::csv::{self, CHUNK, Cell, Download};

/// Sends all rows of a list as CSV with `columns`. `load` is called for one range after the other. Fails
/// if the download can't be recorded in the audit log.
pub(crate) async fn export<F>(
    db: Data<Db>,
    actor: Actor,
    (filename, columns): (&'static str, &[&str]),
    order: SortOrder,
    load: F,
) -> AppResult<HttpResponse>
where
    F: Fn(&mut PgConnection, &Range) -> QueryResult<Listing<Vec<Cell>>> + Clone + Send + 'static,
{
    let merchant_id = actor.merchant_id;
    let download = Download::begin(&db, actor, filename).await?;
    Ok(csv::stream(&download, columns, move |after: Option<SortKey>| {
        let (db, load) = (db.clone(), load.clone());
        let cursor = after.map_or(Cursor::Start, Cursor::After);
        let range = Range { order, cursor, rows: CHUNK };
        async move {
            let found = db.merchant(merchant_id, move |conn| load(conn, &range)).await?;
            Ok((found.rows, found.next))
        }
    }))
}
