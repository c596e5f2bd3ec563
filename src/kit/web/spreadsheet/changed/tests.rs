use super::*;

/// Takes cells separated by vertical bars.
fn assert_all(cells: &str, expected: Option<SpreadsheetChange>) {
    for cell in cells.split('|') {
        assert_eq!(change(cell), expected, "{cell}");
    }
}

#[test]
fn cells_that_a_spreadsheet_made_are_told() {
    for (change, cells) in [
        (
            SpreadsheetChange::Number,
            "1.23457E+11|7.70124E+11|1,23457E+11|1E+05|5.2e-05|-1.5E+20|1.23457E+011|7.70124E11|20.0|10.00|\
             1,00|10.00%|12,50%|10.00 %|-5.0%|1234567890123450|9780000000000000000",
        ),
        (
            SpreadsheetChange::Date,
            "20-May|May-20|20.Mai|20-Mai|20. Mai|Mai 20|Mai-20|20-mai|1-Mrz|1. Mär|15-févr.|\
             10-août|3-Okt|Dez-24|Jan-2026|5-Sept|10-gen|lug-15|20-paź|20-maj",
        ),
        (
            SpreadsheetChange::Date,
            "5/20/2026|20.05.2026|20/05/26|2026-05-20|2026/5/20|2026-05-20 00:00:00|\
             2026-05-20T00:00:00|5/20/2026 12:00:00 AM|2026-05-20T00:00:00+00:00|20-May-26|\
             20-MAY-26|20 May 2026|May 20, 2026|Wednesday, May 20, 2026|20. März 2026|\
             1 juillet 2026|2026-05-20T00:00:00-05:00|2026. 05. 20.|20. 5. 2026|\
             5月20日|2026年5月20日|5/20|20/5|05/20|12/31|31/12|20.05.|20. 5.|1.1.|5/20 10:30",
        ),
        (SpreadsheetChange::Time, "10:30|10:30:00|1:10 AM|26:00:00|00:00.0|12:30:15.5"),
        (SpreadsheetChange::Truth, "TRUE|FALSE|True|false|WAHR|VRAI|FALSO"),
        (
            SpreadsheetChange::Error,
            "#REF!|#N/A|#NV|#N/D|#DIV/0!|#VALUE!|#WERT!|#¡VALOR!|#NAME?|#¿NOMBRE?|#NUM!|#NULL!|\
             #BEZUG!|#SPILL!|########|#ERROR!|Err:502|NaN|NULL|N/A",
        ),
        (SpreadsheetChange::Formula, "=A1|=\"00123\"|=1+1|'00123"),
        (SpreadsheetChange::Several, "A,B|SAVE10, SAVE20|A;B|A\nB|1,234"),
        (SpreadsheetChange::Garbled, "GRÃœN|CAFÃ‰|GR\u{fffd}N|Itâ€™s|naÃ¯ve|Â£10"),
    ] {
        assert_all(cells, Some(change));
    }
}

#[test]
fn codes_that_people_have_stay_fine() {
    for cells in [
        "MAY20|20MAY|May20|00123|1EX|1E5|12E4|E+11|2E|JANE10|SAVE-10|MAY-20|20-MAY|APRIL-10|\
         June-10|SET-10|PRO-10|MAR|DEC25|XMAS-24|SUMMER-2026|TRUELOVE|TRUE10|Vero|FALSE-START",
        "10%|50%-off!|#1FAN|#SALE|GRÜN15|CAFÉ|50€OFF|STRASSE|СКИДКА10|ジェーン|R&B|BIG TREAT|-10|\
         +1UP|@JANE|NAN10|A:B|BUY2:1|LOVE-20-U|MAY-20-X|0|",
        "123456789012345|1234567890123456|20260520|2026|10-20|24/7|1.5|V2.0|2.0X|10.5|99-99-9999|\
         31-02|10-10|1/2OFF|5/20OFF|13/32|0/5|32/1|100/5|5.20.|20.05|20.5|10.%|.5%|10.00%OFF",
    ] {
        assert_all(cells, None);
    }
    assert_eq!(change("WELCOME|0"), None);
}
