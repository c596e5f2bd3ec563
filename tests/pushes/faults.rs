//! Whatever goes wrong between Vouch and a store of each platform: in the end the code is there
//! once, and the page says how it stands. What stores can do to the memory is in `memory`.

use chrono::Duration;
use vouch::kit::clock;

use super::cases::Case;
use super::{call_out, code, push_id, status};
use crate::harness::stores::bigcommerce::Bigcommerce;
use crate::harness::stores::shopify::Shop;
use crate::harness::stores::woocommerce::{Permission, WooSite};
use crate::harness::stores::{Fault, Platform, Reply};

/// How a code stands after a fault.
enum Stands {
    /// It waits for the next try, and says this.
    Waits(&'static str),
    /// The store asked for a pause: nothing was wrong.
    Pauses,
    /// It was refused, with these words.
    Failed(&'static str),
    /// The store rests, and every page says so.
    Rests(&'static str),
}

/// What every platform's answers can be like.
fn faults() -> Vec<(Fault, Stands)> {
    vec![
        (Fault::html(), Stands::Waits("it is a web page")),
        (Fault::status(500), Stands::Waits("HTTP 500")),
        (Fault::status(503), Stands::Waits("HTTP 503")),
        (Fault::Lost, Stands::Waits("broke off")),
        (Fault::LostAfterWrite, Stands::Waits("broke off")),
        (Fault::Truncated, Stands::Waits("broke off")),
        (Fault::Huge, Stands::Waits("longer than 4 MiB")),
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
        for (at, (fault, stands)) in faults().into_iter().chain(own).enumerate() {
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
            assert_eq!(self.page(id).one(".pushes .badge-v"), "Pushed", "{name}");
        }
    }

    fn stands(&self, id: i64, stands: &Stands, name: &str) {
        let (badge, words) = match stands {
            Stands::Waits(words) => ("Queued", Some(*words)),
            Stands::Pauses => ("Queued", None),
            Stands::Failed(words) => ("Failed", Some(*words)),
            Stands::Rests(words) => {
                assert!(self.owner.get("/dashboard").says(words), "{name}");
                ("Queued", Some("Waits until Vouch is let into"))
            }
        };
        let page = self.page(id);
        assert_eq!(page.one(".pushes .badge-v"), badge, "{name}");
        let said = page.all(".push-reason").join(" ");
        match words {
            Some(words) => assert!(said.contains(words), "{name}: {said}"),
            None => assert_eq!(said, "", "{name}"),
        }
        assert_eq!(page.has("form[action$='/retry']"), badge == "Failed", "{name}");
    }

    /// Each of `breakings` stops the store with these words, until it is mended.
    fn rests_and_goes_on(&self, breakings: &[(fn(&mut P), &'static str)], fix: fn(&mut P)) {
        for (at, (broken, words)) in breakings.iter().enumerate() {
            broken(&mut self.held.store());
            let (value, second) = (format!("REST{at}"), format!("LATER{at}"));
            let id = code(&self.app, &value);
            let now = clock::now() + Duration::hours(2);
            call_out(&self.app, now);
            self.stands(id, &Stands::Rests(words), words);
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
            assert!(!self.owner.get("/dashboard").says(words), "{words}");
        }
    }

    /// A code that is there in another case stays as it is, and is the store's own.
    fn leaves_what_is_there(&self, make: fn(&mut P, &str)) {
        make(&mut self.held.store(), "spring");
        let id = code(&self.app, "SPRING");
        call_out(&self.app, clock::now() + Duration::hours(4));
        let page = self.page(id);
        assert_eq!(page.one(".pushes .badge-v"), "In store already");
        assert!(page.says("The store has a code spring that Vouch did not make"));
        assert!(page.has("form[action$='/attachment']"));
        assert_eq!(self.count("spring"), 1);
    }
}

#[test]
fn a_code_is_once_in_shopify_whatever_goes_wrong() {
    let case = Case::shopify();
    let own = vec![
        (Fault::redirect("https://evil.example/"), Stands::Waits("which Vouch does not follow")),
        (Fault::shopify_throttled(3.0), Stands::Pauses),
        (limited("retry-after"), Stands::Pauses),
    ];
    case.survives("discountCodeBasicCreate", own);
    case.rests_and_goes_on(
        &[
            (|shop: &mut Shop| shop.tokens.clear(), "no longer accepts the access token"),
            (|shop| shop.scopes.retain(|scope| scope == "read_orders"), "lacks the scope"),
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
    let own = || {
        vec![
            (Fault::redirect("https://evil.example/"), Stands::Failed("never follows")),
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
            (|bc: &mut Bigcommerce| bc.token = "another".to_owned(), "revoked or mistyped"),
            (|bc| bc.denied = vec!["/v3/promotions"], "set “Marketing” to modify"),
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
    let own = vec![
        (Fault::redirect("https://evil.example/"), Stands::Rests("leads on to evil.example")),
        (limited("retry-after"), Stands::Pauses),
    ];
    case.survives("made by Vouch", own);
    case.rests_and_goes_on(
        &[
            (|site: &mut WooSite| site.permission = Permission::None, "Make a new key in"),
            (|site| site.permission = Permission::Read, "is not allowed to do this"),
        ],
        |site| site.permission = Permission::ReadWrite,
    );
    case.leaves_what_is_there(|site, code| {
        site.add_coupon(serde_json::json!({ "code": code }));
    });
}
