//! Whatever goes wrong between Vouch and a store of each platform: in the end the code is there
//! once, and the page says how it stands. What stores can do to the memory is in `memory`.

use chrono::Duration;
use vouch::kit::clock;
use vouch_core::platform::Platform as OfPlatform;
use vouch_platforms::{Permission as BigcommercePermission, Reason};

use super::cases::Case;
use super::{call_out, code, push_id, status};
use crate::harness::stores::bigcommerce::Bigcommerce;
use crate::harness::stores::shopify::Shop;
use crate::harness::stores::woocommerce::{Permission, WooSite};
use crate::harness::stores::{Fault, Platform, Reply};

const ELSEWHERE: &str = "https://evil.example/";
/// What WooCommerce says of a key that only reads.
const NO_WRITING: &str = "The API key provided does not have write permissions";
const NO_ACCESS: &str = "[data-problem=access]";

/// How a code stands after a fault.
enum Stands {
    /// It waits for the next try, with this reason.
    Waits(Reason),
    /// The store asked for a pause: nothing was wrong.
    Pauses,
    /// It was refused, with this reason.
    Failed(Reason),
    /// The store rests, and every page says so.
    Rests(Reason),
}

/// What every platform's answers can be like.
fn faults(platform: OfPlatform) -> Vec<(Fault, Stands)> {
    let unavailable = |status| Reason::Unavailable { platform, status: Some(status) };
    vec![
        (Fault::html(), Stands::Waits(Reason::NotJson { status: 200, is_web_page: true })),
        (Fault::status(500), Stands::Waits(unavailable(500))),
        (Fault::status(503), Stands::Waits(unavailable(503))),
        (Fault::Lost, Stands::Waits(Reason::Interrupted)),
        (Fault::LostAfterWrite, Stands::Waits(Reason::Interrupted)),
        (Fault::Truncated, Stands::Waits(Reason::Interrupted)),
        (Fault::Huge, Stands::Waits(Reason::ResponseTooLarge)),
    ]
}

fn limited(header: &'static str) -> Fault {
    Fault::Instead(
        Reply { status: 429, headers: Vec::new(), body: String::new() }.header(header, "3"),
    )
}

impl<P: Platform> Case<P> {
    /// A code for each fault of `creation`: how it stands after it, and that it is there once.
    fn survives(&self, creation: &str, own: Vec<(Fault, Stands)>) {
        for (at, (fault, stands)) in faults(self.platform()).into_iter().chain(own).enumerate() {
            let name = format!("{creation}: {fault:?}").chars().take(90).collect::<String>();
            let value = format!("CODE{at}-{}", creation.len());
            let id = code(&self.app, &value);
            self.held.once(creation, fault);
            let now = clock::now();
            call_out(&self.app, now);
            self.stands(id, &stands, &name);
            if let Stands::Failed(_) = stands {
                let push = push_id(&self.app, id);
                self.app.within(|conn| {
                    vouch::features::pushes::retry(conn, &self.app.actor(), id, push)
                });
            }
            if let Stands::Rests(_) = stands {
                self.get_new_credentials();
            }
            call_out(&self.app, now + Duration::hours(1));
            let (last, reason) = status(&self.app, id);
            assert_eq!((last.as_str(), reason.as_str()), ("pushed", ""), "{name}");
            assert_eq!(self.count(&value), 1, "{name}");
            assert!(self.page(id).has(".pushes [data-status=pushed]"), "{name}");
        }
    }

    fn stands(&self, id: i64, stands: &Stands, name: &str) {
        let (status, reason) = match stands {
            Stands::Waits(reason) => ("queued", Some(reason.to_string())),
            Stands::Pauses => ("queued", None),
            Stands::Failed(reason) => ("failed", Some(reason.to_string())),
            Stands::Rests(reason) => {
                let problem = self.owner.get("/dashboard").one(NO_ACCESS);
                assert!(problem.contains(&reason.to_string()), "{name}: {problem}");
                // Every page has the reason already; here is the store to wait for.
                ("queued", Some(self.store_name().to_owned()))
            }
        };
        let page = self.page(id);
        assert!(page.has(&format!(".pushes [data-status={status}]")), "{name}");
        let said = page.all(".push-reason").join(" ");
        match reason {
            Some(reason) => assert!(said.contains(&reason), "{name}: {said}"),
            None => assert_eq!(said, "", "{name}"),
        }
        assert_eq!(page.has("form[action$='/retry']"), status == "failed", "{name}");
    }

    /// Each of `breakings` stops the store with this reason, until it is mended.
    fn rests_and_goes_on(&self, breakings: &[(fn(&mut P), Reason)], fix: fn(&mut P)) {
        for (at, (broken, reason)) in breakings.iter().enumerate() {
            let words = &reason.to_string();
            broken(&mut self.held.store());
            let (value, second) = (format!("REST{at}"), format!("LATER{at}"));
            let id = code(&self.app, &value);
            let now = clock::now() + Duration::hours(2);
            call_out(&self.app, now);
            self.stands(id, &Stands::Rests(reason.clone()), words);
            let calls = self.held.requests().len();
            let later = code(&self.app, &second);
            call_out(&self.app, now + Duration::hours(1));
            assert_eq!(self.held.requests().len(), calls, "{words}: the store rests");
            fix(&mut self.held.store());
            self.get_new_credentials();
            call_out(&self.app, now + Duration::hours(1));
            for (id, value) in [(id, &value), (later, &second)] {
                assert_eq!(status(&self.app, id).0, "pushed", "{words}");
                assert_eq!(self.count(value), 1, "{words}");
            }
            assert!(!self.owner.get("/dashboard").has(NO_ACCESS), "{words}");
        }
    }

    /// A code that is there in another case stays as it is, and is the store's own.
    fn leaves_what_is_there(&self, make: fn(&mut P, &str)) {
        make(&mut self.held.store(), "spring");
        let id = code(&self.app, "SPRING");
        call_out(&self.app, clock::now() + Duration::hours(4));
        let page = self.page(id);
        assert!(page.one(".pushes [data-status=in_store] .push-reason").contains("spring"));
        assert!(page.has("form[action$='/attachment']"));
        assert_eq!(self.count("spring"), 1);
    }
}

#[test]
fn a_code_is_once_in_shopify_whatever_goes_wrong() {
    let case = Case::shopify();
    let platform = case.platform();
    let own = vec![
        (Fault::redirect(ELSEWHERE), Stands::Waits(Reason::Redirected { platform, target: None })),
        (Fault::shopify_throttled(3.0), Stands::Pauses),
        (limited("retry-after"), Stands::Pauses),
    ];
    case.survives("discountCodeBasicCreate", own);
    let lacking = Reason::MissingScope { scope: "read_discounts".to_owned() };
    case.rests_and_goes_on(
        &[
            (|shop: &mut Shop| shop.tokens.clear(), Reason::TokenRejected { platform }),
            (|shop| shop.scopes.retain(|scope| scope == "read_orders"), lacking),
        ],
        |shop| {
            let new = Shop::new();
            (shop.tokens, shop.scopes) = (new.tokens, new.scopes);
        },
    );
    case.leaves_what_is_there(|shop, code| drop(shop.add_discount(code, 0.1)));
}

#[test]
fn a_code_is_once_in_bigcommerce_whatever_goes_wrong() {
    let case = Case::bigcommerce();
    let platform = case.platform();
    let redirected = Reason::Redirected { platform, target: None };
    let own = || {
        vec![
            (Fault::redirect(ELSEWHERE), Stands::Failed(redirected.clone())),
            (limited("x-retry-after"), Stands::Pauses),
        ]
    };
    // Two calls make one code.
    case.survives("redemption_type", own());
    case.survives("/codes", own());
    let promotions = case.held.store().promotions.len();
    assert_eq!(promotions, case.held.store().codes().len());
    case.rests_and_goes_on(
        &[
            (
                |bc: &mut Bigcommerce| bc.token = "another".to_owned(),
                Reason::TokenRejected { platform },
            ),
            (
                |bc| bc.denied = vec!["/v3/promotions"],
                Reason::MissingPermission { permission: BigcommercePermission::Marketing },
            ),
        ],
        |bc| {
            bc.token = crate::harness::stores::bigcommerce::TOKEN.to_owned();
            bc.denied.clear();
        },
    );
    case.leaves_what_is_there(|bc, code| {
        bc.coupons.push(serde_json::json!({
            "id": 1, "name": "Spring", "code": code, "type": "percentage_discount",
            "amount": "10.0000", "enabled": true, "num_uses": 0, "max_uses": 0,
        }));
    });
    assert_eq!(case.held.store().faults, Vec::<String>::new());
}

#[test]
fn a_code_is_once_in_woocommerce_whatever_goes_wrong() {
    let case = Case::woocommerce();
    let platform = case.platform();
    let target = Some("evil.example".to_owned());
    let own = vec![
        (Fault::redirect(ELSEWHERE), Stands::Rests(Reason::Redirected { platform, target })),
        (limited("retry-after"), Stands::Pauses),
    ];
    case.survives("created by Vouch", own);
    case.rests_and_goes_on(
        &[
            (
                |site: &mut WooSite| site.permission = Permission::None,
                Reason::KeyRejected { said: "Consumer key is invalid".to_owned() },
            ),
            (
                |site| site.permission = Permission::Read,
                Reason::KeyNotPermitted { said: NO_WRITING.to_owned() },
            ),
        ],
        |site| site.permission = Permission::ReadWrite,
    );
    case.leaves_what_is_there(|site, code| {
        site.add_coupon(serde_json::json!({ "code": code }));
    });
}
