//! The demo program's registration settings and its waiting applicants.

use anyhow::Context;
use chrono::Duration;
use diesel::prelude::*;

use super::roles::{ADDITIONAL_REQUEST, APPLICANTS};
use crate::features::affiliates::{Affiliate, OwnChange, update_own};
use crate::features::applications::CodeRequestOrigin;
use crate::features::applications::FieldAnswer;
use crate::features::availability::lock_codes_exclusive;
use crate::features::code_requests;
use crate::features::registration::{self, CustomField, FieldKind, Registration};
use crate::features::triggers::CouponCode;
use crate::kit::audit::{Actor, ActorKind};
use crate::kit::db::schema::{affiliates, applications};

const WHERE: &str = "Where do you post?";
const ABOUT: &str = "What would you tell people about us?";
const TERMS: &str = "Share your code as a personal recommendation, and disclose that you earn commission.\n\
    Don’t bid on our brand name in ads.\nWe don’t pay commission on returned orders.";

/// Opens registration and creates the applications in [`APPLICANTS`].
pub(super) fn play(conn: &mut PgConnection, actor: &Actor) -> anyhow::Result<()> {
    let field =
        |label: &str, kind, required| CustomField { label: label.to_owned(), kind, required };
    let open = Registration {
        is_open: true,
        intro: "Do you love soap as much as we do? Apply with the code you’d like to share, \
                and earn 10% on the orders placed with it."
            .to_owned(),
        terms: TERMS.to_owned(),
        thanks: "We review applications every Tuesday.".to_owned(),
        allows_code_requests: true,
        fields: vec![field(WHERE, FieldKind::Link, true), field(ABOUT, FieldKind::Lines, false)],
        ..Registration::default()
    };
    registration::save(conn, actor, &open)?;
    lock_codes_exclusive(conn, actor.merchant_id)?;
    for (email, code, link, hours) in APPLICANTS {
        let affiliate = demo_affiliate(conn, actor, email)?;
        let applicant = Actor {
            kind: ActorKind::Affiliate,
            user_id: None,
            name: affiliate.name.clone(),
            now: actor.now - Duration::hours(hours),
            ..actor.clone()
        };
        let origin = CodeRequestOrigin::Application;
        code_requests::open(
            conn,
            &applicant,
            &affiliate,
            &CouponCode::parse(code)?.into(),
            origin,
        )?;
        apply(conn, &applicant, &affiliate, code, link)?;
    }
    ask(conn, actor)
}

fn demo_affiliate(
    conn: &mut PgConnection,
    actor: &Actor,
    email: &str,
) -> anyhow::Result<Affiliate> {
    affiliates::table
        .filter(affiliates::merchant_id.eq(actor.merchant_id))
        .filter(affiliates::email.eq(email))
        .select(Affiliate::as_select())
        .first(conn)
        .with_context(|| format!("{email} isn't in the demo"))
}

/// An affiliate requests another code and enters her payout details.
fn ask(conn: &mut PgConnection, actor: &Actor) -> anyhow::Result<()> {
    let (email, code) = ADDITIONAL_REQUEST;
    let affiliate = demo_affiliate(conn, actor, email)?;
    let of_affiliate = affiliates::table.find((actor.merchant_id, affiliate.id));
    let user_id: Option<i64> = of_affiliate.select(affiliates::user_id).first(conn)?;
    let asking = Actor {
        kind: ActorKind::Affiliate,
        user_id,
        name: affiliate.name.clone(),
        now: actor.now - Duration::hours(5),
        ..actor.clone()
    };
    let change =
        OwnChange { name: affiliate.name.clone(), payout_details: format!("PayPal: {email}") };
    update_own(conn, &asking, affiliate.id, &change)?;
    let origin = CodeRequestOrigin::Portal;
    code_requests::open(conn, &asking, &affiliate, &CouponCode::parse(code)?.into(), origin)?;
    Ok(())
}

/// Inserts an application that's already confirmed. No email is sent, because the demo's email
/// addresses don't exist.
fn apply(
    conn: &mut PgConnection,
    applicant: &Actor,
    affiliate: &Affiliate,
    code: &str,
    link: &str,
) -> QueryResult<()> {
    let answer = |label: &str, answer: &str| FieldAnswer {
        label: label.to_owned(),
        answer: answer.to_owned(),
    };
    let answers = [answer(WHERE, link), answer(ABOUT, "")];
    diesel::insert_into(applications::table)
        .values((
            applications::merchant_id.eq(applicant.merchant_id),
            applications::name.eq(&affiliate.name),
            applications::email.eq(&affiliate.email),
            applications::email_key.eq(&affiliate.email),
            applications::code.eq(code),
            applications::answers.eq(serde_json::json!(answers)),
            applications::agreed_to.eq(TERMS),
            applications::sent_at.eq(applicant.now - Duration::minutes(4)),
            applications::confirmed_at.eq(applicant.now),
            applications::affiliate_id.eq(affiliate.id),
        ))
        .execute(conn)?;
    Ok(())
}
