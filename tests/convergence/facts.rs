//! What a merchant changes while orders come in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use proptest::prelude::*;
use vouch::features::affiliates::{
    self, AffiliateStatus, NewAffiliate, change_status, undo_status,
};
use vouch::features::auth;
use vouch::features::conversions::{self, DenialReason, NewReview, Review};
use vouch::features::merchants::{self, NewMerchant, Owner};
use vouch::features::offers::{self, NewOffer};
use vouch::features::triggers::{self, ReassignError, Trigger, TriggerKind};
use vouch::kit::audit::{Actor, ActorKind};
use vouch::kit::db::Scope;
use vouch::kit::db::schema::{
    conversions as conversions_table, merchants as merchants_table, orders as orders_table,
    triggers as triggers_table,
};
use vouch_core::attribution::{CalculationLogic, Commission, OrdersCountWhen, Precedence};
use vouch_core::money::{Currency, Rate};

use super::minute;
use crate::harness::{TestApp, then};

/// One change. Each is made half a minute after a minute of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fact {
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
    /// Orders placed from then on count when they are paid, or when they are placed.
    Count(OrdersCountWhen),
    /// The merchant's days begin elsewhere.
    Move,
    /// A member says something of every conversion that the affiliate has by then.
    Review(usize, Says),
    /// The last review is undone.
    UndoReview,
}

/// What a member says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Approve,
    Deny,
    Fraud,
    Pending,
}

impl Says {
    fn review(self) -> NewReview<'static> {
        let note = "";
        match self {
            Self::Approve => NewReview::Approve { note },
            Self::Deny => NewReview::Deny { reason: DenialReason::Terms, note },
            Self::Fraud => NewReview::Deny { reason: DenialReason::Fraud, note },
            Self::Pending => NewReview::BackToPending { note },
        }
    }
}

/// What members said last: of conversions, and of orders as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub of: BTreeMap<i64, Review>,
    pub fraud: BTreeSet<i64>,
}

fn says() -> impl Strategy<Value = Says> {
    prop::sample::select(vec![Says::Approve, Says::Deny, Says::Fraud, Says::Pending])
}

pub(super) fn some() -> impl Strategy<Value = Vec<Fact>> {
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
        1 => Just(Fact::Count(OrdersCountWhen::Placed)),
        1 => Just(Fact::Count(OrdersCountWhen::Paid)),
        4 => (0..3_usize, says()).prop_map(|(who, says)| Fact::Review(who, says)),
        1 => Just(Fact::UndoReview),
    ];
    prop::collection::vec(one, 0..10)
}

/// A program of its own: three affiliates; ALPHA is the first's, the customer
/// friend@customers.example the second's, the SKU MUG the third's.
pub(super) struct Program {
    pub merchant_id: i64,
    pub store_id: i64,
    pub affiliates: [i64; 3],
    owner_id: i64,
    disabled: Option<(i64, DateTime<Utc>)>,
    /// What members said, as they would remember it.
    pub said: Said,
    /// The last review, and what was said before it.
    reviewed: Option<(i64, Said)>,
}

impl Program {
    pub(super) fn new(app: &TestApp, name: &str) -> Self {
        let new = NewMerchant {
            name,
            currency: Currency::USD,
            time_zone: chrono_tz::Tz::UTC,
            owner: Owner::Existing(app.fixture.owner_id),
        };
        let made = app
            .db
            .run_blocking(Scope::Instance, |conn| {
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
            said: Said::default(),
            reviewed: None,
        };
        let actor = program.actor(then());
        program.affiliates = app.within_merchant(made.merchant_id, |conn| {
            let automatic = NewOffer {
                name: "Automatic".to_owned(),
                commission: Commission::Percent { rate: Rate::percent(10) },
                excluded_skus: Vec::new(),
                auto_approve: true,
                is_default: false,
            };
            let automatic = offers::create(conn, &actor, &automatic).unwrap().id;
            let ids = ["one", "two", "three"].map(|name| {
                let new = NewAffiliate {
                    name: name.to_owned(),
                    email: format!("{name}@affiliates.example"),
                    status: AffiliateStatus::Active,
                    offer_id: if name == "one" { automatic } else { made.offer_id },
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

    pub(super) fn actor(&self, now: DateTime<Utc>) -> Actor {
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
    pub(super) fn within<T>(
        &self,
        app: &TestApp,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> T {
        app.db.run_blocking(Scope::Merchant(self.merchant_id), work).unwrap()
    }

    pub(super) fn alpha(&self, conn: &mut PgConnection) -> QueryResult<Trigger> {
        let id = triggers_table::table
            .filter(triggers_table::merchant_id.eq(self.merchant_id))
            .filter(triggers_table::key.eq("ALPHA"))
            .select(triggers_table::id)
            .first(conn)?;
        Trigger::find(conn, self.merchant_id, id)
    }

    /// The change that stands at that place of the list.
    pub(super) fn apply(&mut self, app: &TestApp, at: usize, fact: Fact) {
        let now = minute(2 + 3 * i64::try_from(at).unwrap()) + Duration::seconds(30);
        let actor = self.actor(now);
        let affiliates = self.affiliates;
        let disabled = self.disabled;
        match fact {
            Fact::Review(who, says) => return self.review(app, &actor, affiliates[who], says),
            Fact::UndoReview => return self.undo_review(app, &actor),
            _ => {}
        }
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
                    let rules =
                        CalculationLogic { precedence, ..CalculationLogic::of_new_merchant() };
                    merchants::change_rules(conn, &actor, rules)?;
                }
                Fact::Count(orders_count_when) => {
                    let rules =
                        CalculationLogic { orders_count_when, ..CalculationLogic::default() };
                    merchants::change_rules(conn, &actor, rules)?;
                }
                Fact::Review(..) | Fact::UndoReview => unreachable!("done above"),
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

    /// A member says something of every conversion that the affiliate has.
    fn review(&mut self, app: &TestApp, actor: &Actor, affiliate_id: i64, says: Says) {
        let before = self.said.clone();
        let (found, changed) = self.within(app, |conn| {
            let found: Vec<(i64, i64)> = conversions_table::table
                .filter(conversions_table::merchant_id.eq(actor.merchant_id))
                .filter(conversions_table::affiliate_id.eq(affiliate_id))
                .order(conversions_table::id)
                .select((conversions_table::id, conversions_table::order_id.assume_not_null()))
                .load(conn)?;
            let ids: Vec<i64> = found.iter().map(|(id, _)| *id).collect();
            let changed = conversions::review(conn, actor, &ids, &says.review())?;
            Ok((found, changed))
        });
        for (id, order_id) in found {
            let review = match says {
                Says::Fraud => {
                    self.said.fraud.insert(order_id);
                    continue;
                }
                Says::Approve => Review::Approved,
                Says::Deny => Review::Denied,
                Says::Pending => Review::Pending,
            };
            self.said.fraud.remove(&order_id);
            self.said.of.insert(id, review);
        }
        self.reviewed = changed.change_id.map(|id| (id, before));
    }

    fn undo_review(&mut self, app: &TestApp, actor: &Actor) {
        let Some((change_id, before)) = self.reviewed.take() else { return };
        self.within(app, |conn| conversions::undo(conn, actor, change_id));
        self.said = before;
    }

    /// What the rows say that members said.
    pub(super) fn reviews(&self, app: &TestApp) -> Said {
        self.within(app, |conn| {
            let rows: Vec<(i64, i64, Option<Review>, bool)> = conversions_table::table
                .filter(conversions_table::merchant_id.eq(self.merchant_id))
                .select((
                    conversions_table::id,
                    conversions_table::order_id.assume_not_null(),
                    conversions_table::review,
                    conversions_table::is_fraud,
                ))
                .load(conn)?;
            let said = |row: &(i64, i64, Option<Review>, bool)| Some((row.0, row.2?));
            Ok(Said {
                of: rows.iter().filter_map(said).collect(),
                fraud: rows.iter().filter(|row| row.3).map(|row| row.1).collect(),
            })
        })
    }

    /// Conversions whose status is not what follows from what members and the rules say of them.
    pub(super) fn misjudged(&self, app: &TestApp) -> i64 {
        self.within(app, |conn| {
            conversions_table::table
                .filter(conversions_table::merchant_id.eq(self.merchant_id))
                .filter(diesel::dsl::sql::<Bool>(
                    "status <> CASE \
                         WHEN (SELECT fraud_by FROM orders o WHERE o.merchant_id = conversions.merchant_id \
                             AND o.id = order_id) IS NOT NULL OR review = 'denied' THEN 'denied' \
                         WHEN unqualified_reason IS NOT NULL THEN 'unqualified' \
                         WHEN not_paid_yet THEN 'pending' \
                         ELSE coalesce(review, CASE WHEN auto_approve THEN 'approved' ELSE 'pending' END) \
                     END",
                ))
                .count()
                .get_result(conn)
        })
    }

    /// What the rules say of what is credited: order, affiliate, reason, whether it waits for money.
    pub(super) fn qualified(
        &self,
        app: &TestApp,
    ) -> BTreeSet<(String, usize, Option<String>, bool)> {
        let rows: Vec<(String, i64, Option<String>, bool)> = self.within(app, |conn| {
            conversions_table::table
                .inner_join(
                    orders_table::table.on(orders_table::merchant_id
                        .eq(conversions_table::merchant_id)
                        .and(orders_table::id.nullable().eq(conversions_table::order_id))),
                )
                .filter(conversions_table::merchant_id.eq(self.merchant_id))
                .filter(
                    conversions_table::unqualified_reason.is_distinct_from("no_longer_credited"),
                )
                .select((
                    orders_table::order_ref,
                    conversions_table::affiliate_id,
                    conversions_table::unqualified_reason,
                    conversions_table::not_paid_yet,
                ))
                .load(conn)
        });
        let which = |id: i64| self.affiliates.iter().position(|one| *one == id).unwrap();
        rows.into_iter()
            .map(|(order, id, reason, waits)| (order, which(id), reason, waits))
            .collect()
    }
}
