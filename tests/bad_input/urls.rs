//! Paths, queries, headers and cookies.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vouch::kit::urls::encode;

use super::*;

/// Every key that a query of ours has.
pub(super) const KEYS: [&str; 36] = [
    "affiliate",
    "after",
    "at",
    "back",
    "before",
    "code",
    "currency",
    "exclusion",
    "finding",
    "from",
    "ids",
    "kind",
    "like",
    "name",
    "next",
    "offer",
    "order",
    "outcome",
    "page",
    "period",
    "platform",
    "q",
    "reason",
    "scope",
    "search",
    "show",
    "sort",
    "state",
    "status",
    "store",
    "to",
    "type",
    "until",
    "via",
    "who",
    "with",
];

/// Sort keys of every shape that lists have, with parts that no row can have.
pub(super) fn cursors() -> Vec<String> {
    let mut all = Vec::new();
    for at in ["-262143-01-01T00:00:00Z", "+262142-12-31T23:59:59Z", "-4714-01-01T00:00:00Z"] {
        all.push(format!("[\"{at}\",9223372036854775807]"));
        all.push(format!("{{\"at\":\"{at}\",\"key\":\"k\",\"id\":1}}"));
        all.push(format!("{{\"name\":\"n\",\"at\":\"{at}\",\"id\":1,\"begins\":true}}"));
    }
    for text in ["\\u0000", "a\\u0000", "\\ud83e\\udd8a", &"x".repeat(2_500)] {
        all.push(format!("\"{text}\""));
        all.push(format!("[\"{text}\",-9223372036854775808]"));
        all.push(format!("{{\"key\":\"{text}\",\"id\":1}}"));
        all.push(format!("{{\"at\":\"2026-01-01T00:00:00Z\",\"key\":\"{text}\",\"id\":1}}"));
        all.push(format!(
            "{{\"name\":\"{text}\",\"at\":\"2026-01-01T00:00:00Z\",\"id\":1,\"begins\":false}}"
        ));
    }
    all.extend(
        ["9223372036854775807", "-9223372036854775808", "1e309", "null", "[]"].map(str::to_owned),
    );
    all.into_iter().map(|json| URL_SAFE_NO_PAD.encode(json)).collect()
}

/// As they stand in a URL.
const RAW: [&str; 8] = ["%", "%zz", "%ff", "%c0%80", "%2e%2e%2f", "a%2fb", "%25%30%30", "~'!*()"];

/// The path with each of its parameters in turn set to `value`, as it stands in a URL already.
pub(super) fn paths(row: &Route, examples: &BTreeMap<&str, Example>, value: &str) -> Vec<String> {
    let names = parameters(row.path);
    let with = |name: &&str| {
        let path = row.path.replace(&format!("{{{name}}}"), value);
        fill(&path, examples, |example| &example.exists)
    };
    names.iter().map(with).collect()
}

#[test]
fn no_path_and_no_query_is_too_much() {
    let app = TestApp::start();
    let examples = examples(&app);
    let faults = Mutex::new(Vec::new());
    for visitor in VISITORS {
        let person = visitor.sign_in(&app);
        let token = person.token();
        let prober = Prober::new(&app, &person, &faults);
        let rows: Vec<&Route> = TABLE.iter().filter(|row| row.path != "/logout").collect();
        side_by_side(rows, |row| {
            // All values for those a row is for; a few for everyone else.
            let is_theirs = visitor.is_main_of(row);
            let values = if is_theirs { values() } else { few() };
            let mut encoded: Vec<String> = values.iter().map(|value| encode(value)).collect();
            if row.method == "GET" {
                let path = fill(row.path, &examples, |example| &example.exists);
                for value in &encoded {
                    let query: Vec<String> =
                        KEYS.iter().map(|key| format!("{key}={value}")).collect();
                    prober.get(&format!("{path}?{}", query.join("&")), &[]);
                }
                for cursor in cursors().iter().filter(|_| is_theirs) {
                    prober.get(&format!("{path}?after={cursor}&sort=name"), &[]);
                    prober.get(&format!("{path}?before={cursor}"), &[]);
                }
            }
            if is_theirs {
                encoded.extend(RAW.map(str::to_owned));
            }
            for value in encoded.iter().filter(|value| !value.is_empty()) {
                for path in paths(row, &examples, value) {
                    match row.method {
                        "GET" => prober.get(&path, &[]),
                        _ => prober.post(&path, &[("csrf", &token)]),
                    };
                }
            }
        });
    }
    assert_none(faults);
}

#[test]
fn no_header_and_no_cookie_is_too_much() {
    let app = TestApp::start();
    let examples = examples(&app);
    let faults = Mutex::new(Vec::new());
    let owner = app.owner();
    let prober = Prober::new(&app, &owner, &faults);
    let mut stranger = Prober::new(&app, &app.anonymous(), &faults);
    stranger.cookie = None;
    let names = [
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "content-type",
        "cookie",
        "forwarded",
        "hx-request",
        "hx-target",
        "if-none-match",
        "if-modified-since",
        "origin",
        "range",
        "referer",
        "sec-fetch-site",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-request-id",
    ];
    let mut values: Vec<Vec<u8>> = values().into_iter().map(String::into_bytes).collect();
    values.push(b"\xff\xfe\x80".to_vec());
    for value in [
        "vk_",
        "vk_1_",
        "Bearer vk_9223372036854775808_x",
        "Basic Og==",
        "__Host-vouch=",
        "__Host-vouch=%00",
        "__Host-vouch=\u{e9}; __Host-vouch=a",
        "gzip;q=NaN",
        "bytes=-1",
        "1.1.1.1, \"[::1",
    ] {
        values.push(value.as_bytes().to_vec());
    }
    // What HTTP itself has no place for can't be sent.
    values.retain(|value| ureq::http::HeaderValue::from_bytes(value).is_ok());
    let pages = ["/login", "/affiliates", "/static/app.css", "/api/v1/triggers", "/nowhere"];
    let posts = ["/hooks/shopify/{store_key}", "/hooks/bigcommerce/{store_key}", "/api/v1/orders"];
    let posts = posts.map(|path| fill(path, &examples, |example| &example.exists));
    side_by_side(names.to_vec(), |name| {
        // Our client can't send others.
        let is_sent = |value: &&Vec<u8>| name != "authorization" || value.is_ascii();
        for value in values.iter().filter(is_sent) {
            let prober = if name == "cookie" { &stranger } else { &prober };
            for path in pages {
                prober.get(path, &[(name, value)]);
            }
            for path in &posts {
                stranger.send(path, name, &[(name, value)], b"{}");
            }
        }
    });
    assert_none(faults);
}
