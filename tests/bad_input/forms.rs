//! Every form that a page shows, each of its fields in turn.

use std::collections::BTreeSet;

use scraper::{ElementRef, Html, Selector};

use super::*;
use crate::access::{ENDS, patterns};

/// Forms that end what the others need, or that would shut the visitor out.
const LEFT_OUT: [&str; 5] = [
    "/logout",
    "/settings/team/two-factor",
    "/account/two-factor",
    "/account/sessions/others/removal",
    "/portal/settings/sessions/others/removal",
];

pub(super) struct Found {
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) is_upload: bool,
}

/// The forms on a page that change something, with their fields as a browser sends them.
fn forms(page: &Page) -> Vec<Found> {
    let select = |css: &str| Selector::parse(css).unwrap();
    let dom = Html::parse_document(&page.text());
    let named = select("input[name], select[name], textarea[name], button[name]");
    dom.select(&select("form[method=post]"))
        .map(|form| {
            let own = form.attr("id").map(|id| select(&format!("[form='{id}'][name]")));
            let elsewhere = own.iter().flat_map(|css| dom.select(css));
            Found {
                action: form
                    .attr("action")
                    .filter(|to| !to.is_empty())
                    .unwrap_or(&page.path)
                    .to_owned(),
                fields: form.select(&named).chain(elsewhere).map(field).collect(),
                is_upload: form.attr("enctype").is_some_and(|kind| kind.starts_with("multipart")),
            }
        })
        .collect()
}

fn field(element: ElementRef<'_>) -> (String, String) {
    let chosen = Selector::parse("option[selected], option").unwrap();
    let value = match element.value().name() {
        "textarea" => element.text().collect(),
        "select" => element
            .select(&chosen)
            .next()
            .and_then(|option| option.attr("value"))
            .unwrap_or_default()
            .to_owned(),
        _ => element.attr("value").unwrap_or_default().to_owned(),
    };
    (element.attr("name").unwrap_or_default().to_owned(), value)
}

fn is_left_out(action: &str, examples: &BTreeMap<&str, Example>) -> bool {
    LEFT_OUT.contains(&action)
        || ENDS
            .iter()
            .flat_map(|path| patterns(path))
            .any(|path| fill(&path, examples, |example| &example.exists) == action)
}

/// A form for every action and set of fields, from all pages that `person` may look at.
pub(super) fn found(
    visitor: Visitor,
    person: &Person,
    examples: &BTreeMap<&str, Example>,
) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let pages = TABLE.iter().filter(|row| row.method == "GET" && visitor.may_reach(row));
    let mut all = Vec::new();
    for path in pages.flat_map(|row| patterns(row.path)) {
        let page = person.get(&fill(&path, examples, |example| &example.exists));
        for form in forms(&page) {
            let pattern: String = form.action.chars().filter(|c| !c.is_ascii_digit()).collect();
            let mut names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
            names.dedup();
            let is_new = seen.insert(format!("{pattern} {names:?}"));
            if is_new && !is_left_out(&form.action, examples) {
                all.push(form);
            }
        }
    }
    // What ends access comes after what needs it.
    all.sort_by_key(|form| form.action.ends_with("/access"));
    all
}

/// Each field alone with the worst values, and all fields at once with every value.
fn probe(person: &Person, prober: &Prober<'_>, form: &Found) {
    let names: BTreeSet<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| *name != "csrf").collect();
    let worst = ["9223372036854775808", "-262143-01-01"].map(str::to_owned);
    let worst: Vec<String> = few().into_iter().chain(worst).chain(["x".repeat(3_000)]).collect();
    for name in &names {
        worst.iter().for_each(|value| send(person, prober, form, &[name], value));
    }
    if !names.is_empty() {
        values().iter().for_each(|value| send(person, prober, form, &names, value));
    }
}

/// Sends the form with `value` in the fields of those names.
fn send(person: &Person, prober: &Prober<'_>, form: &Found, names: &[&str], value: &str) {
    let others = form.fields.iter().filter(|(name, _)| !names.contains(&name.as_str()));
    let mut fields: Vec<(&str, &str)> =
        others.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.extend(names.iter().map(|name| (*name, value)));
    let status = if form.is_upload {
        let file = ("file", "rows.csv", "Code\nA\0\u{1}B\n".as_bytes());
        person.post_file(&form.action, &fields, file).status
    } else {
        prober.post(&form.action, &fields)
    };
    let is_refused = matches!(status, 400..500);
    let must_be = value.contains(['\0', '\u{1}', '\u{7f}', '\u{85}']);
    if status >= 500 || (must_be && !is_refused) {
        prober.fault(format!("{} {names:?}={value:.60?}: {status}", form.action));
    }
}

#[test]
fn no_field_of_a_form_is_too_much() {
    let app = TestApp::start();
    let examples = examples(&app);
    let faults = Mutex::new(Vec::new());
    let mut count = 0;
    // Everyone signs in before the form for it is tried.
    for (visitor, person) in VISITORS.map(|visitor| (visitor, visitor.sign_in(&app))) {
        let forms = found(visitor, &person, &examples);
        count += forms.len();
        let people: Vec<(Found, Person)> =
            forms.into_iter().map(|form| (form, person.clone())).collect();
        side_by_side(people, |(form, person)| {
            probe(&person, &Prober::new(&app, &person, &faults), &form);
        });
        let home = match visitor {
            Visitor::Anonymous => "/login",
            Visitor::Affiliate => "/portal",
            Visitor::Support => "/support/merchants",
            Visitor::Viewer | Visitor::Owner => "/dashboard",
        };
        assert_eq!(
            person.get(home).status,
            200,
            "{visitor:?} lost the session, and with it the forms"
        );
    }
    assert!(count > 60, "only {count} forms were found");
    assert_none(faults);
}
