//! Handlers, by action.

mod affected;
mod create;
mod list;
mod remove;
mod update;
mod upload;

pub(crate) use self::create::{create, new};
pub(crate) use self::list::{export, index};
pub(crate) use self::remove::{remove, restore};
pub(crate) use self::update::{show, update};
pub(crate) use self::upload::{new_upload, template, upload};
use crate::features::auth::pages::MerchantPage;
use crate::kit::error::{AppError, AppResult};

/// These pages exist only while support has enabled them for the merchant.
fn enabled(page: &MerchantPage) -> AppResult<()> {
    if page.merchant().coupon_exclusions { Ok(()) } else { Err(AppError::NotFound) }
}
