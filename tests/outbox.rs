//! Work that is left for the background.

use diesel::prelude::*;
use vouch::clock;
use vouch::db::schema::outbox;
use vouch::db::{Scope, in_scope};
use vouch::outbox::{given_up, take_up_again, work_off};

use crate::harness::TestApp;

fn in_installation<T>(app: &TestApp, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Installation, work).unwrap()
}

#[test]
fn what_is_given_up_keeps_its_reason_and_is_taken_up_again_at_the_next_start() {
    let app = TestApp::start();
    assert_eq!(in_installation(&app, given_up), (0, String::new()));
    app.within(|conn| {
        diesel::insert_into(outbox::table)
            .values((
                outbox::merchant_id.eq(app.fixture.merchant_id),
                outbox::kind.eq("sing"),
                outbox::payload.eq(serde_json::json!({ "kind": "sing" })),
                outbox::attempts.eq(11),
            ))
            .execute(conn)
    });
    assert_eq!(work_off(&app.db).unwrap(), 1);
    let (number, reason) = in_installation(&app, given_up);
    assert_eq!(number, 1);
    assert!(reason.contains("unknown variant `sing`"), "{reason}");
    assert!(app.owner().get("/dashboard").says("1 piece of background work was given up"));
    assert_eq!(work_off(&app.db).unwrap(), 0, "it rests");

    assert_eq!(in_installation(&app, |conn| take_up_again(conn, clock::now())), 1);
    assert!(!app.owner().get("/dashboard").says("given up"));
    assert_eq!(work_off(&app.db).unwrap(), 1, "it is tried anew");
    assert_eq!(in_installation(&app, given_up).0, 0, "and has its tries again");
}
