//! How long it takes to find out whether a code may be claimed, among a hundred thousand exclusions.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use vouch::features::availability::exclusion_of;
use vouch::features::triggers::CouponCode;
use vouch::kit::db::schema::exclusions;

use crate::program::Program;
use crate::report;

/// A share of codes, of every kind of pattern, and as many with a `*` between two parts as there may
/// be, all of which begin alike.
const OF_EVERY_KIND: &str = "SELECT p, shape, anchor FROM ( \
        SELECT 'C' || n AS p, 'exact' AS shape, '=C' || n AS anchor FROM generate_series(1, 9800) n \
        UNION ALL SELECT 'B' || n || '*', 'begins', '<B' || n FROM generate_series(1, 30000) n \
        UNION ALL SELECT '*' || n || 'E', 'ends', '>' || n || 'E' FROM generate_series(1, 30000) n \
        UNION ALL SELECT '*X' || n || 'X*', 'contains', '~X' || n || 'X' FROM generate_series(1, 30000) n \
        UNION ALL SELECT 'SA*' || n || 'E', 'composed', '<SA' FROM generate_series(1, 200) n) every";

/// The same number, every one open at both ends.
const OPEN: &str =
    "SELECT '*X' || n || '*', 'contains', '~X' || n FROM generate_series(10, 100009) n";

/// The second meets all patterns of several parts, the third is as long as a code can be.
const CODES: [&str; 3] =
    ["SUMMER24", "SAXOPHONE-JANE-10", "SAXYZABCDEFGH23456789XYZABCDEFGH23456789XYZABCDEFG"];

/// So often each is asked about.
const TIMES: usize = 1_000;

/// A median, and what ninety-nine of a hundred stayed within.
pub(crate) type Spread = (Duration, Duration);

/// Measures one check after the other, and a row that is looked up by its key in between as the bound.
/// Leaves the list of the program as it was: empty.
pub(crate) fn measure(program: &Program) {
    for (what, rows) in [("of every kind", OF_EVERY_KIND), ("open at both ends", OPEN)] {
        fill(program, rows);
        for code in CODES {
            let code = CouponCode::parse(code).expect("a code");
            let (check, bound) = one_code(program, &code);
            report::check(what, code.value(), check, bound);
        }
        empty(program);
    }
}

fn fill(program: &Program, rows: &str) {
    program.within(|conn| {
        diesel::sql_query("UPDATE merchants SET coupon_exclusions = true WHERE id = $1")
            .bind::<BigInt, _>(program.merchant_id)
            .execute(conn)?;
        diesel::sql_query(format!(
            "INSERT INTO exclusions (merchant_id, value, key, shape, anchor, added_at, added_by) \
             SELECT $1, p, p, shape, anchor, now(), 'Benchmark' FROM ({rows}) AS these (p, shape, anchor)"
        ))
        .bind::<BigInt, _>(program.merchant_id)
        .execute(conn)
    });
    program.within(|conn| diesel::sql_query("ANALYZE exclusions").execute(conn));
}

fn empty(program: &Program) {
    program.within(|conn| {
        diesel::sql_query("DELETE FROM exclusions WHERE merchant_id = $1")
            .bind::<BigInt, _>(program.merchant_id)
            .execute(conn)?;
        diesel::sql_query("UPDATE merchants SET coupon_exclusions = false WHERE id = $1")
            .bind::<BigInt, _>(program.merchant_id)
            .execute(conn)
    });
}

fn one_code(program: &Program, code: &CouponCode) -> (Spread, Spread) {
    let now = vouch::kit::clock::now();
    program.within(|conn| {
        let (mut checks, mut bounds) = (Vec::with_capacity(TIMES), Vec::with_capacity(TIMES));
        for _ in 0..TIMES {
            let begun = Instant::now();
            let verdict = exclusion_of(conn, program.merchant_id, code, now)?;
            checks.push(begun.elapsed());
            assert!(verdict.is_none(), "nothing stops it, so that all there is was looked at");
            let begun = Instant::now();
            exclusions::table
                .filter(exclusions::merchant_id.eq(program.merchant_id))
                .filter(exclusions::key.eq(code.key()))
                .filter(exclusions::removed_at.is_null())
                .select(exclusions::id)
                .first::<i64>(conn)
                .optional()?;
            bounds.push(begun.elapsed());
        }
        Ok((spread(checks), spread(bounds)))
    })
}

fn spread(mut times: Vec<Duration>) -> Spread {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}
