use super::*;

fn read(file: &[u8]) -> Vec<(u64, String)> {
    let spreadsheet = Spreadsheet::read(file, 100).unwrap();
    let code = spreadsheet.required(&["couponcode"], "the code", "Coupon_Code").unwrap();
    let rows = spreadsheet.rows().unwrap();
    rows.iter().map(|(line, row)| (*line, value(field(row, Some(code))))).collect()
}

fn codes(file: &[u8]) -> Vec<String> {
    read(file).into_iter().map(|(_, code)| code).collect()
}

#[test]
fn files_are_read_as_spreadsheets_write_them() {
    let file = b"Coupon_Code\r\nSAVE10\r\n\r\n\"BLACK,FRIDAY*\"\r\n,,,\r\n\r\n";
    assert_eq!(codes(file), ["SAVE10", "BLACK,FRIDAY*"]);
    assert_eq!(
        codes(b"\xef\xbb\xbfcoupon code;Description\nA1;\"two\nlines\"\nA2;x"),
        ["A1", "A2"]
    );
    assert_eq!(codes(b"Description\tCoupon_Code\nx\tA1\n"), ["A1"]);
    assert_eq!(codes(b"Coupon_Code\n'-10\n'quoted\n"), ["-10", "'quoted"]);
    assert_eq!(codes("Coupon_Code\nGRÜN15\n".as_bytes()), ["GRÜN15"]);
    assert_eq!(codes(b"Coupon_Code\nGR\xdcN15\n"), ["GRÜN15"]);
    assert_eq!(codes(b"\n,,\n\"Coupon_Code\",\"x\"\nA1\n"), ["A1"]);
    for file in
        ["Coupon_Code\r\nA1\r\n\r\nA2\r\n", "Coupon_Code\nA1\n\nA2", "Coupon_Code\rA1\r\rA2"]
    {
        let lines: Vec<u64> = read(file.as_bytes()).into_iter().map(|row| row.0).collect();
        assert_eq!(lines, [2, 4], "{file:?}");
        let declared = format!("sep=;\n{file}");
        let lines: Vec<u64> = read(declared.as_bytes()).into_iter().map(|row| row.0).collect();
        assert_eq!(lines, [3, 5], "{declared:?}");
    }
}

#[test]
fn names_of_columns_are_compared_by_letters_and_digits() {
    for name in [
        "Coupon_Code",
        "COUPON CODE",
        "couponCode",
        " coupon-code ",
        "Coupon Code (required)",
        "“Coupon Code*”",
        "\u{feff}coupon.code",
    ] {
        assert_eq!(codes(format!("{name},x\nA1,y\n").as_bytes()), ["A1"], "{name}");
    }
    let spreadsheet = Spreadsheet::read(b"Promo,Code,code,Note,\nA,B,C,D\n", 100).unwrap();
    assert_eq!(
        spreadsheet.column(&["coupon", "code", "promo"]),
        Some(1),
        "by rank, then the left one"
    );
    for name in ["Coupon Codes", "COUPON CODES*", "Coupons", "Promo_codes"] {
        let spreadsheet = Spreadsheet::read(format!("Note,{name}\nA,B\n").as_bytes(), 100).unwrap();
        let found = spreadsheet.column(&["couponcode", "promocode", "coupon", "code"]);
        assert_eq!(found, Some(1), "{name}");
    }
    let reading = spreadsheet.reading(&[("value", Some(1)), ("kind", None)]);
    let used = UsedColumn { field: "value".to_owned(), name: "Code".to_owned() };
    assert_eq!(reading.used, [used]);
    assert_eq!(reading.unused, ["Promo", "code", "Note"]);
}

#[test]
fn a_row_that_goes_on_after_the_last_column_is_told() {
    let spreadsheet =
        Spreadsheet::read(b"Email,Code\na@b.example,A,B\na@b.example,A,,\n", 100).unwrap();
    let too_long: Vec<bool> = spreadsheet
        .rows()
        .unwrap()
        .iter()
        .map(|(_, record)| spreadsheet.is_too_long(record))
        .collect();
    assert_eq!(too_long, [true, false]);
}

#[test]
fn what_is_no_such_file_is_refused_as_a_whole() {
    let refused = |file: &[u8]| {
        let spreadsheet = Spreadsheet::read(file, 2)?;
        spreadsheet.required(&["couponcode"], "the code", "Coupon_Code")?;
        spreadsheet.rows().map(drop)
    };
    let no_column = SpreadsheetError::NoColumn {
        missing: "the code",
        needed: "Coupon_Code",
        found: "First Name, Total".to_owned(),
    };
    for (file, error) in [
        (&b""[..], SpreadsheetError::Empty),
        (b"\n ,\n", SpreadsheetError::Empty),
        (b"Coupon_Code\n\n", SpreadsheetError::Empty),
        (b"sep=;\n", SpreadsheetError::Empty),
        (b"\xff\xfeC\0o", SpreadsheetError::Undecodable(1)),
        (b"First Name,,Total\nSAVE20\n", no_column),
        (b"Coupon_Code\nA1\nA2\nA3\n", SpreadsheetError::TooLong(2)),
        (b"Coupon_Code\n\"A1\nA2\nA3\n", SpreadsheetError::Broken(2)),
    ] {
        assert_eq!(refused(file), Err(error));
    }
}
