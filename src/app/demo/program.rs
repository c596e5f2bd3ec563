use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use rand::RngExt;
use secrecy::ExposeSecret;
use vouch_core::attribution::Commission;
use vouch_core::money::{Currency, Rate};
use vouch_core::platform::Platform;

use super::applications;
use super::catalog::DESIGNED_SKU;
use super::history;
use super::people::{ADMIN, AFFILIATE, OWNER, SUPPORT, VIEWER, user};
use super::random::Random;
use super::roles::{self, APPLICANTS, OnOffer, ROLES, Role as Part};
use super::store::DemoStore;
use crate::features::affiliates::{self, AffiliateStatus, NewAffiliate};
use crate::features::auth;
use crate::features::exclusions::{self, Dates, ExclusionScope, NewExclusion, Pattern};
use crate::features::merchants::{self, NewMerchant, Owner};
use crate::features::offers::{self, NewOffer};
use crate::features::stores::{Store, WebhookSecret, connect_shopify};
use crate::features::triggers::{self, TriggerKind};
use crate::kit::audit::{Actor, ActorKind};
use crate::kit::db::schema::{affiliates as affiliate_rows, recalculations, stores};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::secrets::Encryptor;
use crate::kit::session::Role;

const NAME: &str = "Juniper & Sage";
/// The merchant with this store domain is the demo program.
const STORE_ADDRESS: &str = "juniper-sage-demo.myshopify.com";
const PARTNERS: &str = "Partners";
/// The affiliate ID of the demo's affiliate login. It's the same in every demo, so files can
/// contain it.
const KNOWN_ID: &str = "c5z7";
/// How long ago the program started.
const AGE_DAYS: i64 = 120;

/// The demo program after [`load`].
pub struct Loaded {
    pub store: DemoStore,
    /// Whether this run created it.
    pub is_new: bool,
    /// An active code.
    pub code: &'static str,
}

/// Creates the demo program, or finds it and leaves it unchanged. The caller holds
/// `Scope::Instance`. Everything is created in this one transaction. Fails if another user already
/// has one of the demo's email addresses.
pub fn load(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    now: DateTime<Utc>,
) -> anyhow::Result<Loaded> {
    let code = ROLES[0].codes[0];
    if let Some(store) = find(conn, encryptor, STORE_ADDRESS)? {
        return Ok(Loaded { store, is_new: false, code });
    }
    let store = make(conn, encryptor, now)?;
    Ok(Loaded { store, is_new: true, code })
}

/// The demo store with that domain, connected or not; `None` if there is none. Fails if its secret
/// was encrypted with another secret key.
pub(super) fn find(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    address: &str,
) -> anyhow::Result<Option<DemoStore>> {
    let store = stores::table
        .filter(stores::platform.eq(Platform::Shopify))
        .filter(stores::address.eq(address))
        .order((stores::merchant_id, stores::id))
        .select(Store::as_select())
        .first(conn)
        .optional()?;
    let Some(store) = store else { return Ok(None) };
    let secrets = store
        .webhook_secrets(encryptor)
        .context("the demo program was created with another VOUCH_SECRET_KEY")?;
    Ok(Some(DemoStore {
        merchant_id: store.merchant_id,
        store_id: store.id,
        store_key: store.store_key,
        secret: secrets.first().map(|s| s.expose_secret().to_vec()).unwrap_or_default(),
        pseudonyms: Pseudonyms::new(encryptor),
    }))
}

/// Connects the store with a secret of its own.
pub(super) fn connect(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    address: &str,
) -> anyhow::Result<DemoStore> {
    let mut random = rand::rng();
    let secret: String = (0..32).map(|_| format!("{:x}", random.random_range(0..16))).collect();
    let store = connect_shopify(conn, actor, encryptor, address, &WebhookSecret::parse(&secret)?)?;
    Ok(DemoStore {
        merchant_id: store.merchant_id,
        store_id: store.id,
        store_key: store.store_key,
        secret: secret.into_bytes(),
        pseudonyms: Pseudonyms::new(encryptor),
    })
}

fn make(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    now: DateTime<Utc>,
) -> anyhow::Result<DemoStore> {
    let begun = now - Duration::days(AGE_DAYS);
    let owner_id = user(conn, &OWNER)?;
    let merchant = NewMerchant {
        name: NAME,
        currency: Currency::USD,
        time_zone: chrono_tz::America::New_York,
        owner: Owner::Existing(owner_id),
    };
    let merchant = merchants::create(conn, &merchant, begun)?;
    let owner = Actor {
        merchant_id: merchant.merchant_id,
        kind: ActorKind::Member,
        user_id: Some(owner_id),
        name: OWNER.name.to_owned(),
        came_from: None,
        now: begun,
    };
    for (login, role) in [(ADMIN, Role::Admin), (VIEWER, Role::Viewer)] {
        let user_id = user(conn, &login)?;
        auth::join(conn, &owner, user_id, role)?;
    }
    let support_id = user(conn, &SUPPORT)?;
    let store = connect(conn, &owner, encryptor, STORE_ADDRESS)?;
    let flat = Commission::FlatPerOrder { amount_minor: 800, currency: Currency::USD };
    let offers = Offers {
        standard: merchant.offer_id,
        partners: offer(conn, &owner, PARTNERS, Commission::Percent { rate: Rate::percent(15) })?,
        creators: offer(conn, &owner, "Creators", flat)?,
    };
    let mut random = Random::new(40);
    for part in &ROLES {
        let early = begun + Duration::minutes(random.between(60, 28 * 24 * 60));
        // Applicants join when they apply.
        let applied = APPLICANTS.iter().find(|(email, ..)| *email == part.email);
        let joined = applied.map_or(early, |(.., hours)| now - Duration::hours(*hours));
        enter(conn, &Actor { now: joined, ..owner.clone() }, part, &offers)?;
    }
    history::play(conn, &owner, &store, now)?;
    exclude(conn, &owner, support_id)?;
    applications::play(conn, &Actor { now, ..owner })?;
    // All changes came before the orders they affect, so there's nothing to recalculate.
    diesel::delete(recalculations::table)
        .filter(recalculations::merchant_id.eq(merchant.merchant_id))
        .filter(recalculations::orders_total.eq(0))
        .execute(conn)?;
    Ok(store)
}

/// The merchant's exclusions: a code or pattern, the note, and the scope.
const EXCLUDED: [(&str, &str, ExclusionScope); 10] = [
    ("BLACKFRIDAY*", "Site-wide November sale", ExclusionScope::Claims),
    ("CYBERMONDAY*", "Site-wide November sale", ExclusionScope::Claims),
    ("WELCOME10", "Newsletter welcome code", ExclusionScope::Claims),
    ("FREESHIP*", "Free shipping codes aren’t for affiliates", ExclusionScope::Claims),
    ("*STAFF*", "Staff discount", ExclusionScope::ClaimsAndOrders),
    ("FRIENDS-FAMILY", "Discount for friends and family", ExclusionScope::ClaimsAndOrders),
    ("SUMMER*", "Site-wide July sale", ExclusionScope::Claims),
    ("HOLIDAY*", "Site-wide December sale", ExclusionScope::Claims),
    ("GIFT-*-CARD", "Gift card codes", ExclusionScope::Claims),
    ("*SORRY", "Issued by customer service", ExclusionScope::Claims),
];

/// Support staff enable Coupon Exclusions, then the owner fills the list.
fn exclude(conn: &mut PgConnection, owner: &Actor, support_id: i64) -> anyhow::Result<()> {
    let support = Actor {
        kind: ActorKind::Support,
        user_id: Some(support_id),
        name: SUPPORT.name.to_owned(),
        now: owner.now + Duration::days(2),
        ..owner.clone()
    };
    exclusions::enable(conn, &support, true, "Requested by email")?;
    for (at, (typed, note, scope)) in EXCLUDED.iter().enumerate() {
        let now = support.now + Duration::minutes(11 + 4 * i64::try_from(at)?);
        let new = NewExclusion {
            pattern: Pattern::parse(typed)?,
            note: (*note).to_owned(),
            scope: *scope,
            dates: Dates::default(),
        };
        exclusions::add(conn, &Actor { now, ..owner.clone() }, &new)?;
    }
    Ok(())
}

struct Offers {
    standard: i64,
    partners: i64,
    creators: i64,
}

fn offer(
    conn: &mut PgConnection,
    actor: &Actor,
    name: &str,
    commission: Commission,
) -> anyhow::Result<i64> {
    let new = NewOffer {
        name: name.to_owned(),
        commission,
        excluded_skus: Vec::new(),
        // Partners are trusted.
        auto_approve: name == PARTNERS,
        is_default: false,
    };
    Ok(offers::create(conn, actor, &new)?.id)
}

/// One affiliate joins, with their triggers.
fn enter(
    conn: &mut PgConnection,
    actor: &Actor,
    part: &Part,
    offers: &Offers,
) -> anyhow::Result<()> {
    let is_person = part.email == AFFILIATE.email;
    let user_id = if is_person { Some(user(conn, &AFFILIATE)?) } else { None };
    let applied = matches!(part.status, AffiliateStatus::Pending | AffiliateStatus::Denied);
    let new = NewAffiliate {
        name: part.name.to_owned(),
        email: part.email.to_owned(),
        status: if applied { AffiliateStatus::Pending } else { AffiliateStatus::Active },
        offer_id: match part.offer {
            OnOffer::Standard => offers.standard,
            OnOffer::Partners => offers.partners,
            OnOffer::Creators => offers.creators,
        },
        note: if is_person {
            "Met at the fall trade show. Wants to hear about new products early.".to_owned()
        } else {
            String::new()
        },
        user_id,
    };
    let affiliate = affiliates::create(conn, actor, &new)?;
    if is_person {
        let row = affiliate_rows::table.find((actor.merchant_id, affiliate.id));
        diesel::update(row).set(affiliate_rows::public_id.eq(KNOWN_ID)).execute(conn)?;
    }
    let codes = part.codes.iter().map(|code| (TriggerKind::CouponCode, *code));
    let customer = (part.email == roles::BROUGHT_A_CUSTOMER)
        .then_some((TriggerKind::CustomerEmail, roles::THE_CUSTOMER));
    let design = (part.email == roles::DESIGNER).then_some((TriggerKind::Sku, DESIGNED_SKU));
    for (at, (kind, value)) in codes.chain(customer).chain(design).enumerate() {
        let later = Duration::minutes(3 + 2_000 * i64::try_from(at)?);
        let actor = Actor { now: actor.now + later, ..actor.clone() };
        triggers::create(conn, &actor, affiliate.id, kind, value)
            .with_context(|| format!("can't create {value}"))?;
    }
    Ok(())
}
