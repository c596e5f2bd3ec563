//! Programs of any size, for performance tests.
//!
//! Rows are generated here, and the usual rules attribute the orders. They go by `COPY` into a
//! temporary table, because PostgreSQL refuses `COPY` into tables with row security. One statement
//! per table then inserts them. The totals are calculated once, at the end.

mod rows;
mod size;
mod stage;

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use vouch_core::attribution::Commission;
use vouch_core::money::{Currency, Rate};

use self::rows::RowGenerator;
use self::size::OWNER;
pub use self::size::Size;
use self::stage::{ReservedIds, StagingTables};
use super::people::{self, DemoUser};
use super::program;
use super::store::DemoStore;
use crate::features::merchants::{self, NewMerchant, Owner};
use crate::features::offers::{self, NewOffer};
use crate::features::rollups;
use crate::kit::audit::{Actor, ActorKind};
use crate::kit::secrets::Encryptor;

/// How long ago the big program started.
const AGE_DAYS: i64 = 500;
/// Rows per `COPY`.
const PORTION: u64 = 10_000;

/// The big program after [`load`].
pub struct BigProgram {
    pub store: DemoStore,
    pub owner: String,
    /// Whether this run created it.
    pub is_new: bool,
    /// A code of an active affiliate.
    pub code: String,
}

/// Loading progress: a label, how many are done, and the total.
type Progress<'a> = dyn FnMut(&str, u64, u64) + 'a;

/// Creates a program of the given size, or finds the one that exists. The caller holds
/// `Scope::Instance`. Everything is created in this one transaction. Call [`tidy`] afterward.
pub fn load(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    size: Size,
    now: DateTime<Utc>,
    progress: &mut Progress<'_>,
) -> anyhow::Result<BigProgram> {
    let size = Size { affiliates: size.affiliates.max(1), triggers: size.triggers.max(1), ..size };
    let tag = format!("{}-{}-{}", size.affiliates, size.triggers, size.orders);
    let address = format!("meridian-{tag}-demo.myshopify.com");
    let owner = format!("owner@meridian-{tag}.example");
    let code = rows::code(0);
    if let Some(store) = program::find(conn, encryptor, &address)? {
        return Ok(BigProgram { store, owner, is_new: false, code });
    }
    let begun = now - Duration::days(AGE_DAYS);
    let (actor, maker) = begin(conn, &owner, size, begun, now)?;
    let store = program::connect(conn, &actor, encryptor, &address)?;
    let stage = StagingTables::new(conn, store.merchant_id, store.store_id)?;
    for portion in portions(size.affiliates) {
        stage.affiliates(conn, portion.clone().map(|at| maker.affiliate(at)))?;
        progress("affiliates", portion.end, size.affiliates);
    }
    for portion in portions(size.triggers) {
        stage.triggers(conn, portion.clone().map(|at| maker.trigger(at)))?;
        progress("triggers", portion.end, size.triggers);
    }
    for portion in portions(size.orders) {
        stage.orders(conn, portion.clone().map(|at| maker.order(at)))?;
        progress("orders", portion.end, size.orders);
    }
    rollups::recount(conn, store.merchant_id).context("can't count the totals")?;
    Ok(BigProgram { store, owner, is_new: true, code })
}

/// Updates the planner's statistics after the load. Call it outside any transaction.
pub fn tidy(conn: &mut PgConnection) -> QueryResult<()> {
    conn.batch_execute(
        "VACUUM (ANALYZE) affiliates, affiliate_terms, affiliate_emails, triggers, trigger_owners, \
         orders, order_lines, order_codes, deliveries, conversions, commission_entries, daily_rollups, \
         affiliate_daily_rollups, trigger_rollups",
    )
}

fn portions(count: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..count.div_ceil(PORTION)).map(move |n| n * PORTION..((n + 1) * PORTION).min(count))
}

fn begin(
    conn: &mut PgConnection,
    owner: &str,
    size: Size,
    begun: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<(Actor, RowGenerator)> {
    let owner_id = people::user(conn, &DemoUser { what: "Owner", email: owner, name: OWNER })?;
    let merchant = NewMerchant {
        name: "Meridian Outfitters",
        currency: Currency::USD,
        time_zone: chrono_tz::UTC,
        owner: Owner::Existing(owner_id),
    };
    let merchant = merchants::create(conn, &merchant, begun)?;
    let actor = Actor {
        merchant_id: merchant.merchant_id,
        kind: ActorKind::Member,
        user_id: Some(owner_id),
        name: OWNER.to_owned(),
        came_from: None,
        now: begun,
    };
    let partners = NewOffer {
        name: "Partners".to_owned(),
        commission: Commission::Percent { rate: Rate::percent(15) },
        excluded_skus: Vec::new(),
        auto_approve: false,
        is_default: false,
    };
    let partners = offers::create(conn, &actor, &partners)?.id;
    let maker = RowGenerator {
        size,
        begun,
        now,
        offers: [merchant.offer_id, partners],
        keys: ReservedIds::reserve(conn, size)?,
    };
    Ok((actor, maker))
}
