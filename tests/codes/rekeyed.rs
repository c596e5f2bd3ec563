//! Keys that an earlier version wrote, worked out again.

use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use vouch::features::exclusions::{Dates, ExclusionScope, NewExclusion, Pattern, add as exclude};
use vouch::kit::db::schema::{
    audit_log, code_requests, derived_keys, exclusion_terms, exclusions, offer_terms, order_codes,
    stores,
};

use super::*;
use crate::harness::then;
use crate::harness::woocommerce::WooOrder;

fn rekey(app: &TestApp) {
    vouch::app::rekey::run(&mut PgConnection::establish(&app.database_url).unwrap()).unwrap();
}

/// As the version before wrote it.
fn set(app: &TestApp, sql: &str, key: &str, value: &str) {
    let rows =
        app.within(|conn| sql_query(sql).bind::<Text, _>(key).bind::<Text, _>(value).execute(conn));
    assert!(rows > 0, "{sql}");
}

fn old_trigger(app: &TestApp, affiliate_id: i64, value: &str, key: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Made {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let made: Made = app.within(|conn| {
        sql_query(
            "with made as (insert into triggers (merchant_id, kind, value, key, look_alike, \
                 affiliate_id, created_at) \
             select merchant_id, 'coupon_code', $1, $2, $2, $3, created_at from triggers \
             where value = 'ADA10' returning *), \
             held as (insert into trigger_owners (merchant_id, trigger_id, affiliate_id, valid_from) \
                 select merchant_id, id, affiliate_id, created_at from made) \
             select id from made",
        )
        .bind::<Text, _>(value)
        .bind::<Text, _>(key)
        .bind::<BigInt, _>(affiliate_id)
        .get_result(conn)
    });
    made.id
}

#[test]
fn codes_get_their_new_keys_and_orders_what_they_missed() {
    let app = TestApp::start();
    let store = app.connect_woocommerce("shop.acme.example");
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    let order = WooOrder::new(1, later()).code("r&amp;b10", 10);
    assert_eq!(app.woocommerce(&store, "order.created", &order.0).status, 200);
    // What the version before made of it.
    old_trigger(&app, ben, "R&B10", "R&B10");
    old_trigger(&app, ben, "straße", "STRASSE");
    old_trigger(&app, ada, "LOVE❤\u{fe0f}", "LOVE❤\u{fe0f}");
    set(&app, "update order_codes set code_key = $1 where code = $2", "R&AMP;B10", "r&amp;b10");
    app.within(|conn| {
        diesel::update(stores::table).set(stores::counted_codes.eq(vec!["R&AMP;B*"])).execute(conn)
    });
    app.within(|conn| {
        diesel::update(offer_terms::table)
            .set(offer_terms::excluded_skus.eq(vec!["R&AMP;B TEE", "CAP"]))
            .execute(conn)
    });
    rekey(&app);
    app.work();
    assert_eq!(keys(&app), ["ADA10", "R&B10", "STRAßE", "LOVE❤"]);
    assert_eq!(earned(&app), [(ben, 900)], "the order that was missed");
    let code_key: String =
        app.within(|conn| order_codes::table.select(order_codes::code_key).first(conn));
    assert_eq!(code_key, "R&B10");
    let counted: Vec<Option<String>> =
        app.within(|conn| stores::table.select(stores::counted_codes).first(conn));
    assert_eq!(counted, [Some("R&B*".to_owned())]);
    let look_alikes: Vec<Option<String>> = app
        .within(|conn| triggers::table.order(triggers::id).select(triggers::look_alike).load(conn));
    assert_eq!(look_alikes[1].as_deref(), Some("RB10"));
    let excluded: Vec<Option<String>> = app.within(|conn| {
        let terms = offer_terms::table.order((offer_terms::offer_id, offer_terms::valid_from));
        terms.select(offer_terms::excluded_skus).first(conn)
    });
    assert_eq!(excluded, ["CAP", "R&B TEE"].map(|key| Some(key.to_owned())));
    let versions: Vec<i32> =
        app.within(|conn| derived_keys::table.select(derived_keys::version).load(conn));
    assert_eq!(
        versions,
        [vouch_core::code::VERSION, vouch::features::exclusions::look_alike::VERSION]
    );
    // Once and for all.
    set(&app, "update triggers set key = $1 where value = $2", "OTHER", "R&B10");
    rekey(&app);
    assert_eq!(keys(&app)[1], "OTHER");
}

#[test]
fn of_two_triggers_with_the_same_new_key_one_keeps_it_and_the_other_is_retired() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    let first = old_trigger(&app, ada, "LOVE❤", "LOVE❤");
    let second = old_trigger(&app, ben, "LOVE❤\u{fe0f}", "LOVE❤\u{fe0f}");
    rekey(&app);
    let found: Vec<(i64, String, bool)> = app.within(|conn| {
        triggers::table
            .filter(triggers::id.ge(first))
            .order(triggers::id)
            .select((triggers::id, triggers::key, triggers::retired_at.is_not_null()))
            .load(conn)
    });
    assert_eq!(
        found,
        [(first, "LOVE❤".to_owned(), false), (second, "LOVE❤\u{fe0f}".to_owned(), true)]
    );
    let told: i64 = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("trigger.merged"))
            .filter(audit_log::subject_id.eq(second))
            .count()
            .get_result(conn)
    });
    assert_eq!(told, 1);
}

#[test]
fn of_two_requests_with_the_same_new_key_the_older_one_reserves_it() {
    let app = TestApp::start();
    for (affiliate_id, code) in
        [(app.fixture.ada_id, "KISS❤\u{fe0f}"), (app.fixture.ben_id, "KISS❤\u{fe0e}")]
    {
        app.within(|conn| {
            diesel::insert_into(code_requests::table)
                .values((
                    code_requests::merchant_id.eq(app.fixture.merchant_id),
                    code_requests::affiliate_id.eq(affiliate_id),
                    code_requests::code.eq(code),
                    code_requests::code_key.eq(code),
                    code_requests::status.eq("pending"),
                    code_requests::requested_at.eq(then()),
                    code_requests::origin.eq("portal"),
                ))
                .execute(conn)
        });
    }
    rekey(&app);
    let kept: Vec<String> = app.within(|conn| {
        code_requests::table.order(code_requests::id).select(code_requests::code_key).load(conn)
    });
    assert_eq!(kept, ["KISS❤", "KISS❤\u{fe0e}"]);
}

#[test]
fn exclusions_that_become_the_same_both_stay_and_none_stops_everything() {
    let app = TestApp::start();
    app.enable_exclusions(app.fixture.merchant_id);
    let listed = [
        ("SAVE-10", "SAVE10", "exact", "=SAVE10"),
        ("SAVE.10", "SAVE.10", "exact", "=SAVE.10"),
        ("ÉTÉ*", "ÉTÉ*", "begins", "<ÉTÉ"),
        ("❤*", "❤*", "begins", "<❤"),
        ("*.A", "*.A", "ends", ">.A"),
    ];
    for (at, (value, key, shape, anchor)) in listed.into_iter().enumerate() {
        let plain = NewExclusion {
            pattern: Pattern::parse(&format!("PLAIN{at}")).unwrap(),
            note: String::new(),
            scope: ExclusionScope::ClaimsAndOrders,
            dates: Dates::default(),
        };
        let added = app.within(|conn| Ok(exclude(conn, &app.actor_at(then()), &plain).unwrap()));
        app.within(|conn| {
            diesel::update(exclusions::table.filter(exclusions::id.eq(added.id)))
                .set((
                    exclusions::value.eq(value),
                    exclusions::key.eq(key),
                    exclusions::shape.eq(shape),
                    exclusions::anchor.eq(anchor),
                ))
                .execute(conn)?;
            diesel::update(
                exclusion_terms::table.filter(exclusion_terms::exclusion_id.eq(added.id)),
            )
            .set((exclusion_terms::key.eq(key), exclusion_terms::anchor.eq(anchor)))
            .execute(conn)
        });
    }
    rekey(&app);
    let found: Vec<(String, String, i16)> = app.within(|conn| {
        exclusions::table
            .order(exclusions::id)
            .select((exclusions::value, exclusions::key, exclusions::twin))
            .load(conn)
    });
    let row = |value: &str, key: &str, twin| (value.to_owned(), key.to_owned(), twin);
    assert_eq!(
        found,
        [
            row("SAVE-10", "SAVE10", 0),
            row("SAVE.10", "SAVE10", 1),
            row("ÉTÉ*", "ETE*", 0),
            row("❤*", "❤*", 0),
            row("*.A", "*.A", 0),
        ]
    );
    let terms: Vec<String> = app.within(|conn| {
        exclusion_terms::table
            .order(exclusion_terms::exclusion_id)
            .select(exclusion_terms::key)
            .load(conn)
    });
    assert_eq!(terms, ["SAVE10", "SAVE10", "ETE*", "❤*", "*.A"]);
    let owner = app.owner();
    for (code, status) in [("S.A.V.E.1O", 422), ("ÈTE5", 422), ("JANE7", 303), ("BANANA", 303)] {
        let answer = add(&owner, app.fixture.ben_id, code, false);
        assert_eq!(answer.status, status, "{code}: {}", answer.text());
    }
    // Both can be walked to and removed.
    let list = owner.get("/settings/coupon-exclusions?sort=code");
    assert_eq!(
        list.all("tbody th a.name").iter().filter(|code| code.starts_with("SAVE")).count(),
        2
    );
}
