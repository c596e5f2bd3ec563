//! A large file is saved in portions: with progress, and each row once, whatever breaks off.

use diesel::prelude::*;
use vouch::features::imports::PORTION;
use vouch::kit::db::schema::{audit_log, imports, pushes, triggers};
use vouch::kit::supervise::Stop;

use super::{look, prepared, save, send};
use crate::harness::TestApp;

const ROWS: usize = PORTION * 2 + 500;

fn file() -> String {
    let rows = (0..ROWS).map(|n| format!("ben@affiliates.example,BULK-{n}\n"));
    format!("Affiliate,Code\n{}ben@affiliates.example,ADA10\n", rows.collect::<String>())
}

fn created(app: &TestApp) -> (i64, i64) {
    app.within(|conn| {
        let codes = triggers::table.filter(triggers::key.like("BULK-%"));
        Ok((codes.count().get_result(conn)?, pushes::table.count().get_result(conn)?))
    })
}

#[test]
fn the_page_says_how_far_it_is_and_the_rest_is_created_in_the_background() {
    let app = prepared();
    let owner = app.owner();
    let looked = look(&owner, file());
    let begun = save(&owner, &looked, &[]);
    assert_eq!(begun.status, 303);
    let shown = owner.follow(&begun);
    assert!(shown.has("#running progress"));
    assert!(!shown.has("main form"), "it can't be begun twice");
    assert_eq!(created(&app), (PORTION as i64, PORTION as i64));
    // A second press, and a worker beside another.
    assert_eq!(save(&owner, &looked, &[]).status, 303);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| vouch::features::imports::drain(&app.db).unwrap());
        }
    });
    app.work();
    assert_eq!(created(&app), (ROWS as i64, ROWS as i64));
    let shown = owner.get(&looked.path);
    assert!(!shown.has("#running") && !shown.has("meta[http-equiv=refresh]"));
    assert_eq!(shown.all("tbody tr").len(), 1, "the row that was refused");
    let (count, by): (i32, Option<String>) = app.within(|conn| {
        imports::table.select((imports::created_count, imports::completed_by)).first(conn)
    });
    assert_eq!((count, by.as_deref()), (ROWS as i32, Some("Olga Owner")));
    let lines: i64 = app.within(|conn| {
        let imported = audit_log::table.filter(audit_log::action.eq("trigger.imported"));
        imported.count().get_result(conn)
    });
    assert_eq!(lines, 1);
}

#[test]
fn a_portion_that_breaks_off_is_done_again_and_none_twice() {
    let app = prepared();
    let owner = app.owner();
    let looked = look(&owner, file());
    save(&owner, &looked, &[]);
    // The next portion cannot be written: as with a server that ends in the middle of it.
    let mut conn = app.as_superuser();
    let refuse = "ALTER TABLE pushes ADD CONSTRAINT away CHECK (false) NOT VALID";
    diesel::sql_query(refuse).execute(&mut conn).unwrap();
    vouch::features::imports::run_due(&app.db, &Stop::default()).unwrap_err();
    assert_eq!(created(&app), (PORTION as i64, PORTION as i64));
    diesel::sql_query("ALTER TABLE pushes DROP CONSTRAINT away").execute(&mut conn).unwrap();
    // Meanwhile somebody else gets one of the codes.
    app.within(|conn| {
        let taken = format!("BULK-{}", ROWS - 1);
        let ada_id = app.fixture.ada_id;
        let kind = vouch::features::triggers::TriggerKind::CouponCode;
        vouch::features::triggers::create(conn, &app.actor(), ada_id, kind, &taken).unwrap();
        Ok(())
    });
    app.work();
    assert_eq!(created(&app), (ROWS as i64, ROWS as i64));
    assert_eq!(owner.get(&looked.path).all("tbody tr").len(), 2, "with the one that was taken");
    // An import that runs isn't deleted as one that was never saved.
    assert_eq!(send(&owner, "Affiliate,Code\nx,y\n").status, 303);
}
