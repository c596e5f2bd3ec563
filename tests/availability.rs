//! Whether a code is available: the same answer at every entry point.

use std::cell::Cell;

use serde_json::json;
use vouch::features::affiliates::Affiliate;
use vouch::features::applications::CodeRequestOrigin;
use vouch::features::availability::{Unavailable, check, lock_codes_exclusive, look_up};
use vouch::features::code_requests;
use vouch::features::exclusions::{self, Dates, ExclusionScope, NewExclusion, Pattern};
use vouch::features::registration::Registration;
use vouch::features::triggers::{self, Reach, TriggerKind, TriggerValue, retire};

use crate::harness::{Page, Person, TestApp, then};
use crate::{api, registration};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Available,
    Malformed,
    Held,
    Requested,
    Excluded,
    /// As much as an affiliate may know of a code that is held or requested.
    Taken,
}

use Answer::{Available, Excluded, Held, Malformed, Requested, Taken};

/// Each code, and what is true of it; `#` is another at every entry point, as a code is available once.
const TABLE: [(&str, Answer); 11] = [
    ("FREE-#", Available),
    ("TWO WORDS", Malformed),
    ("LO\u{2800}VE", Malformed),
    ("ada10", Held),
    ("ＡＤＡ10", Held),
    ("OLD10", Held),
    ("waits10", Requested),
    ("SUMMER-#", Excluded),
    ("5UMMER-#", Available),
    // Two reasons at once: what nobody can change comes first.
    ("summer-held", Held),
    ("summer-waits", Requested),
];

const HOLDER: &str = "Ada Active";
const ASKER: &str = "Nia New";
const PATTERN: &str = "SUMMER*";
const BEN: &str = "ben@affiliates.example";

/// A program with codes of every kind.
struct Program {
    app: TestApp,
    owner: Person,
    ada: Person,
    key: String,
    asked: Cell<u8>,
}

impl Program {
    fn start() -> Self {
        let app = TestApp::start();
        let open =
            Registration { is_open: true, allows_code_requests: true, ..Registration::default() };
        registration::open_with(&app, open);
        let nia = registration::applied(&app, ASKER, "nia@new.example", "WAITS10");
        let (merchant_id, actor) = (app.fixture.merchant_id, app.actor());
        app.within(|conn| {
            let kind = TriggerKind::CouponCode;
            triggers::create(conn, &actor, app.fixture.ada_id, kind, "SUMMER-HELD").unwrap();
            let old = triggers::create(conn, &actor, app.fixture.ada_id, kind, "OLD10").unwrap();
            assert!(retire(conn, &actor, &old)?);
            lock_codes_exclusive(conn, merchant_id)?;
            let nia = Affiliate::find(conn, merchant_id, nia)?;
            let waits = TriggerValue::parse(kind, "SUMMER-WAITS", Reach::Stores).unwrap();
            code_requests::open(conn, &actor, &nia, &waits, CodeRequestOrigin::Portal)
        });
        app.enable_exclusions(merchant_id);
        exclude(&app, PATTERN);
        let (owner, ada, key) = (app.owner(), app.affiliate(), api::new_key(&app));
        Self { app, owner, ada, key, asked: Cell::new(0) }
    }

    /// From an address of its own, so that the limits stand aside.
    fn address(&self) -> String {
        format!("203.0.113.{}", self.asked.replace(self.asked.get() + 1))
    }

    /// What each entry point says of a code.
    fn ask(&self, code: &str) -> Vec<(&'static str, Answer)> {
        let of = |entry: &str| code.replace('#', entry);
        let ben = self.app.fixture.ben_id.to_string();
        let on_page = self.owner.get(&format!("/affiliates/{ben}/triggers/new"));
        let on_page = self.owner.submit(&on_page, "form.stack", &[("coupon_code", &of("a"))]);
        let fields = [("affiliate_id", ben.as_str()), ("coupon_code", &of("b"))];
        let on_dashboard = self.owner.post_signed("/triggers", &fields);
        vec![
            ("function", self.function(&of("c"))),
            ("affiliate's page", on_form(&on_page)),
            ("dashboard", on_form(&on_dashboard)),
            ("API", self.by_api(&of("d"))),
            ("import", self.imported(&of("e"))),
            (
                "application",
                on_public_form(&registration::apply(
                    &self.app,
                    "Noa Next",
                    "noa@new.example",
                    &of("f"),
                )),
            ),
            (
                "while typing an application",
                self.typed(&self.app.anonymous(), "/join/acme-tea/code", &of("g")),
            ),
            (
                "while typing in the portal",
                self.typed(&self.ada, "/portal/code-requests/code", &of("h")),
            ),
            ("portal", self.in_portal(&of("i"))),
        ]
    }

    fn function(&self, code: &str) -> Answer {
        let (merchant_id, now) = (self.app.fixture.merchant_id, vouch::kit::clock::now());
        let wanted = (TriggerKind::CouponCode, code, Reach::Stores);
        let found = self.app.within(|conn| look_up(conn, merchant_id, wanted, "Ben Second", now));
        match found.map_err(|refused| refused.why) {
            Ok(_) => Available,
            Err(Unavailable::Malformed(_)) => Malformed,
            Err(Unavailable::Held(_)) => Held,
            Err(Unavailable::Requested(_)) => Requested,
            Err(Unavailable::Excluded(_)) => Excluded,
        }
    }

    fn by_api(&self, code: &str) -> Answer {
        let body = json!({ "affiliate": BEN, "value": code });
        let answer = api::triggers::post(&self.app, &self.key, &body);
        match answer.status {
            201 => Available,
            422 => known_to_member(answer.json()["errors"][0]["detail"].as_str().unwrap()),
            status => panic!("{status} {}", answer.text()),
        }
    }

    fn imported(&self, code: &str) -> Answer {
        let file = format!("Affiliate,Code\n{BEN},{code}\n");
        let (token, file) = (self.owner.token(), ("file", "codes.csv", file.as_bytes()));
        let sent = self.owner.post_file("/triggers/imports", &[("csrf", &token)], file);
        let looked = self.owner.follow(&sent);
        if !looked.has("tbody td:last-child .sub") {
            return Available;
        }
        known_to_member(&looked.one("tbody td:last-child .sub"))
    }

    fn typed(&self, person: &Person, path: &str, code: &str) -> Answer {
        let code: String = url::form_urlencoded::byte_serialize(code.as_bytes()).collect();
        let address = self.address();
        let headers = [("hx-request", "true"), ("x-forwarded-for", address.as_str())];
        let part = person.get_with(&format!("{path}?code={code}&name=Noa+Next"), &headers);
        assert_eq!(part.status, 200, "{}", part.text());
        if part.has(".code-free") { Available } else { known_to_affiliate(&part) }
    }

    fn in_portal(&self, code: &str) -> Answer {
        let (token, address) = (self.ada.token(), self.address());
        let fields = [("csrf", token.as_str()), ("code", code)];
        let headers = [("x-forwarded-for", address.as_str())];
        on_public_form(&self.ada.post_with("/portal/code-requests", &fields, &headers))
    }
}

fn exclude(app: &TestApp, typed: &str) {
    let new = NewExclusion {
        pattern: Pattern::parse(typed).unwrap(),
        note: "Nobody's business".to_owned(),
        scope: ExclusionScope::Claims,
        dates: Dates::default(),
    };
    app.within(|conn| Ok(exclusions::add(conn, &app.actor_at(then()), &new).unwrap()));
}

/// Members read who has a code, who asked for it, and which exclusion stops it.
fn known_to_member(reason: &str) -> Answer {
    let names = [(HOLDER, Held), (ASKER, Requested), (PATTERN, Excluded)];
    let mut named = names.iter().filter(|(name, _)| reason.contains(name));
    let answer = named.next().map_or(Malformed, |(_, answer)| *answer);
    assert!(named.next().is_none(), "one reason at a time: {reason}");
    answer
}

fn on_form(page: &Page) -> Answer {
    if page.status == 303 {
        return Available;
    }
    assert_eq!(page.status, 422, "{}", page.text());
    let answer = known_to_member(&page.one("#f-coupon_code-error"));
    assert_eq!(page.has("button[name=despite]"), answer == Excluded, "only that can be overridden");
    assert_eq!(page.has("button[name=instead]"), [Held, Requested].contains(&answer));
    answer
}

/// Affiliates aren't told who has a code or asked for it.
fn known_to_affiliate(page: &Page) -> Answer {
    for said in page.all(".field-error") {
        let secrets = [HOLDER, ASKER, "Nobody's business"];
        assert!(!secrets.iter().any(|secret| said.contains(secret)), "{said}");
    }
    let answer = match page.attribute(".field-error[data-reason]", "data-reason").as_deref() {
        Some("excluded") => Excluded,
        Some("taken") => Taken,
        _ => Malformed,
    };
    assert_eq!(page.has(".offers button"), answer != Malformed, "{}", page.text());
    answer
}

fn on_public_form(page: &Page) -> Answer {
    if page.status == 303 {
        return Available;
    }
    assert_eq!(page.status, 422, "{}", page.text());
    known_to_affiliate(page)
}

#[test]
fn every_entry_point_gives_the_same_answer() {
    let program = Program::start();
    for (code, expected) in TABLE {
        for (entry, answer) in program.ask(code) {
            let is_same =
                answer == expected || (answer == Taken && [Held, Requested].contains(&expected));
            assert!(is_same, "{code} is {expected:?}, and {answer:?} at the {entry}");
        }
    }
}

#[test]
fn what_is_offered_can_be_had() {
    let program = Program::start();
    let app = &program.app;
    let (merchant_id, actor, now) =
        (app.fixture.merchant_id, app.actor(), vouch::kit::clock::now());
    // The nearest ones are held and excluded.
    exclude(app, "THEADA*");
    let kind = TriggerKind::CouponCode;
    app.within(|conn| {
        let created = triggers::create(conn, &actor, app.fixture.ben_id, kind, "ADA10-2");
        Ok(created.unwrap())
    });
    for code in ["ADA10", "WAITS10", "SUMMER-24"] {
        let wanted = (kind, code, Reach::Stores);
        let found = app.within(|conn| look_up(conn, merchant_id, wanted, "Summer Ada", now));
        let free = found.unwrap_err().free;
        assert_eq!(free.len(), 3, "{code}: {free:?}");
        for code in free {
            let value = TriggerValue::parse(kind, &code, Reach::Stores).unwrap();
            let answer = app.within(|conn| check(conn, merchant_id, &value, now));
            assert_eq!(answer, Ok(()), "{code}");
        }
    }
}
