//! Support staff: what they see of a merchant's people and stores, and what they can do for them.

use diesel::prelude::*;
use vouch::features::team;
use vouch::features::triggers::{TriggerKind, create};
use vouch::kit::db::schema::{audit_log, invitations, members, pushes, triggers};
use vouch::kit::secrets::Encryptor;
use vouch::kit::session::Role;

use crate::harness::{SECRET_KEY, TestApp};
use crate::registration::{emails_to, link_to};

const IVY: &str = "ivy@acme.example";

fn path(app: &TestApp) -> String {
    format!("/support/merchants/{}", app.fixture.merchant_id)
}

/// Both programs invite the same person; answers the invitation of the first.
fn invite(app: &TestApp) -> i64 {
    let encryptor = Encryptor::new(&Box::new(SECRET_KEY).into());
    for merchant_id in [app.fixture.stranger_merchant_id, app.fixture.merchant_id] {
        app.within_merchant(merchant_id, |conn| {
            let owner: i64 = members::table
                .filter(members::merchant_id.eq(merchant_id).and(members::role.eq(Role::Owner)))
                .select(members::user_id)
                .first(conn)?;
            let user_id = Some(owner);
            let actor = vouch::kit::audit::Actor { merchant_id, user_id, ..app.actor() };
            team::invite(conn, &actor, &encryptor, IVY, Role::Viewer).unwrap();
            Ok(())
        });
    }
    app.within(|conn| invitations::table.select(invitations::id).first(conn))
}

#[test]
fn an_invitation_is_sent_again_in_the_inviters_name_and_the_merchant_reads_who_did_it() {
    let app = TestApp::start();
    let id = invite(&app);
    let (first, support) = (link_to(&app, IVY), app.support());
    let page = support.get(&path(&app));
    let invitation = page.one("[aria-labelledby=invitations] tbody th");
    assert!(invitation.contains("Olga Owner"), "{invitation}");
    let sent = support.submit(&page, &format!("form[action$='/invitations/{id}/sending']"), &[]);
    assert!(support.follow(&sent).one("[role=status].tone-good").contains(IVY));
    let emails = emails_to(&app, IVY);
    let subject = &emails[0].0;
    assert!(subject.contains("Olga Owner") && subject.contains("Acme Tea"), "{subject}");
    assert_eq!(emails.len(), 3);
    let (second, ivy) = (link_to(&app, IVY), app.anonymous());
    assert_eq!((ivy.get(&first).status, ivy.get(&second).status), (404, 200));
    let log = app.owner().get("/settings/audit-log?by=support");
    assert!(log.says(IVY) && log.says("Sam Support"), "{}", log.text());

    // Nobody else's, and none that is not open any more.
    let foreign = format!("/support/merchants/{}", app.fixture.stranger_merchant_id);
    let sending = |base: &str| format!("{base}/invitations/{id}/sending");
    assert_eq!(support.post_signed(&sending(&foreign), &[]).status, 404);
    assert_eq!(app.owner().post_signed(&sending(&path(&app)), &[]).status, 403);
    app.within(|conn| {
        diesel::update(invitations::table)
            .set(invitations::withdrawn_at.eq(vouch::kit::clock::now()))
            .execute(conn)
    });
    assert_eq!(support.post_signed(&sending(&path(&app)), &[]).status, 404);
    assert!(!support.get(&path(&app)).has("[aria-labelledby=invitations]"));
    let acts: i64 = app.within(|conn| {
        audit_log::table.filter(audit_log::action.eq("invitation.sent")).count().get_result(conn)
    });
    assert_eq!(acts, 1);
}

#[test]
fn what_failed_at_a_store_is_counted_and_its_newest_reasons_are_shown() {
    let app = TestApp::start();
    let support = app.support();
    assert!(!support.get(&path(&app)).has("td[data-label=Failures] .badge-v"));
    let (actor, known) = (app.actor(), app.fixture.clone());
    app.shopify("orders/create", &serde_json::json!({ "id": "no order at all" }));
    app.within(|conn| {
        for number in 0..5 {
            let code = format!("FAIL{number}");
            create(conn, &actor, known.ada_id, TriggerKind::CouponCode, &code).unwrap();
            let trigger_id: i64 =
                triggers::table.filter(triggers::key.eq(&code)).select(triggers::id).first(conn)?;
            diesel::insert_into(pushes::table)
                .values((
                    pushes::merchant_id.eq(known.merchant_id),
                    pushes::trigger_id.eq(trigger_id),
                    pushes::store_id.eq(known.store_id),
                    pushes::status.eq("failed"),
                    pushes::reason.eq(format!("Refused for reason {number}.")),
                    pushes::created_at.eq(actor.now),
                ))
                .execute(conn)?;
        }
        Ok(())
    });
    let page = support.get(&path(&app));
    let counts = page.all("td[data-label=Failures] .badge-v");
    assert!(counts[0].starts_with("1 ") && counts[1].starts_with("5 "), "{counts:?}");
    let newest = page.all("td[data-label=Failures] strong");
    assert_eq!(newest, ["orders/create", "FAIL4", "FAIL3", "FAIL2"]);
    let failed = page.one("td[data-label=Failures]");
    assert!(failed.contains("Refused for reason 2.") && !failed.contains("reason 1"), "{failed}");
    assert!(page.all("#state + dl dd")[2].starts_with("1 "), "waiting");
    let other = support.get(&format!("/support/merchants/{}", known.stranger_merchant_id));
    assert!(!other.says("FAIL4") && !other.says("orders/create"));
}
