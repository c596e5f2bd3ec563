//! Handlers, by page.

mod accounts;
mod confirmation;
mod denial;
mod invitation;
mod join;
mod settings;
mod status;
mod status_form;

pub(crate) use accounts::{accept, account};
pub(crate) use confirmation::{confirm, confirmation, confirmed};
pub(crate) use invitation::invite;
pub(crate) use join::{apply, code, sent, show as join};
pub(crate) use settings::{show, update};
pub(crate) use status::{change, change_several, reverse};

use crate::features::auth::Merchant;
use crate::features::registration::settings::{PublicProgram, merchant_of};
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};

/// The public page of the program in a URL, open or closed.
async fn shown(db: &Db, slug: &str) -> AppResult<PublicProgram> {
    let merchant_id = merchant_id(db, slug).await?;
    let shown =
        db.merchant(merchant_id, move |conn| PublicProgram::find(conn, merchant_id)).await?;
    shown.ok_or(AppError::NotFound)
}

/// The merchant ID of the program in a URL.
async fn merchant_id(db: &Db, slug: &str) -> AppResult<i64> {
    // Longer than any slug, so it needs no query.
    if slug.len() > 80 {
        return Err(AppError::NotFound);
    }
    let slug = slug.to_owned();
    db.run(Scope::Support, move |conn| merchant_of(conn, &slug)).await
}

/// The program in a URL, whether or not it accepts applications.
async fn program(db: &Db, slug: &str) -> AppResult<Merchant> {
    let merchant_id = merchant_id(db, slug).await?;
    db.merchant(merchant_id, move |conn| Merchant::find(conn, merchant_id)).await
}
