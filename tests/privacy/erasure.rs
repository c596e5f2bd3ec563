//! A person with a marker in every place, erased: the marker is nowhere, and every sum is as before.

use std::sync::Barrier;

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;
use vouch::features::affiliates::{self, AffiliateStatus, OwnChange};
use vouch::features::auth::{self, NewUser};
use vouch::features::emails::EmailContent;
use vouch::features::ingest::replay;
use vouch::features::privacy::{Lookup, erase_person};
use vouch::features::recalculations::{RecalculationReason, request_since};
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::audit::{Actor, ActorKind, AuditRecord, SubjectKind, record};
use vouch::kit::db::schema::{
    affiliates as affiliate_rows, audit_log, deliveries, emails, orders, users,
};
use vouch::kit::session::Role;

use super::{acts, in_instance, sums, tables_with};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, pseudonyms};
use crate::registration::{applied, open};

const MARKER: &str = "zq7x";
const EMAIL: &str = "zoe.zq7x@people.example";
const FORMER: &str = "old.zq7x@people.example";
const NAME: &str = "Zoe Zq7xson";

fn noon() -> DateTime<Utc> {
    // After every change of the test: what holds from now on holds for these orders.
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

/// An order that tells much of its customer.
fn order(id: u64, email: &str) -> ShopifyOrder {
    let address = json!({ "name": NAME, "address1": "1 Zq7x Road", "phone": "+1 555 zq7x" });
    ShopifyOrder::new(id, noon())
        .email(email)
        .with(
            "customer",
            json!({ "id": 77_001, "email": email, "first_name": "Zoe", "last_name": "Zq7xson" }),
        )
        .with("billing_address", address.clone())
        .with("shipping_address", address)
        .with("note", json!("Ring twice, zq7x"))
}

fn send(app: &TestApp, order: &ShopifyOrder) {
    assert_eq!(app.shopify("orders/updated", &order.0).status, 200);
}

/// Zoe is an applicant, an affiliate with an account, a member who left, and a customer.
struct World {
    app: TestApp,
    zoe_id: i64,
    user_id: i64,
}

impl World {
    fn new() -> Self {
        let app = TestApp::start();
        open(&app);
        let zoe_id = applied(&app, NAME, FORMER, "TEA-LEAF");
        let user_id = account(&app, zoe_id);
        change(&app, zoe_id, user_id);
        buy(&app, zoe_id, user_id);
        mention(&app, zoe_id, user_id);
        acts_without_an_account(&app, zoe_id);
        log_of_instance(&app, user_id);
        app.work();
        Self { app, zoe_id, user_id }
    }

    fn erase(&self) -> vouch::features::privacy::Erased {
        let lookup = Lookup::by_email(EMAIL);
        erase_person(&self.app.db, &self.app.actor(), &pseudonyms(), &lookup).unwrap().unwrap()
    }

    /// Judges every order there is once more.
    fn recalculate(&self) {
        let actor = self.app.actor();
        self.app.within(|conn| {
            let cause = RecalculationReason::CalculationLogicChanged;
            request_since(conn, &actor, DateTime::UNIX_EPOCH, &cause)
        });
        self.app.work();
    }
}

fn account(app: &TestApp, zoe_id: i64) -> i64 {
    app.within(|conn| {
        let user = NewUser { email: EMAIL, name: NAME, password_hash: None, is_support: false };
        let user_id = auth::create_user(conn, &user).unwrap();
        diesel::update(affiliate_rows::table.find((app.fixture.merchant_id, zoe_id)))
            .set(affiliate_rows::user_id.eq(user_id))
            .execute(conn)?;
        auth::count_membership(conn, user_id, 1)?;
        // Also a member, and a session.
        auth::join(conn, &app.actor(), user_id, Role::Admin)?;
        conn.batch_execute(&format!(
            "INSERT INTO sessions (key_hash, user_id, state, expires_at) \
                 VALUES ('\\x01', {user_id}, '{{}}', 'infinity'), \
                 ('\\x02', NULL, '{{\"flash\": \"Invited {EMAIL}.\"}}', 'infinity')"
        ))?;
        Ok(user_id)
    })
}

/// Active, with another address than at first, payout details, and a note.
fn change(app: &TestApp, zoe_id: i64, user_id: i64) {
    let early = noon() - Duration::days(30);
    let actor = app.actor_at(early);
    let herself = Actor {
        kind: ActorKind::Affiliate,
        user_id: Some(user_id),
        name: NAME.to_owned(),
        came_from: Some("198.51.100.77".to_owned()),
        ..actor.clone()
    };
    let own =
        OwnChange { name: NAME.to_owned(), payout_details: "PayPal: zq7x@pay.example".to_owned() };
    app.within(|conn| {
        conn.batch_execute("UPDATE affiliate_terms SET valid_from = '2026-01-01'")?;
        affiliates::change_status(conn, &actor, &[zoe_id], AffiliateStatus::Active)?;
        affiliates::update_own(conn, &herself, zoe_id, &own)?;
        triggers::create(conn, &actor, zoe_id, TriggerKind::CouponCode, "LEAF10").unwrap();
        Ok(())
    });
    let admin = app.admin();
    let page = admin.get(&format!("/affiliates/{zoe_id}"));
    let fields = [("name", NAME), ("email", EMAIL), ("note", "Met zq7x at the fair")];
    assert_eq!(admin.submit(&page, "main form:has(textarea[name=note])", &fields).status, 303);
}

/// Orders: by Ada's code, by Zoe's own code, by the address that is Ben's trigger; and messages that
/// can't be read.
fn buy(app: &TestApp, zoe_id: i64, user_id: i64) {
    send(app, &order(1, EMAIL).code("ADA10", "10.00"));
    send(app, &order(2, FORMER).code("LEAF10", "10.00"));
    send(app, &order(3, &EMAIL.to_uppercase()));
    send(app, &ShopifyOrder::new(4, noon()).code("LEAF10", "5.00"));
    // Her address brings Ben an order, and the ledger names it as the reason.
    app.within(|conn| {
        let actor = app.actor_at(noon() - Duration::days(30));
        let ben_id = app.fixture.ben_id;
        triggers::create(conn, &actor, ben_id, TriggerKind::CustomerEmail, EMAIL).unwrap();
        Ok(())
    });
    app.work();
    let broken = order(5, EMAIL).with("currency", json!("no currency"));
    assert_eq!(app.shopify("orders/create", &broken.0).status, 200);
    let manual = ShopifyOrder::new(6, noon());
    send(app, &manual);
    app.within(|conn| {
        let id: i64 =
            orders::table.filter(orders::order_ref.eq("6")).select(orders::id).first(conn)?;
        let herself = Actor { user_id: Some(user_id), name: NAME.to_owned(), ..app.actor() };
        vouch::features::conversions::manual::credit_order(
            conn,
            &herself,
            zoe_id,
            id,
            "For zq7x’s stand",
        )
        .unwrap();
        Ok(())
    });
}

/// Before she had an account, and by a key that is named after her.
fn acts_without_an_account(app: &TestApp, zoe_id: i64) {
    let actor = Actor { user_id: None, name: NAME.to_owned(), ..app.actor() };
    let api = Actor { kind: ActorKind::Api, name: format!("Till of {NAME}"), ..actor.clone() };
    let affiliate = Actor { kind: ActorKind::Affiliate, ..actor };
    app.within(|conn| {
        for (actor, subject_kind) in [
            (&affiliate, SubjectKind::Registration),
            (&affiliate, SubjectKind::Affiliate),
            (&api, SubjectKind::Trigger),
        ] {
            let act = AuditRecord {
                event: serde_json::json!({ "action": "a.b" }),
                subject_kind,
                subject_id: Some(zoe_id),
                before: None,
                after: None,
            };
            record(conn, actor, act)?;
        }
        Ok(())
    });
}

/// Support staff disabled and enabled her account, and she once did something as one of them.
fn log_of_instance(app: &TestApp, user_id: i64) {
    in_instance(app, |conn| {
        conn.batch_execute(&format!(
            "INSERT INTO instance_log (at, actor_kind, actor_user_id, actor_name, came_from, action, \
                     subject_id, details) \
                 VALUES (now(), 'support', {user_id}, '{NAME}', '192.0.2.1', 'user.enabled', 0, '{{}}'), \
                     (now(), 'system', NULL, 'Vouch', NULL, 'user.disabled', {user_id}, \
                         '{{\"reason\": \"{NAME} asked\", \"sessions\": 1}}')"
        ))
    });
}

/// Wherever members write freely, and wherever sentences name people.
fn mention(app: &TestApp, zoe_id: i64, user_id: i64) {
    let merchant_id = app.fixture.merchant_id;
    // As ledgers of an earlier version said it. Others have a code with parameters.
    app.as_superuser()
        .batch_execute(&format!(
            "UPDATE commission_entries SET cause = 'Trigger of {NAME}' WHERE reason IS NULL"
        ))
        .unwrap();
    app.within(|conn| {
        conn.batch_execute(&format!(
            "UPDATE applications SET answers = '[{{\"label\": \"Site\", \"answer\": \"zq7x.example\"}}]' \
                 WHERE affiliate_id = {zoe_id}; \
             UPDATE conversions SET review = 'approved', reviewed_at = now(), \
                     review_note = 'Asked {NAME}', reviewed_by = '{NAME}' \
                 WHERE affiliate_id = {zoe_id}; \
             UPDATE orders SET fraud_by = '{NAME}', fraud_at = now(), fraud_note = 'zq7x again' \
                 WHERE order_ref = '1'; \
             UPDATE code_requests SET reason = 'Not for zq7x' WHERE affiliate_id = {zoe_id}; \
             INSERT INTO code_requests (merchant_id, affiliate_id, code, code_key, status, \
                     requested_at, origin) \
                 VALUES ({merchant_id}, {zoe_id}, 'ZQ7X10', 'ZQ7X10', 'pending', now(), 'portal'); \
             INSERT INTO exclusions (merchant_id, value, key, shape, anchor, note, added_at, added_by) \
                 VALUES ({merchant_id}, 'SAVE', 'SAVE', 'exact', '=SAVE', 'Asked by {EMAIL}', now(), '{NAME}'); \
             INSERT INTO api_keys (merchant_id, name, hint, token_hash, created_by, scopes) \
                 VALUES ({merchant_id}, 'Till of {NAME}', 'abcd', 'hash', {user_id}, '{{read}}'); \
             INSERT INTO imports (merchant_id, file_name, row_count, uploaded_at, uploaded_by) \
                 VALUES ({merchant_id}, 'codes of {NAME}.csv', 1, now(), '{NAME}'); \
             INSERT INTO import_rows (merchant_id, import_id, line, affiliate, kind, value) \
                 SELECT merchant_id, id, 2, '{EMAIL}', '', 'SAVE' FROM imports; \
             INSERT INTO invitations (merchant_id, email, email_key, role, invited_by, created_at, sent_at) \
                 VALUES ({merchant_id}, '{EMAIL}', '{EMAIL}', 'viewer', {user_id}, now(), now()); \
             INSERT INTO links (token_hash, purpose, about_merchant_id, subject_id, email_key, \
                     created_at, expires_at) \
                 VALUES ('one', 'portal_invitation', {merchant_id}, {zoe_id}, '{EMAIL}', now(), 'infinity'), \
                     ('two', 'password_reset', NULL, {user_id}, '{EMAIL}', now(), 'infinity'); \
             INSERT INTO data_requests (merchant_id, store_id, request_ref, email, received_at) \
                 VALUES ({merchant_id}, {}, '9', '{EMAIL}', now()); \
             INSERT INTO backfills (merchant_id, store_id, period_from, period_until, requested_by, requested_at) \
                 VALUES ({merchant_id}, {}, now(), now(), '{NAME}', now()); \
             INSERT INTO code_syncs (merchant_id, store_id, requested_at, requested_by, rerun_requested_by) \
                 VALUES ({merchant_id}, {}, now(), '{NAME}', '{NAME}'); \
             INSERT INTO recalculations (merchant_id, since, cause, orders_total, due_at) \
                 VALUES ({merchant_id}, now(), \
                     '{{\"reason\": \"earlier\", \"words\": \"By {NAME}\"}}', 0, 'infinity'); \
             INSERT INTO affiliates (merchant_id, public_id, name, email, email_key, status, offer_id, note) \
                 SELECT merchant_id, 'q9', 'Friend', 'f@x.example', 'f@x.example', 'pending', offer_id, \
                     'Sent by {NAME}' FROM affiliates WHERE id = {zoe_id};",
            app.fixture.store_id, app.fixture.store_id, app.fixture.store_id
        ))
    });
}

#[test]
fn nothing_of_a_person_is_left_and_every_sum_stays() {
    let world = World::new();
    let before = tables_with(&world.app, MARKER);
    for table in [
        "affiliate_emails",
        "affiliates",
        "api_keys",
        "applications",
        "audit_log",
        "backfills",
        "code_requests",
        "commission_entries",
        "code_syncs",
        "conversions",
        "data_requests",
        "deliveries.body_gzip",
        "exclusions",
        "import_rows",
        "imports",
        "instance_log",
        "invitations",
        "emails",
        "links",
        "orders",
        "recalculations",
        "sessions",
        "triggers",
        "users",
    ] {
        assert!(before.contains(table), "{table} has nothing to erase: {before:?}");
    }
    world.recalculate();
    let (money, log) = (sums(&world.app), acts(&world.app));

    let erased = world.erase();
    assert_eq!((erased.orders, erased.affiliates, erased.triggers), (3, 1, 1), "{erased:?}");
    assert_eq!((erased.applications, erased.memberships, erased.accounts), (1, 1, 1), "{erased:?}");
    assert_eq!(tables_with(&world.app, MARKER), Default::default());
    assert_eq!(sums(&world.app), money);
    assert_eq!(acts(&world.app)[..log.len()], log[..], "the audit log only grows");

    let again = world.erase();
    assert!(again.is_nothing(), "{again:?}");
    // Neither a recalculation nor a replay changes a credit, or brings anything back.
    world.recalculate();
    assert_eq!(sums(&world.app), money);
    let actor = world.app.actor();
    let kept: Vec<i64> =
        world.app.within(|conn| deliveries::table.select(deliveries::id).load(conn));
    for id in kept {
        let _ = world.app.within(|conn| Ok(replay(conn, &actor, &pseudonyms(), id).is_ok()));
    }
    assert_eq!(sums(&world.app), money);
    assert_eq!(tables_with(&world.app, MARKER), Default::default());
}

#[test]
fn what_the_store_sends_later_brings_nothing_back() {
    let world = World::new();
    world.recalculate();
    world.erase();
    let money = sums(&world.app);
    // The same orders, updated with nothing new but a time; and repeated as they were.
    for (id, email, code) in
        [(1, EMAIL, Some("ADA10")), (2, FORMER, Some("LEAF10")), (3, EMAIL, None)]
    {
        let order = order(id, email).updated_at(noon() + Duration::hours(id.cast_signed()));
        send(&world.app, &code.map_or(order.clone(), |code| order.code(code, "10.00")));
    }
    world.app.work();
    assert_eq!(sums(&world.app), money, "an update of the same order");
    // An order of hers that Vouch had not seen: by Ben’s trigger still his, by her own code her own
    // purchase, and she isn't named.
    let early =
        |id: u64, email: &str| order(id, email).with("updated_at", json!("2026-06-02T00:00:00Z"));
    send(&world.app, &early(21, EMAIL));
    send(&world.app, &early(22, &FORMER.to_uppercase()).code("LEAF10", "10.00"));
    // By another affiliate's code as ever.
    send(&world.app, &early(23, EMAIL).code("ADA10", "10.00"));
    assert_eq!(tables_with(&world.app, MARKER), Default::default());
    let credited = |order_ref: &str| -> (Option<i64>, bool) {
        world.app.within(|conn| {
            orders::table
                .filter(orders::order_ref.eq(order_ref))
                .select((orders::credited_affiliate_id, orders::erased_at.is_not_null()))
                .first(conn)
        })
    };
    assert_eq!(credited("21"), (Some(world.app.fixture.ben_id), true));
    assert_eq!(credited("22"), (None, true));
    assert_eq!(credited("23"), (Some(world.app.fixture.ada_id), true));
    let reason: Option<String> = world.app.within(|conn| {
        use vouch::kit::db::schema::conversions;
        conversions::table
            .inner_join(orders::table.on(orders::id.nullable().eq(conversions::order_id)))
            .filter(orders::order_ref.eq("22"))
            .select(conversions::reason)
            .first(conn)
    });
    assert_eq!(reason.as_deref(), Some("own_purchase"));
}

#[test]
fn other_people_keep_their_data() {
    let world = World::new();
    send(&world.app, &ShopifyOrder::new(31, noon()).email("carla@customers.example"));
    world.erase();
    let app = &world.app;
    let (name, email, user_id, status): (String, String, Option<i64>, String) =
        app.within(|conn| {
            affiliate_rows::table
                .find((app.fixture.merchant_id, app.fixture.ada_id))
                .select((
                    affiliate_rows::name,
                    affiliate_rows::email,
                    affiliate_rows::user_id,
                    affiliate_rows::status,
                ))
                .first(conn)
        });
    assert_eq!((name.as_str(), email.as_str()), ("Ada Active", "ada@affiliates.example"));
    assert_eq!((user_id, status.as_str()), (Some(app.fixture.ada_user_id), "active"));
    let customer: Option<String> = app.within(|conn| {
        orders::table.filter(orders::order_ref.eq("31")).select(orders::customer_email).first(conn)
    });
    assert_eq!(customer.as_deref(), Some("carla@customers.example"));
    let bodies: i64 = app.within(|conn| {
        deliveries::table.filter(deliveries::body_gzip.is_not_null()).count().get_result(conn)
    });
    assert_eq!(bodies, 3, "those of orders 4, 6 and 31");
    let events: Vec<Option<serde_json::Value>> = app.within(|conn| {
        audit_log::table
            .filter(audit_log::subject_id.eq(app.fixture.ada_id))
            .filter(audit_log::subject_kind.eq("affiliate"))
            .select(audit_log::params)
            .load(conn)
    });
    let is_hers = |params: &Option<serde_json::Value>| {
        params.as_ref().is_some_and(|params| params["affiliate"] == "Ada Active")
    };
    assert!(events.iter().all(is_hers), "{events:?}");
    // Zoe is gone as a user, and disabled as an affiliate.
    let (disabled, zoe): (bool, String) = in_instance(app, |conn| {
        Ok((
            users::table
                .find(world.user_id)
                .select(users::disabled_at.is_not_null())
                .first(conn)?,
            affiliate_rows::table
                .filter(affiliate_rows::id.eq(world.zoe_id))
                .select(affiliate_rows::status)
                .first(conn)?,
        ))
    });
    assert!(disabled);
    assert_eq!(zoe, "disabled");
}

#[test]
fn a_person_of_two_programs_is_erased_from_one() {
    let app = TestApp::start();
    let lookup = Lookup::by_email("ada@affiliates.example");
    let erased = erase_person(&app.db, &app.actor(), &pseudonyms(), &lookup).unwrap().unwrap();
    assert_eq!((erased.affiliates, erased.accounts), (1, 1));
    let (name, email): (String, String) =
        app.within_merchant(app.fixture.stranger_merchant_id, |conn| {
            affiliate_rows::table
                .filter(affiliate_rows::id.eq(app.fixture.stranger_affiliate_id))
                .select((affiliate_rows::name, affiliate_rows::email))
                .first(conn)
        });
    assert_eq!((name.as_str(), email.as_str()), ("Ada Active", "ada@affiliates.example"));
}

#[test]
fn the_last_owner_and_oneself_stay() {
    let app = TestApp::start();
    let own =
        erase_person(&app.db, &app.actor(), &pseudonyms(), &Lookup::by_email("owner@acme.example"));
    assert!(matches!(own.unwrap(), Err(vouch::features::privacy::ErasureError::Yourself)));
    let system = Actor::system(app.fixture.merchant_id, vouch::kit::clock::now());
    let last =
        erase_person(&app.db, &system, &pseudonyms(), &Lookup::by_email("owner@acme.example"));
    assert!(matches!(last.unwrap(), Err(vouch::features::privacy::ErasureError::LastOwner)));
    // Nothing of it was done: the address is not kept as erased either.
    let hashes: i64 =
        app.within(|conn| vouch::kit::db::schema::erased_emails::table.count().get_result(conn));
    assert_eq!(hashes, 0);
    let member =
        erase_person(&app.db, &app.actor(), &pseudonyms(), &Lookup::by_email("admin@acme.example"));
    assert_eq!(member.unwrap().unwrap().memberships, 1);
}

#[test]
fn emails_of_another_program_of_the_same_name_stay() {
    let app = TestApp::start();
    let (acme, other) = (app.fixture.merchant_id, app.fixture.stranger_merchant_id);
    in_instance(&app, |conn| {
        conn.batch_execute(&format!(
            "UPDATE merchants SET name = 'Acme Tea' WHERE id = {other}; \
             INSERT INTO emails (message_id, recipient, subject, program) \
                 VALUES ('9', 'ada@affiliates.example', 'Of one of them', 'Acme Tea')"
        ))
    });
    for merchant_id in [acme, other] {
        app.within_merchant(merchant_id, |conn| {
            let email = vouch::features::emails::EmailMessage {
                to: "ada@affiliates.example",
                program: Some("Acme Tea"),
                content: EmailContent::CodesApproved {
                    name: "Ada".to_owned(),
                    codes: vec![format!("OF{merchant_id}")],
                },
                link: None,
            };
            vouch::features::emails::post(conn, &email)
        });
    }
    // To another person, and naming them.
    app.within(|conn| {
        let (inviter, role) = ("Ada Active".to_owned(), vouch::kit::session::Role::Viewer);
        let email = vouch::features::emails::EmailMessage {
            to: "new@acme.example",
            program: Some("Acme Tea"),
            content: EmailContent::MemberInvited { inviter, role },
            link: None,
        };
        vouch::features::emails::post(conn, &email)
    });
    let fields = [("email", "ada@affiliates.example")];
    let file = app.owner().post_signed("/settings/privacy/exports", &fields).json();
    let sent: Vec<&str> = file["emails_sent"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["subject"].as_str())
        .collect();
    assert!(sent.len() == 1 && sent[0].contains(&format!("OF{acme}")), "{sent:?}");
    let lookup = Lookup::by_email("ada@affiliates.example");
    erase_person(&app.db, &app.actor(), &pseudonyms(), &lookup).unwrap().unwrap();
    let left: Vec<(Option<String>, Option<i64>)> = in_instance(&app, |conn| {
        emails::table
            .filter(emails::recipient.eq("ada@affiliates.example"))
            .order(emails::id)
            .select((emails::subject, emails::about_merchant_id))
            .load(conn)
    });
    // One from before emails knew their merchant is of either: it goes with its retention period.
    assert_eq!(left, [(Some("Of one of them".to_owned()), None), (None, Some(other))]);
    let naming: i64 = in_instance(&app, |conn| {
        let to_another = emails::table.filter(emails::recipient.eq("new@acme.example"));
        to_another.count().get_result(conn)
    });
    assert_eq!(naming, 0);
}

#[test]
fn orders_that_arrive_while_a_person_is_erased_are_credited_and_bring_nothing_back() {
    let app = TestApp::start();
    let buy = |id: u64| order(id, EMAIL).code("ADA10", "10.00");
    send(&app, &buy(1));
    let (first, rest) = (Barrier::new(4), 2..=41);
    std::thread::scope(|scope| {
        for lane in 0..3 {
            let (app, first, rest) = (&app, &first, rest.clone());
            scope.spawn(move || {
                first.wait();
                for id in rest.filter(|id| id % 3 == lane) {
                    send(app, &buy(id));
                    send(app, &buy(id).updated_at(noon() + Duration::hours(1)));
                }
            });
        }
        first.wait();
        for _ in 0..3 {
            let lookup = Lookup::by_email(EMAIL);
            erase_person(&app.db, &app.actor(), &pseudonyms(), &lookup).unwrap().unwrap();
        }
    });
    assert_eq!(tables_with(&app, MARKER), Default::default());
    let (all, credited, emails): (i64, i64, Vec<Option<String>>) = app.within(|conn| {
        let credited = orders::credited_affiliate_id.eq(app.fixture.ada_id);
        Ok((
            orders::table.count().get_result(conn)?,
            orders::table.filter(credited).count().get_result(conn)?,
            orders::table.select(orders::customer_email).distinct().load(conn)?,
        ))
    });
    assert_eq!((all, credited, emails.len()), (41, 41, 1), "{emails:?}");
}
