//! Every entrance asks the one function: the same codes, the same answers, everywhere.

use std::cell::Cell;

use serde_json::json;
use vouch::features::exclusions::enable as set;
use vouch::features::registration::Registration;
use vouch::kit::db::schema::code_requests;

use super::*;
use crate::harness::Page;
use crate::{api, registration};

/// Who asks for codes, one after the other.
struct Entrances<'a> {
    app: &'a TestApp,
    owner: Person,
    ada: Person,
    asked: Cell<u8>,
    key: String,
}

const BEN: &str = "ben@affiliates.example";

const PATTERNS: [&str; 4] = ["BLACKFRIDAY*", "*STAFF*", "VIP*GOLD", "*averylongpatternindeed*"];

fn names_exclusion(answer: &Page) -> bool {
    PATTERNS.iter().any(|pattern| answer.text().contains(pattern))
}

/// Whether the answer to a merchant names the exclusion, or takes the code.
fn is_refused(answer: &Page, taken: u16) -> bool {
    let refused = answer.status == 422 && names_exclusion(answer);
    assert!(refused || answer.status == taken, "{} {}", answer.status, answer.text());
    refused
}

/// Whether the answer to an affiliate refuses the code. The merchant's exclusions stay private.
fn is_unavailable(answer: &Page) -> bool {
    assert!(!names_exclusion(answer), "{}", answer.text());
    assert!([303, 422].contains(&answer.status), "{} {}", answer.status, answer.text());
    answer.status == 422
}

impl Entrances<'_> {
    /// What each of them says of a code that is new to it: whether it is excluded.
    fn ask(&self, code: impl Fn(&str) -> String) -> Vec<(&'static str, bool)> {
        let Self { app, owner, key, .. } = self;
        let asked = self.in_portal(&code("f"));
        let applied = registration::apply(app, "Nia New", "nia@new.example", &code("a"));
        let page = owner.get(&format!("/affiliates/{}/triggers/new", app.fixture.ben_id));
        let on_page = owner.submit(&page, "form.stack", &[("coupon_code", &code("b"))]);
        let ben = app.fixture.ben_id.to_string();
        let fields = [("affiliate_id", ben.as_str()), ("coupon_code", &code("c"))];
        let on_dashboard = owner.post_signed("/triggers", &fields);
        let by_api =
            api::triggers::post(app, key, &json!({ "affiliate": BEN, "value": code("d") }));
        let file = format!("Affiliate,Code\n{BEN},{}\n", code("e"));
        let token = owner.token();
        let file = ("file", "codes.csv", file.as_bytes());
        let sent = owner.post_file("/triggers/imports", &[("csrf", &token)], file);
        let looked = owner.follow(&sent);
        let result = looked.attribute("td[data-result]", "data-result").unwrap();
        assert!(["excluded", "new"].contains(&result.as_str()), "{result}");
        vec![
            ("portal", is_unavailable(&asked)),
            ("application", is_unavailable(&applied)),
            ("affiliate's page", is_refused(&on_page, 303)),
            ("dashboard", is_refused(&on_dashboard, 303)),
            ("API", is_refused(&by_api, 201)),
            ("import", result == "excluded"),
        ]
    }

    /// Asks for a further code, which is denied at once, so that the next one can be asked for.
    fn in_portal(&self, code: &str) -> Page {
        let token = self.ada.token();
        let fields = [("csrf", token.as_str()), ("code", code)];
        // From an address of its own, so that the limits stand aside.
        let address = format!("203.0.113.{}", self.asked.replace(self.asked.get() + 1));
        let answer =
            self.ada.post_with("/portal/code-requests", &fields, &[("x-forwarded-for", &address)]);
        self.app.within(|conn| {
            let waiting = code_requests::table.filter(code_requests::status.eq("pending"));
            diesel::update(waiting)
                .set((code_requests::status.eq("denied"), code_requests::decided_at.eq(then())))
                .execute(conn)
        });
        answer
    }

    fn expect(&self, round: usize, table: &[(&str, bool)]) {
        for (code, excluded) in table {
            let of = |entrance: &str| code.replace('#', &format!("{entrance}{round}"));
            for (entrance, found) in self.ask(of) {
                assert_eq!(found, *excluded, "round {round}: {code} at the {entrance}");
            }
        }
    }
}

#[test]
fn every_entrance_gives_the_same_answer_with_the_feature_on_off_and_toggled() {
    let app = TestApp::start();
    let open =
        Registration { is_open: true, allows_code_requests: true, ..Registration::default() };
    registration::open_with(&app, open);
    enable(&app);
    for pattern in PATTERNS {
        exclude(&app, &new(pattern));
    }
    let (owner, ada, key) = (app.owner(), app.affiliate(), api::new_key(&app));
    let entrances = Entrances { app: &app, owner, ada, asked: Cell::new(1), key };
    let on = [
        ("BlackFriday-#", true),
        ("b1ackfr1day#", true),
        ("my-staff-#", true),
        ("vip#go1d", true),
        ("my-avery1ongpattern-1ndeed-#", true),
        ("my-avery1ongpattern-#", false),
        ("Friendly-#", false),
        ("\u{392}LACKFRIDAY-#", true),      // Greek Β
        ("BL\u{410}CKFRID\u{410}Y#", true), // Cyrillic А
        ("B.L.A.C.K.F.R.I.D.A.Y.#", true),
        ("BŁÄCKFRÎDAY#", true),
        ("#S.T.A.F.F", true),
        ("ＳＴＡＦＦ#", true),
        ("V|P#GOLD", true),
        ("ΚΑΛΟΚΑΙΡΙ#", false),
        ("ЛЕТО#", false),
        ("ÉTÉ#", false),
    ];
    let toggle = |enabled| {
        app.within(|conn| set(conn, &app.actor(), enabled, "Tests"));
    };
    entrances.expect(1, &on);
    toggle(false);
    entrances.expect(2, &on.map(|(code, _)| (code, false))[..2]);
    toggle(true);
    entrances.expect(3, &on[2..5]);
}

/// Whether a page or the API refuses a new code, for whatever reason.
fn refuses(answer: &Page) -> bool {
    assert!(matches!(answer.status, 201 | 303 | 422), "{} {}", answer.status, answer.text());
    answer.status == 422
}

#[test]
fn no_entrance_creates_a_code_with_what_never_enters_one() {
    let app = TestApp::start();
    let open =
        Registration { is_open: true, allows_code_requests: true, ..Registration::default() };
    registration::open_with(&app, open);
    let (owner, ada, key) = (app.owner(), app.affiliate(), api::new_key(&app));
    let entrances = Entrances { app: &app, owner, ada, asked: Cell::new(1), key };
    let Entrances { owner, key, .. } = &entrances;
    let ben = app.fixture.ben_id.to_string();
    let long = "A".repeat(51);
    for code in [
        "LOVE❤\u{fe0f}",
        "LO\u{3164}VE",
        "LO\u{2800}VE",
        "LO\u{ad}VE",
        "“QUOTED7”",
        "O’BEA",
        "O'BEA",
        "BIG TREAT",
        &long,
    ] {
        let applied = registration::apply(&app, "Nia New", "nia@new.example", code);
        let fields = [("affiliate_id", ben.as_str()), ("coupon_code", code)];
        let on_page = format!("/affiliates/{ben}/triggers");
        let file = format!("Affiliate,Code\n{BEN},{code}\n");
        let token = owner.token();
        let file = ("file", "codes.csv", file.as_bytes());
        let sent = owner.post_file("/triggers/imports", &[("csrf", &token)], file);
        let by_api = api::triggers::post(&app, key, &json!({ "affiliate": BEN, "value": code }));
        for (entrance, answer) in [
            ("portal", entrances.in_portal(code)),
            ("application", applied),
            ("affiliate's page", owner.post_signed(&on_page, &fields)),
            ("dashboard", owner.post_signed("/triggers", &fields)),
            ("API", by_api),
        ] {
            assert!(refuses(&answer), "{code} at the {entrance}");
        }
        // A file's cell is read without the quotes around it.
        let looked = owner.follow(&sent);
        let is_refused = !looked.has("td[data-result=new]");
        assert!(is_refused || looked.one("tbody th code") != code, "{code}");
    }
    let free = entrances.in_portal("LOVE❤");
    assert!(!refuses(&free), "{}", free.text());
}
