//! Upload Coupon Code CSV.

use super::*;
use crate::harness::Page;

const NEW: &str = "/settings/coupon-exclusions/uploads/new";
const UPLOADS: &str = "/settings/coupon-exclusions/uploads";

fn send(person: &Person, file: &[u8], fields: &[(&str, &str)]) -> Page {
    let token = person.token();
    let mut all = vec![("csrf", token.as_str())];
    all.extend_from_slice(fields);
    person.post_file(UPLOADS, &all, ("file", "codes.csv", file))
}

/// How many codes were added, of how many rows, and how many rows repeat a code.
fn counts(page: &Page) -> [String; 3] {
    ["data-added", "data-rows", "data-duplicates"]
        .map(|name| page.attribute("#uploaded", name).unwrap())
}

/// The result of each row.
fn results(page: &Page) -> Vec<String> {
    page.values("td[data-result]", "data-result")
}

#[test]
fn a_file_is_added_whole_with_a_verdict_for_every_row() {
    let app = TestApp::start();
    enable(&app);
    exclude(&app, &new("SAVE-10"));
    let owner = app.owner();
    let form = owner.get(NEW);
    assert!(form.has("form[enctype='multipart/form-data'] input[type=file]"));
    let template = owner.get("/settings/coupon-exclusions/template.csv");
    assert!(template.csv().starts_with("Coupon_Code,"));
    assert!(template.header("content-disposition").unwrap().contains("attachment"));
    let file = "\u{feff}Coupon_Code;Description\r\nBLACKFRIDAY*;Our own\r\nsave1O;x\r\n\"ADA*\";y\r\nada*;z\r\n";
    let done = send(&owner, file.as_bytes(), &[]);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(counts(&done), ["2", "4", "2"]);
    assert!(done.has("#uploaded[data-affected='1']"));
    assert_eq!(results(&done), ["added", "on_list", "added", "duplicate"]);
    let cells = done.all("td[data-result]");
    assert!(cells[1].contains("SAVE-10") && cells[3].contains('4'), "{cells:?}");
    assert_eq!(listed(&app), ["ADA*", "BLACKFRIDAY*", "SAVE-10"]);
    let again = send(&owner, file.as_bytes(), &[]);
    assert_eq!(counts(&again)[..2], ["0", "4"], "a second time changes nothing");
    // The template itself fits, and so does an export.
    assert_eq!(send(&owner, &template.body, &[]).status, 200);
    let export = owner.get("/settings/coupon-exclusions.csv");
    let back = send(&owner, &export.body, &[]);
    assert_eq!(counts(&back)[..2], ["0", "4"], "{}", export.text());
}

#[test]
fn a_row_that_cannot_be_added_keeps_all_out_unless_the_others_are_wanted() {
    let app = TestApp::start();
    enable(&app);
    let owner = app.owner();
    let file = b"Coupon_Code\nGOOD1\n*\nGOOD2\n";
    let refused = send(&owner, file, &[]);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.all("tbody td:first-child"), ["3", "2", "4"], "the bad one first");
    assert_eq!(listed(&app), [""; 0]);
    let taken = send(&owner, file, &[("good_rows", "true")]);
    assert_eq!(taken.status, 200);
    assert_eq!(listed(&app), ["GOOD1", "GOOD2"]);
}

#[test]
fn what_is_no_such_file_is_refused_in_words() {
    let app = TestApp::start();
    enable(&app);
    let owner = app.owner();
    for (file, named) in
        [(&b""[..], ""), (b"SAVE10\nSAVE20\n", "Coupon_Code"), (b"Coupon_Code\nGR\x81N\n", "2")]
    {
        let page = send(&owner, file, &[]);
        assert_eq!(page.status, 422);
        assert!(page.one("#f-file-error").contains(named), "{}", page.text());
    }
    assert_eq!(owner.post_signed(UPLOADS, &[]).status, 422, "without a file");
    let huge = vec![b'x'; 6 * 1024 * 1024];
    assert_eq!(send(&owner, &huge, &[]).status, 413);
    let stale =
        owner.post_file(UPLOADS, &[("csrf", "old")], ("file", "x.csv", b"Coupon_Code\nA1\n"));
    assert_eq!(stale.status, 403);
    assert_eq!(send(&app.viewer(), b"Coupon_Code\nA1\n", &[]).status, 403);
    assert_eq!(send(&app.stranger(), b"Coupon_Code\nA1\n", &[]).status, 404, "not enabled there");
    assert_eq!(listed(&app), [""; 0]);
}

#[test]
fn a_file_of_many_thousand_rows_is_taken() {
    let app = TestApp::start();
    enable(&app);
    let mut file = "Coupon_Code,Applied_To\n".to_owned();
    for n in 0..20_000 {
        file.push_str(&format!("BULK{n}*,Claims\n"));
    }
    let done = send(&app.owner(), file.as_bytes(), &[]);
    assert_eq!(done.status, 200);
    assert_eq!(counts(&done)[..2], ["20000", "20000"]);
    let acme = app.fixture.merchant_id;
    assert_eq!(stopped_by(&app, acme, "bulk19999-x").as_deref(), Some("BULK1*"));
    assert!(done.has("#hidden[data-rows='19500']"));
}

#[test]
fn files_of_other_programs_and_spreadsheets_are_taken() {
    let app = TestApp::start();
    enable(&app);
    let owner = app.owner();
    let utf_16: Vec<u8> =
        "\u{feff}Coupon_Code\r\nZWÖLF\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for file in [
        &b"Coupon_Code\r\nREFERSION1\r\n"[..],
        b"sep=;\r\nDiscount Code;Note\r\n\"VIER;F\xdcNF\";x\r\n".as_slice(),
        &utf_16,
        "coupon code\r“QUOTED*”\r".as_bytes(),
    ] {
        let done = send(&owner, file, &[("keep_changed", "true")]);
        assert_eq!(done.status, 200, "{}", done.text());
        assert!(done.has("#reading"));
    }
    assert_eq!(listed(&app), ["QUOTED*", "REFERSION1", "VIER;FÜNF", "ZWÖLF"]);
}

#[test]
fn codes_that_a_spreadsheet_changed_wait_for_a_confirmation() {
    let app = TestApp::start();
    enable(&app);
    exclude(&app, &new("MAI-24"));
    let owner = app.owner();
    let file = b"Coupon_Code,Description\nMAY20,\n7.70124E+11,\n20-May,\nMai-24,\nX1,a,b\n";
    let refused = send(&owner, file, &[]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("input[name=keep_changed]"));
    let mut rows: Vec<(String, String)> =
        refused.all("tbody td:first-child").into_iter().zip(results(&refused)).collect();
    rows.sort();
    let rows: Vec<&str> = rows.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(rows, ["added", "changed", "changed", "on_list", "refused"]);
    assert_eq!(listed(&app), ["MAI-24"]);
    // Confirmed, but a row is still wrong: what was ticked stays so.
    let wrong = send(&owner, file, &[("keep_changed", "true")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("input[name=keep_changed][checked]"));
    // Without a confirmation, the others alone.
    let done = send(&owner, file, &[("good_rows", "true")]);
    assert_eq!(done.status, 200);
    assert_eq!(listed(&app), ["MAI-24", "MAY20"]);
    let file = b"Coupon_Code\n7.70124E+11\n20-May\n";
    assert_eq!(send(&owner, file, &[("keep_changed", "true")]).status, 200);
    assert_eq!(listed(&app), ["20-May", "7.70124E+11", "MAI-24", "MAY20"]);
}
