//! What a merchant changes while orders come in.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use proptest::prelude::*;
use vouch::affiliates::{self, AffiliateStatus, NewAffiliate, change_status, undo_status};
use vouch::audit::{Actor, ActorKind};
use vouch::auth;
use vouch::credit::{Precedence, Rules};
use vouch::db::Scope;
use vouch::db::schema::{merchants as merchants_table, triggers as triggers_table};
use vouch::merchants::{self, NewMerchant, Owner};
use vouch::money::Currency;
use vouch::triggers::{self, ReassignError, Trigger, TriggerKind};

use super::minute;
use crate::harness::{TestApp, then};

/// One change. Each is made half a minute after a minute of its own.
#[derive(Clone, Copy, Debug)]
pub enum Fact {
    /// BETA begins to exist, as the second affiliate's.
    CreateBeta,
    Retire,
    Reinstate,
    /// ALPHA goes to that affiliate, from so many minutes back on.
    Reassign(usize, i64),
    Disable(usize),
    /// The last status that was changed is changed back as if it had not been.
    Undo,
    Prefer(Precedence),
    /// The merchant's days begin elsewhere.
    Move,
}

pub fn some() -> impl Strategy<Value = Vec<Fact>> {
    let one = prop_oneof![
        2 => Just(Fact::CreateBeta),
        1 => Just(Fact::Retire),
        1 => Just(Fact::Reinstate),
        3 => (0..3_usize, 0..30_i64).prop_map(|(to, back)| Fact::Reassign(to, back)),
        2 => (0..3_usize).prop_map(Fact::Disable),
        2 => Just(Fact::Undo),
        1 => Just(Fact::Prefer(Precedence::LargestDiscount)),
        1 => Just(Fact::Prefer(Precedence::OldestTrigger)),
        1 => Just(Fact::Move),
    ];
    prop::collection::vec(one, 0..8)
}

/// A program of its own: three affiliates; ALPHA is the first's, the customer
/// friend@customers.example the second's, the SKU MUG the third's.
pub struct Program {
    pub merchant_id: i64,
    pub store_id: i64,
    pub affiliates: [i64; 3],
    owner_id: i64,
    disabled: Option<(i64, DateTime<Utc>)>,
}

impl Program {
    pub fn new(app: &TestApp, name: &str) -> Self {
        let new = NewMerchant {
            name,
            currency: Currency::USD,
            time_zone: chrono_tz::Tz::UTC,
            owner: Owner::Existing(app.fixture.owner_id),
        };
        let made = app
            .db
            .run_blocking(Scope::Installation, |conn| {
                Ok::<_, diesel::result::Error>(merchants::create(conn, &new, then()).unwrap())
            })
            .unwrap();
        let store =
            app.connect_shop(made.merchant_id, "a-shop.myshopify.com", "a-secret-of-16-and-more");
        let mut program = Self {
            merchant_id: made.merchant_id,
            store_id: store.id,
            affiliates: [0; 3],
            owner_id: made.owner_id,
            disabled: None,
        };
        let actor = program.actor(then());
        program.affiliates = app.within_merchant(made.merchant_id, |conn| {
            let ids = ["one", "two", "three"].map(|name| {
                let new = NewAffiliate {
                    name: name.to_owned(),
                    email: format!("{name}@affiliates.example"),
                    status: AffiliateStatus::Active,
                    offer_id: made.offer_id,
                    note: String::new(),
                    user_id: None,
                };
                affiliates::create(conn, &actor, &new).unwrap().id
            });
            let held = [
                (ids[0], TriggerKind::CouponCode, "ALPHA"),
                (ids[1], TriggerKind::CustomerEmail, "friend@customers.example"),
                (ids[2], TriggerKind::Sku, "MUG"),
            ];
            for (id, kind, value) in held {
                triggers::create(conn, &actor, id, kind, value).unwrap();
            }
            Ok(ids)
        });
        program
    }

    pub fn actor(&self, now: DateTime<Utc>) -> Actor {
        Actor {
            merchant_id: self.merchant_id,
            kind: ActorKind::Member,
            user_id: Some(self.owner_id),
            name: "Olga Owner".to_owned(),
            came_from: None,
            now,
        }
    }

    /// Works on the program's rows, over a connection that is there already: histories are long.
    pub fn within<T>(
        &self,
        app: &TestApp,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> T {
        app.db.run_blocking(Scope::Merchant(self.merchant_id), work).unwrap()
    }

    pub fn alpha(&self, conn: &mut PgConnection) -> QueryResult<Trigger> {
        let id = triggers_table::table
            .filter(triggers_table::merchant_id.eq(self.merchant_id))
            .filter(triggers_table::key.eq("ALPHA"))
            .select(triggers_table::id)
            .first(conn)?;
        Trigger::find(conn, self.merchant_id, id)
    }

    /// The change that stands at that place of the list.
    pub fn apply(&mut self, app: &TestApp, at: usize, fact: Fact) {
        let now = minute(2 + 3 * i64::try_from(at).unwrap()) + Duration::seconds(30);
        let actor = self.actor(now);
        let affiliates = self.affiliates;
        let disabled = self.disabled;
        let changed = self.within(app, |conn| {
            match fact {
                Fact::CreateBeta => {
                    // A second time it is taken.
                    let code = TriggerKind::CouponCode;
                    let _ = triggers::create(conn, &actor, affiliates[1], code, "BETA");
                }
                Fact::Retire => {
                    let trigger = self.alpha(conn)?;
                    triggers::retire(conn, &actor, &trigger)?;
                }
                Fact::Reinstate => {
                    let trigger = self.alpha(conn)?;
                    triggers::reinstate(conn, &actor, &trigger)?;
                }
                Fact::Reassign(to, back) => {
                    let (trigger, from) = (self.alpha(conn)?, now - Duration::minutes(back));
                    let reassigned =
                        triggers::reassign(conn, &actor, &trigger, affiliates[to], from);
                    if let Err(ReassignError::Database(error)) = reassigned {
                        return Err(error);
                    }
                }
                Fact::Disable(who) => {
                    let id = affiliates[who];
                    let off = AffiliateStatus::Disabled;
                    let changed = change_status(conn, &actor, &[id], off)?;
                    return Ok(if changed.is_empty() { disabled } else { Some((id, now)) });
                }
                Fact::Undo => {
                    if let Some((id, since)) = disabled {
                        undo_status(conn, &actor, &[id], since)?;
                    }
                    return Ok(None);
                }
                Fact::Prefer(precedence) => {
                    let rules = Rules { precedence, ..Rules::default() };
                    merchants::change_rules(conn, &actor, rules)?;
                }
                Fact::Move => {
                    let merchant = auth::Merchant::find(conn, actor.merchant_id)?;
                    let zone =
                        if merchant.time_zone == "UTC" { "Pacific/Kiritimati" } else { "UTC" };
                    diesel::update(merchants_table::table.find(actor.merchant_id))
                        .set(merchants_table::time_zone.eq(zone))
                        .execute(conn)?;
                }
            }
            Ok(disabled)
        });
        self.disabled = changed;
        app.work();
    }
}
