//! Files as other programs, spreadsheets and Vouch itself write them.

use vouch::kit::db::schema::{affiliates, conversions};

use super::*;
use crate::harness::shopify::ShopifyOrder;

fn public_id(app: &TestApp, id: i64) -> String {
    app.within(|conn| {
        let one = affiliates::table.filter(affiliates::id.eq(id));
        one.select(affiliates::public_id).first(conn)
    })
}

/// Kind, value and affiliate of the triggers that a file created.
fn created(app: &TestApp) -> Vec<(String, String, i64)> {
    app.within(|conn| {
        triggers::table
            .filter(triggers::id.ne(app.fixture.ada10_id))
            .order((triggers::kind, triggers::key))
            .select((triggers::kind, triggers::value, triggers::affiliate_id))
            .load::<(vouch::features::triggers::TriggerKind, String, i64)>(conn)
    })
    .into_iter()
    .map(|(kind, value, id)| (kind.as_str().to_owned(), value, id))
    .collect()
}

#[test]
fn refersions_template_creates_all_three_types() {
    let app = prepared();
    let owner = app.owner();
    let ben = public_id(&app, app.fixture.ben_id);
    let file = format!(
        "AFFILIATE_ID,TYPE,TRIGGER\r\n{ben},COUPON,TPL-ONE\r\n{},EMAIL,club@buyers.example\r\n{ben},SKU,TPL-SKU-1\r\n",
        ben.to_uppercase()
    );
    let looked = look(&owner, file);
    assert_eq!(in_order(&looked), ["new"; 3]);
    assert_eq!(save(&owner, &looked, &[]).status, 303);
    let by_ben = |kind: &str, value: &str| (kind.to_owned(), value.to_owned(), app.fixture.ben_id);
    assert_eq!(
        created(&app),
        [
            by_ben("coupon_code", "TPL-ONE"),
            by_ben("customer_email", "club@buyers.example"),
            by_ben("sku", "TPL-SKU-1"),
        ]
    );
}

#[test]
fn columns_of_other_programs_are_read_and_the_page_says_which() {
    let app = prepared();
    let owner = app.owner();
    let file = "First Name,Last Name,Email Address,Discount Code,Value\n\
                María,Fernández,ben@affiliates.example,COLUMNS8,10\n";
    let looked = look(&owner, file);
    assert_eq!(in_order(&looked), ["new"]);
    let reading = looked.one("#reading");
    for name in ["Email Address", "Discount Code", "First Name", "Last Name", "Value"] {
        assert!(reading.contains(name), "{reading}");
    }
    assert!(save(&owner, &looked, &[]).status == 303);
    assert_eq!(values(&app), ["ADA10", "COLUMNS8"]);
}

#[test]
fn the_affiliate_id_and_the_email_win_over_the_name_and_must_agree() {
    let app = prepared();
    let owner = app.owner();
    let (ada, ben) = (public_id(&app, app.fixture.ada_id), public_id(&app, app.fixture.ben_id));
    let file = format!(
        "Affiliate,Affiliate ID,Email,Code\n\
         {ada},{ben},,BY-ID\n\
         ada@affiliates.example,,ben@affiliates.example,BY-EMAIL\n\
         Ada Active,1234567,BEN@affiliates.example,FOREIGN-ID\n\
         ben@affiliates.example,,,BY-EITHER\n\
         ,{ben},ada@affiliates.example,CONFLICT\n\
         Ben Second,,,NAME-ONLY\n\
         ,,,NOBODY\n"
    );
    let looked = look(&owner, file);
    let fine = "new";
    let not = "refused";
    assert_eq!(in_order(&looked), [fine, fine, fine, fine, not, not, not]);
    // What was refused is refused again as it is.
    let refused = owner.get(&format!("{}/refused.csv", looked.path));
    assert_eq!(in_order(&look(&owner, &refused.body)), [not; 3]);
    assert_eq!(save(&owner, &looked, &[]).status, 303);
    let created = created(&app);
    assert_eq!(created.len(), 4);
    assert!(created.iter().all(|row| row.2 == app.fixture.ben_id), "{created:?}");
}

#[test]
fn encodings_line_ends_and_delimiters_make_no_difference() {
    let app = prepared();
    let owner = app.owner();
    let text = "Affiliate;Type;Code\r\nben@affiliates.example;Coupon Code;ÄHRE52\r\n\r\n;;\r\n";
    let utf_16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let western: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let tabs = text.replace(';', "\t");
    let files: [(&str, Vec<u8>); 14] = [
        ("UTF-8", text.into()),
        ("with a mark", format!("\u{feff}{text}").into()),
        ("UTF-16 little", [b"\xff\xfe".to_vec(), utf_16(&tabs, u16::to_le_bytes)].concat()),
        ("UTF-16 big", [b"\xfe\xff".to_vec(), utf_16(&tabs, u16::to_be_bytes)].concat()),
        ("UTF-16 little, no mark", utf_16(text, u16::to_le_bytes)),
        ("UTF-16 big, no mark", utf_16(text, u16::to_be_bytes)),
        ("Windows-1252", western.clone()),
        ("Windows-1252 with sep", [b"sep=;\r\n".to_vec(), western].concat()),
        ("LF", text.replace("\r\n", "\n").into()),
        ("CR", text.replace("\r\n", "\r").into()),
        ("commas", text.replace(';', ",").into()),
        ("sep", format!("sep=;\r\n{text}").into()),
        ("mark and sep", format!("\u{feff}SEP=;\r\n{text}").into()),
        ("any sep", format!("sep=|\r\n{}", text.replace(';', "|")).into()),
    ];
    for (name, file) in files {
        let looked = look(&owner, file);
        let rows: Vec<(String, String)> =
            results(&looked).into_iter().map(|row| (row.1, row.2)).collect();
        let fine = ("ÄHRE52".to_owned(), "new".to_owned());
        assert_eq!(rows, [fine], "{name}");
    }
    for (name, file) in [
        ("mixed", b"Affiliate,Code\nben@affiliates.example,\xc3\x84\xc4\n".to_vec()),
        ("a workbook", b"PK\x03\x04\x14\0\x06\0".to_vec()),
        ("half of UTF-16", b"\xff\xfeA\0\xdc".to_vec()),
        ("no text", b"Affiliate,Code\nben@affiliates.example,\x81\x8d\n".to_vec()),
        ("an open quote", b"Affiliate,Code\nben@affiliates.example,\"A\nx,B\n".to_vec()),
    ] {
        let page = send(&owner, file);
        assert_eq!(page.status, 422, "{name}");
        assert!(page.has("#f-file-error"), "{name}");
    }
    assert_eq!(app.within(|conn| imports::table.count().get_result::<i64>(conn)), 14);
}

#[test]
fn quotes_around_a_cell_never_enter_a_code() {
    let app = prepared();
    let owner = app.owner();
    for (at, (open, close)) in
        [("“", "”"), ("„", "“"), ("«", "»"), ("'", "'"), ("‘", "’")].into_iter().enumerate()
    {
        let file = format!("Affiliate,Code\nben@affiliates.example,{open}QUOTED{at}{close}\n");
        let looked = look(&owner, file);
        assert_eq!(looked.all("tbody th code"), [format!("QUOTED{at}")]);
        assert_eq!(in_order(&looked), ["new"]);
        assert!(looked.has("tbody [data-label=Result] .sub"), "it says that they are left out");
        assert_eq!(save(&owner, &looked, &[]).status, 303);
    }
    let expected: Vec<String> = (0..5).map(|at| format!("QUOTED{at}")).collect();
    assert_eq!(values(&app)[1..], expected);
}

#[test]
fn a_row_with_more_cells_than_the_header_is_left_out() {
    let app = prepared();
    let owner = app.owner();
    let file = "Affiliate,Code\nben@affiliates.example,A,B\nben@affiliates.example,C1,\n";
    let looked = look(&owner, file);
    assert_eq!(in_order(&looked), ["refused", "new"]);
    assert_eq!(save(&owner, &looked, &[]).status, 303);
    assert_eq!(values(&app), ["ADA10", "C1"]);
    let problem: Option<String> =
        app.within(|conn| import_rows::table.select(import_rows::problem).first(conn));
    assert_eq!(problem.as_deref(), Some("more_cells"));
}

#[test]
fn our_own_exports_are_understood() {
    let app = prepared();
    let owner = app.owner();
    let order = ShopifyOrder::new(7001, then()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    assert_eq!(app.within(|conn| conversions::table.count().get_result::<i64>(conn)), 1);
    let file = "Affiliate,Type,Code\nben@affiliates.example,,-10\nben@affiliates.example,,@BEN\n\
                ben@affiliates.example,SKU,+1UP\n";
    let looked = look(&owner, file);
    assert_eq!(save(&owner, &looked, &[]).status, 303);
    // Every row of the triggers is known, and the marks that kept a spreadsheet from taking a code
    // for a formula are gone.
    let export = owner.get("/triggers.csv?sort=value");
    let looked = look(&owner, &export.body);
    assert_eq!(in_order(&looked), ["known"; 4], "{}", export.text());
    let mut codes = looked.all("tbody th code");
    codes.sort();
    assert_eq!(codes, ["+1UP", "-10", "@BEN", "ADA10"]);
    assert!(!looked.has("main form[action*=completion]"), "nothing is there to create");
    // Of the conversions too; the affiliates have no codes.
    let looked = look(&owner, &owner.get("/conversions.csv").body);
    assert_eq!(in_order(&looked), ["known"]);
    let refused = send(&owner, &owner.get("/affiliates.csv").body);
    assert_eq!(refused.status, 422);
    assert!(refused.one("#f-file-error").contains("Affiliate ID, Name"));
}

#[test]
fn every_file_begins_with_a_byte_order_mark() {
    let app = prepared();
    let owner = app.owner();
    let import = look(&owner, FILE).path;
    let code_sync = format!("/settings/stores/{}/code-sync.csv", app.fixture.store_id);
    for path in [
        "/affiliates.csv",
        "/triggers.csv",
        "/conversions.csv",
        "/settings/coupon-exclusions.csv",
        "/settings/coupon-exclusions/template.csv",
        "/settings/audit-log.csv",
        "/triggers/imports/template.csv",
        &code_sync,
        &format!("{import}/refused.csv"),
    ] {
        let file = owner.get(path);
        assert_eq!(file.status, 200, "{path}");
        assert!(file.body.starts_with(b"\xef\xbb\xbf"), "{path}");
        assert!(!file.csv().contains('\u{feff}'), "{path}: once");
    }
}
