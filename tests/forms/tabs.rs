//! Two tabs on one record.

use diesel::prelude::*;
use vouch::kit::db::schema::affiliates;

use crate::harness::{Page, Person, TestApp, two_factor};

fn note(app: &TestApp) -> String {
    let id = app.fixture.ben_id;
    let ben = affiliates::table.filter(affiliates::id.eq(id)).select(affiliates::note);
    app.within(|conn| ben.first(conn))
}

fn cells(page: &Page) -> Vec<String> {
    page.all("#versions tbody td")
}

#[test]
fn an_edit_of_an_older_version_shows_both_and_saves_the_one_that_is_chosen() {
    let app = TestApp::start();
    let (owner, admin) = (app.owner(), app.admin());
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let form = format!("form[action='{path}']");
    let (first, second) = (owner.get(&path), admin.get(&path));
    assert_eq!(admin.submit(&second, &form, &[("note", "Likes tea")]).status, 303);
    let conflict = owner.submit(&first, &form, &[("note", "Likes coffee")]);
    assert_eq!(conflict.status, 409);
    assert_eq!(cells(&conflict), ["Likes tea", "Likes coffee"]);
    assert!(conflict.text().contains("Adam Admin"));
    assert!(conflict.has("time[datetime]"));
    assert_eq!(note(&app), "Likes tea");
    // A third version in between is shown as well.
    let page = admin.get(&path);
    assert_eq!(admin.submit(&page, &form, &[("note", "Likes cocoa")]).status, 303);
    let again = owner.submit(&conflict, "main form", &[]);
    assert_eq!(again.status, 409);
    assert_eq!(cells(&again), ["Likes cocoa", "Likes coffee"]);
    assert_eq!(owner.submit(&again, "main form", &[]).status, 303);
    assert_eq!(note(&app), "Likes coffee");
}

#[test]
fn what_is_no_change_of_the_form_is_no_conflict() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let form = format!("form[action='{path}']");
    let page = owner.get(&path);
    let other = app.admin();
    let disabled = other.post_signed(&format!("{path}/status"), &[("status", "disabled")]);
    assert_eq!(disabled.status, 303, "{}", disabled.text());
    assert_eq!(owner.submit(&page, &form, &[("note", "Still here")]).status, 303);
    // A form that is wrong comes back with the version that it had.
    let page = owner.get(&path);
    let other = app.admin();
    assert_eq!(other.submit(&other.get(&path), &form, &[("note", "Theirs")]).status, 303);
    assert!(matches!(owner.submit(&page, &form, &[("name", "")]).status, 409 | 422));
    assert_eq!(owner.submit(&page, &form, &[("note", "Mine")]).status, 409);
    assert_eq!(note(&app), "Theirs");
}

#[test]
fn what_is_stored_already_is_no_conflict() {
    let app = TestApp::start();
    let (owner, admin) = (app.owner(), app.admin());
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let form = format!("form[action='{path}']");
    let (first, second) = (owner.get(&path), admin.get(&path));
    assert_eq!(admin.submit(&second, &form, &[("note", "Likes\r\ntea")]).status, 303);
    assert_eq!(owner.submit(&first, &form, &[("note", "Likes\r\ntea")]).status, 303);
}

#[test]
fn who_saved_the_other_version_is_who_edited_it() {
    let app = TestApp::start();
    let (owner, admin) = (app.owner(), app.admin());
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let form = format!("form[action='{path}']");
    let first = owner.get(&path);
    assert_eq!(admin.submit(&admin.get(&path), &form, &[("note", "Theirs")]).status, 303);
    // Something else of the same record, later.
    owner.post_signed(&format!("{path}/status"), &[("status", "disabled")]);
    let conflict = owner.submit(&first, &form, &[("note", "Mine")]);
    assert_eq!(conflict.one("main bdi"), "Adam Admin");
}

/// A form that edits, and a field that both tabs change.
struct Edit {
    path: String,
    action: String,
    theirs: Vec<(&'static str, String)>,
    mine: Vec<(&'static str, String)>,
    /// Both versions of this one are looked at.
    field: &'static str,
}

impl Edit {
    /// On a page with the same path as its form.
    fn of(path: &str, field: &'static str, theirs: &str, mine: &str) -> Self {
        Self::within(path, path, field, theirs, mine)
    }

    fn within(path: &str, action: &str, field: &'static str, theirs: &str, mine: &str) -> Self {
        Self {
            path: path.to_owned(),
            action: action.to_owned(),
            theirs: vec![(field, theirs.to_owned())],
            mine: vec![(field, mine.to_owned())],
            field,
        }
    }

    fn with(mut self, theirs: (&'static str, &str), mine: (&'static str, &str)) -> Self {
        self.theirs.push((theirs.0, theirs.1.to_owned()));
        self.mine.push((mine.0, mine.1.to_owned()));
        self
    }

    fn selector(&self) -> String {
        format!("form[action='{}']", self.action)
    }

    /// The label of the field, and what the page shows for one of its values.
    fn words(&self, page: &Page, value: &str) -> (String, String) {
        let (form, field) = (self.selector(), self.field);
        let found = format!("{form} [name={field}]");
        let id = page.attribute(&found, "id").unwrap();
        let label = || page.all(&format!("label[for='{id}']")).remove(0);
        match page.attribute(&found, "type").as_deref() {
            Some("radio") => {
                let id = page.attribute(&format!("{found}[value='{value}']"), "id").unwrap();
                (page.one(&format!("#f-{field}")), page.one(&format!("label[for='{id}']")))
            }
            _ => {
                let option = page.all(&format!("{found} option[value='{value}']"));
                (label(), option.into_iter().next().unwrap_or_else(|| value.to_owned()))
            }
        }
    }

    fn try_in_two_tabs(&self, person: &Person) {
        fn fields<'a>(typed: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
            typed.iter().map(|(name, value)| (*name, value.as_str())).collect()
        }
        let path = &self.path;
        let (first, second) = (person.get(path), person.get(path));
        let saved = person.submit(&second, &self.selector(), &fields(&self.theirs));
        assert_eq!(saved.status, 303, "{path}: {}", saved.text());
        let conflict = person.submit(&first, &self.selector(), &fields(&self.mine));
        assert_eq!(conflict.status, 409, "{path}: {}", conflict.text());
        let value = |typed: &[(&'static str, String)]| {
            let found = typed.iter().find(|(name, _)| *name == self.field);
            found.map(|(_, value)| value.clone()).unwrap()
        };
        let (label, theirs) = self.words(&second, &value(&self.theirs));
        let (_, mine) = self.words(&second, &value(&self.mine));
        let labels = conflict.all("#versions tbody th");
        let row = labels.iter().position(|shown| label.starts_with(shown.as_str()));
        let row = row.unwrap_or_else(|| panic!("{path}: no row {label} in {labels:?}"));
        let on_page = second.all(&format!("{0} label, {0} legend", self.selector()));
        for shown in &labels {
            let is_label = |label: &String| label.starts_with(shown.as_str());
            assert!(on_page.iter().any(is_label), "{path}: {shown} isn't one of {on_page:?}");
        }
        assert_eq!(cells(&conflict)[row * 2..row * 2 + 2], [theirs, mine], "{path}");
        let kept = person.submit(&conflict, "main form", &[]);
        assert_eq!(kept.status, 303, "{path}: {}", kept.text());
        let stored = person.get(path).form(&self.selector()).fields;
        assert!(stored.contains(&(self.field.to_owned(), value(&self.mine))), "{path}: {stored:?}");
    }
}

fn new_offer(owner: &Person, name: &str) -> String {
    let page = owner.get("/offers/new");
    let saved = owner.submit(&page, "main form", &[("name", name), ("percent", "12")]);
    let page = owner.follow(&saved);
    page.path.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn every_form_that_edits_shows_both_versions_in_the_words_of_its_page() {
    let app = TestApp::start();
    app.enable_exclusions(app.fixture.merchant_id);
    let owner = app.owner();
    let added = owner.get("/settings/coupon-exclusions/new");
    owner.submit(&added, "main form", &[("code", "BLACK*")]);
    let exclusion = owner.get("/settings/coupon-exclusions").values("tbody a", "href").remove(0);
    let [gold, silver] = ["Gold", "Silver"].map(|name| new_offer(&owner, name));
    let ben = format!("/affiliates/{}", app.fixture.ben_id);
    let offer = format!("/offers/{}", app.fixture.offer_id);
    let shopify = format!("/settings/shopify/{}", app.fixture.store_id);
    let stores = format!("/settings/stores/{}/code-sync", app.fixture.store_id);
    for edit in [
        Edit::of(&ben, "offer_id", &gold, &silver),
        Edit::of(&offer, "pays", "flat_per_order", "flat_per_item")
            .with(("amount", "5"), ("amount", "2")),
        Edit::of(&exclusion, "scope", "claims_and_orders", "claims")
            .with(("note", "Theirs"), ("note", "Mine")),
        Edit::of("/settings/general", "time_zone", "Europe/Berlin", "Asia/Tokyo"),
        Edit::of("/settings/calculation", "negative_fees", "discount", "gift_card")
            .with(("precedence", "largest_discount"), ("precedence", "oldest_trigger")),
        Edit::of("/registration", "offer_id", &gold, &silver),
        Edit::of(&format!("{shopify}/cancellations"), "refunded", "keep", "follow")
            .with(("cancelled", "follow"), ("cancelled", "keep")),
        Edit::of(&format!("{shopify}/discounts"), "purchases", "both", "subscription")
            .with(("percent", "15"), ("percent", "20")),
        Edit::within("/settings/privacy", "/settings/privacy/retention", "bodies", "20", "25"),
        Edit::within(&stores, &format!("{stores}/counted-codes"), "counted", "VIP*", "NEWS*"),
    ] {
        edit.try_in_two_tabs(&owner);
    }
}

#[test]
fn rules_of_bigcommerce_and_woocommerce_show_both_versions() {
    let app = TestApp::start();
    let owner = app.owner();
    let woo = app.connect_woocommerce("https://shop.example");
    let codes = format!("/settings/woocommerce/{}/discounts", woo.id);
    Edit::of(&codes, "total_uses", "5", "7")
        .with(("amount", "15"), ("amount", "15"))
        .try_in_two_tabs(&owner);
    let big = crate::bigcommerce::connect(&app, "https://api.bigcommerce.com/stores/abc123");
    let rules = format!("/settings/bigcommerce/{}/discounts", big.id);
    Edit::within(
        &format!("/settings/bigcommerce?store={}", big.id),
        &rules,
        "kind",
        "coupon",
        "promotion",
    )
    .with(("amount", "15"), ("amount", "20"))
    .try_in_two_tabs(&owner);
}

#[test]
fn roles_and_the_profile_of_an_affiliate_show_both_versions() {
    let app = TestApp::start();
    let owner = app.owner();
    let role = owner.get("/settings/team").values("form.team-role", "action").remove(1);
    Edit::within("/settings/team", &role, "role", "viewer", "owner").try_in_two_tabs(&owner);
    let affiliate = app.affiliate();
    Edit::of("/portal/settings", "payout_details", "theirs@pay.example", "mine@pay.example")
        .try_in_two_tabs(&affiliate);
}

#[test]
fn a_requirement_that_another_owner_set_is_not_taken_back_unseen() {
    let app = TestApp::start();
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    two_factor::give(&mut conn, "owner@acme.example").unwrap();
    let owner = app.owner();
    let form = "form[action='/settings/team/two-factor']";
    let (first, second) = (owner.get("/settings/team"), owner.get("/settings/team"));
    let action = "/settings/team/two-factor";
    let mut typed = second.form(form).fields;
    typed.push(("required".to_owned(), "true".to_owned()));
    let typed: Vec<(&str, &str)> = typed.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(owner.post(action, &typed).status, 303);
    let conflict = owner.submit(&first, form, &[]);
    assert_eq!(conflict.status, 409);
    assert_eq!(cells(&conflict), ["Yes", "No"]);
    assert!(owner.get("/settings/team").has("[name=required][checked]"));
}

#[test]
fn a_code_that_another_tab_gave_away_is_not_given_to_a_third_unseen() {
    let app = TestApp::start();
    let owner = app.owner();
    let new = owner.get("/affiliates/new");
    let cleo = [("name", "Cleo"), ("email", "cleo@affiliates.example"), ("status", "active")];
    let cleo = owner.follow(&owner.submit(&new, "main form", &cleo)).path;
    let cleo = cleo.split('/').nth(2).unwrap().to_owned();
    let path = format!("/triggers/{}/reassignment", app.fixture.ada10_id);
    let (first, second) = (owner.get(&path), owner.get(&path));
    let give = |page: &Page, id: &str| {
        let mut fields = page.form("main form").fields;
        fields.retain(|(name, _)| name != "affiliate_id_q");
        fields.push(("affiliate_id".to_owned(), id.to_owned()));
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        owner.post(&path, &fields)
    };
    let given = give(&second, &app.fixture.ben_id.to_string());
    assert_eq!(given.status, 303, "{}", given.text());
    let conflict = give(&first, &cleo);
    assert_eq!(conflict.status, 409, "{}", conflict.text());
    assert_eq!(cells(&conflict)[1], "Cleo");
    assert_eq!(owner.submit(&conflict, "main form", &[]).status, 303);
}
