//! Who and what is there from the start: two programs side by side.

use chrono::{DateTime, TimeZone, Utc};
use diesel::prelude::*;
use secrecy::SecretBox;
use vouch::features::affiliates::{self, AffiliateStatus, NewAffiliate};
use vouch::features::auth::{self, NewUser};
use vouch::features::merchants::{self, CreatedMerchant, NewMerchant, Owner};
use vouch::features::stores::{self, WebhookSecret};
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::audit::{Actor, ActorKind};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::secrets::Encryptor;
use vouch::kit::session::Role;
use vouch_core::money::Currency;

use super::{SECRET_KEY, two_factor};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "violet harbour 9 anvil";
/// What signs the webhooks of the Shopify store.
pub(crate) const SHOP_SECRET: &str = "shop-secret-of-the-tests-0123456789";

/// The keys of what is there. Everything was made on 1 January 2026.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixture {
    /// Acme Tea: USD, New York. Its offer **Standard** pays 10% of sale.
    pub merchant_id: i64,
    pub owner_id: i64,
    pub offer_id: i64,
    /// Ada Active, who can sign in; holds ADA10.
    pub ada_id: i64,
    pub ada_user_id: i64,
    /// The trigger ADA10.
    pub ada10_id: i64,
    /// Ben Second, who cannot sign in; holds nothing.
    pub ben_id: i64,
    /// The Shopify store acme-tea.myshopify.com.
    pub store_id: i64,
    pub store_key: String,
    /// Borealis Books: EUR, Berlin.
    pub stranger_merchant_id: i64,
    /// An affiliate of Borealis Books, with the same address as Ada; holds ADA10 there.
    pub stranger_affiliate_id: i64,
    pub stranger_trigger_id: i64,
}

/// When everything was made.
pub(crate) fn then() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

pub(crate) fn make(url: &str) -> Fixture {
    let mut conn = PgConnection::establish(url).unwrap();
    let hash = auth::hash(PASSWORD).unwrap();
    let (acme, borealis, ada_user_id) = in_scope(&mut conn, Scope::Instance, |conn| {
        let acme = merchant(conn, &hash, "Acme Tea", Currency::USD, "America/New_York", "acme");
        let borealis =
            merchant(conn, &hash, "Borealis Books", Currency::EUR, "Europe/Berlin", "borealis");
        let admin = user(conn, &hash, "admin@acme.example", "Adam Admin", false);
        let viewer = user(conn, &hash, "viewer@acme.example", "Vera Viewer", false);
        user(conn, &hash, "support@vouch.example", "Sam Support", true);
        two_factor::give(conn, "support@vouch.example")?;
        let actor = Actor::system(acme.merchant_id, then());
        auth::join(conn, &actor, admin, Role::Admin)?;
        auth::join(conn, &actor, viewer, Role::Viewer)?;
        let ada = user(conn, &hash, "ada@affiliates.example", "Ada Active", false);
        QueryResult::Ok((acme, borealis, ada))
    })
    .unwrap();
    let fixture = program(&mut conn, &acme, ada_user_id);
    let (stranger_affiliate_id, stranger_trigger_id) =
        in_scope(&mut conn, Scope::Merchant(borealis.merchant_id), |conn| {
            let actor = owner_of(&borealis);
            let id =
                affiliate(conn, &actor, &borealis, "Ada Active", "ada@affiliates.example", None);
            QueryResult::Ok((id, code(conn, &actor, id, "ADA10")))
        })
        .unwrap();
    // There's no order yet that its triggers could be too late for.
    in_scope(&mut conn, Scope::Instance, |conn| {
        diesel::delete(vouch::kit::db::schema::recalculations::table).execute(conn)
    })
    .unwrap();
    Fixture {
        stranger_merchant_id: borealis.merchant_id,
        stranger_affiliate_id,
        stranger_trigger_id,
        ..fixture
    }
}

fn program(conn: &mut PgConnection, acme: &CreatedMerchant, ada_user_id: i64) -> Fixture {
    in_scope(conn, Scope::Merchant(acme.merchant_id), |conn| {
        let actor = owner_of(acme);
        let ada = affiliate(
            conn,
            &actor,
            acme,
            "Ada Active",
            "ada@affiliates.example",
            Some(ada_user_id),
        );
        let ben = affiliate(conn, &actor, acme, "Ben Second", "ben@affiliates.example", None);
        let encryptor = Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
        let secret = WebhookSecret::parse(SHOP_SECRET).unwrap();
        let store =
            stores::connect_shopify(conn, &actor, &encryptor, "acme-tea.myshopify.com", &secret)
                .unwrap();
        QueryResult::Ok(Fixture {
            merchant_id: acme.merchant_id,
            owner_id: acme.owner_id,
            offer_id: acme.offer_id,
            ada_id: ada,
            ada_user_id,
            ada10_id: code(conn, &actor, ada, "ADA10"),
            ben_id: ben,
            store_id: store.id,
            store_key: store.store_key,
            ..Fixture::default()
        })
    })
    .unwrap()
}

fn merchant(
    conn: &mut PgConnection,
    hash: &str,
    name: &str,
    currency: Currency,
    time_zone: &str,
    domain: &str,
) -> CreatedMerchant {
    let email = format!("owner@{domain}.example");
    let owner =
        NewUser { email: &email, name: "Olga Owner", password_hash: Some(hash), is_support: false };
    let new = NewMerchant {
        name,
        currency,
        time_zone: time_zone.parse().unwrap(),
        owner: Owner::New(owner),
    };
    merchants::create(conn, &new, then()).unwrap()
}

fn user(conn: &mut PgConnection, hash: &str, email: &str, name: &str, is_support: bool) -> i64 {
    let new = NewUser { email, name, password_hash: Some(hash), is_support };
    auth::create_user(conn, &new).unwrap()
}

fn owner_of(merchant: &CreatedMerchant) -> Actor {
    Actor {
        merchant_id: merchant.merchant_id,
        kind: ActorKind::Member,
        user_id: Some(merchant.owner_id),
        name: "Olga Owner".to_owned(),
        came_from: None,
        now: then(),
    }
}

fn affiliate(
    conn: &mut PgConnection,
    actor: &Actor,
    merchant: &CreatedMerchant,
    name: &str,
    email: &str,
    user_id: Option<i64>,
) -> i64 {
    let new = NewAffiliate {
        name: name.to_owned(),
        email: email.to_owned(),
        status: AffiliateStatus::Active,
        offer_id: merchant.offer_id,
        note: String::new(),
        user_id,
    };
    affiliates::create(conn, actor, &new).unwrap().id
}

fn code(conn: &mut PgConnection, actor: &Actor, affiliate_id: i64, code: &str) -> i64 {
    triggers::create(conn, actor, affiliate_id, TriggerKind::CouponCode, code).unwrap().id
}
