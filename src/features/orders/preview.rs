use diesel::prelude::*;
use diesel::result::Error;

use super::explain::Explanation;
use crate::features::conversions::manual::{CreditOrderError, credit_order};
use crate::kit::audit::Actor;

/// Previews [`credit_order`] by running it and rolling it back.
pub(crate) fn preview(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    order_id: i64,
) -> Result<Explanation, CreditOrderError> {
    let mut seen = None;
    let done = conn.transaction(|conn| {
        let outcome = credit_order(conn, actor, affiliate_id, order_id, "");
        let outcome = match outcome {
            Ok(_) => Explanation::load(conn, actor.merchant_id, order_id).map_err(Into::into),
            Err(refusal) => Err(refusal),
        };
        // A failed statement aborts the transaction. Its error is the result, not the rollback's.
        seen = Some(outcome);
        Err::<(), Error>(Error::RollbackTransaction)
    });
    match (seen, done) {
        (Some(outcome), Err(Error::RollbackTransaction)) => outcome,
        (_, Err(error)) => Err(error.into()),
        (_, Ok(())) => Err(Error::RollbackTransaction.into()),
    }
}
