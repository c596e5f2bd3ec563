//! How long a check takes. Not a test of every run: it measures.

use std::time::{Duration, Instant};

use super::*;

/// A hundred thousand exclusions: a share of codes, of every kind of pattern, and as many with a `*`
/// between two parts as there may be, all of which begin alike.
const FILL: &str = "INSERT INTO exclusions (merchant_id, value, key, shape, anchor, added_at, added_by) \
    SELECT $1, p, p, shape, anchor, now(), 'Tests' FROM ( \
        SELECT 'C' || n AS p, 'exact' AS shape, '=C' || n AS anchor FROM generate_series(1, 9800) n \
        UNION ALL SELECT 'B' || n || '*', 'begins', '<B' || n FROM generate_series(1, 30000) n \
        UNION ALL SELECT '*' || n || 'E', 'ends', '>' || n || 'E' FROM generate_series(1, 30000) n \
        UNION ALL SELECT '*X' || n || 'X*', 'contains', '~X' || n || 'X' FROM generate_series(1, 30000) n \
        UNION ALL SELECT 'SA*' || n || 'E', 'composed', '<SA' FROM generate_series(1, 200) n) all_of_them";

/// The same number, every one open at both ends.
const FILL_OPEN: &str = "INSERT INTO exclusions (merchant_id, value, key, shape, anchor, added_at, added_by) \
    SELECT $1, '*X' || n || '*', '*X' || n || '*', 'contains', '~X' || n, now(), 'Tests' \
    FROM generate_series(10, 100009) n";

fn measure(fill: &str) -> Vec<(String, Duration, Duration)> {
    let app = TestApp::start();
    enable(&app);
    let acme = app.fixture.merchant_id;
    app.within(|conn| {
        diesel::sql_query(fill).bind::<diesel::sql_types::BigInt, _>(acme).execute(conn)
    });
    app.within(|conn| diesel::sql_query("ANALYZE exclusions").execute(conn));
    let longest = "SAXYZABCDEFGH23456789XYZABCDEFGH23456789XYZABCDEFG".to_owned();
    let codes = ["SUMMER24".to_owned(), "SAXOPHONE-JANE-10".to_owned(), longest];
    let now = vouch::clock::now();
    codes
        .into_iter()
        .map(|typed| {
            let code = CouponCode::parse(&typed).unwrap();
            let mut times: Vec<Duration> = app.within(|conn| {
                (0..300)
                    .map(|_| {
                        let begun = Instant::now();
                        assert_eq!(exclusions::verdict(conn, acme, &code, now)?, None);
                        Ok(begun.elapsed())
                    })
                    .collect()
            });
            times.sort();
            (typed, times[150], times[285])
        })
        .collect()
}

#[test]
#[ignore = "measures; say --ignored --nocapture, in a release build on a quiet machine"]
fn a_check_among_a_hundred_thousand_exclusions() {
    for (what, fill) in [("of every kind", FILL), ("open at both ends", FILL_OPEN)] {
        for (code, median, high) in measure(fill) {
            println!("{what}: {code}: median {median:?}, of a hundred ninety-five within {high:?}");
        }
    }
}
