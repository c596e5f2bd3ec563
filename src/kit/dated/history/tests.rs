use chrono::{Duration, TimeZone};
use proptest::prelude::*;

use super::*;

/// Milliseconds after noon; `s` takes seconds.
fn ms(milliseconds: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap() + Duration::milliseconds(milliseconds)
}

fn s(seconds: i64) -> DateTime<Utc> {
    ms(seconds * 1000)
}

fn period(value: char, from: i64, until: Option<i64>) -> Period<char> {
    Period { from: s(from), until: until.map(s), value }
}

#[test]
fn a_change_counts_for_all_of_its_second() {
    let first = changed(&[], Some('a'), ms(700));
    assert_eq!(first, [period('a', 0, None)]);
    let second = changed(&first, Some('b'), ms(5_999));
    assert_eq!(second, [period('a', 0, Some(5)), period('b', 5, None)]);
    assert_eq!(at(&second, ms(4_999)), Some(&'a'));
    assert_eq!(at(&second, s(5)), Some(&'b'));
    assert_eq!(at(&second, ms(-1)), None);
    assert_eq!(at_or_first(&second, ms(-1)), Some(&'a'));
}

#[test]
fn the_later_of_two_changes_in_one_second_replaces_the_earlier() {
    let history = [period('a', 0, Some(5)), period('b', 5, None)];
    let third = changed(&history, Some('c'), ms(5_400));
    assert_eq!(third, [period('a', 0, Some(5)), period('c', 5, None)]);
    assert_eq!(
        writes(&history, &third),
        [Write::Delete { from: s(5) }, Write::Begin(period('c', 5, None))]
    );
    // Changing back within the same second leaves the history unchanged.
    let back = changed(&history, Some('a'), ms(5_400));
    assert_eq!(back, [period('a', 0, None)]);
    assert_eq!(
        writes(&history, &back),
        [Write::Delete { from: s(5) }, Write::End { from: s(0), until: None }]
    );
}

#[test]
fn the_same_again_writes_nothing() {
    let history = [period('a', 0, None)];
    for now in [s(-9), s(0), s(9)] {
        assert!(writes(&history, &changed(&history, Some('a'), now)).is_empty());
    }
    let ended = [period('a', 0, Some(5))];
    assert_eq!(changed(&ended, None, s(9)), ended);
}

#[test]
fn a_clock_that_went_back_begins_nothing_before_what_was_written_last() {
    let history = [period('a', 0, Some(5)), period('b', 5, None)];
    let later = changed(&history, Some('c'), s(2));
    assert_eq!(later, [period('a', 0, Some(5)), period('c', 5, None)]);
    let ended = changed(&history, None, s(2));
    assert_eq!(ended, [period('a', 0, Some(5))], "it was never in force");
    let gap = [period('a', 0, Some(5))];
    assert_eq!(changed(&gap, Some('b'), s(2)), [period('a', 0, Some(5)), period('b', 5, None)]);
}

#[test]
fn a_fact_ends_and_begins_again() {
    let ended = changed(&[period('a', 0, None)], None, s(5));
    assert_eq!(ended, [period('a', 0, Some(5))]);
    assert_eq!(at(&ended, s(5)), None);
    let again = changed(&ended, Some('a'), s(9));
    assert_eq!(again, [period('a', 0, Some(5)), period('a', 9, None)]);
    // The history looks as if the fact had never ended.
    assert_eq!(held_from(&ended, Some('a'), s(5)), [period('a', 0, None)]);
}

#[test]
fn what_is_held_from_a_past_second_on_replaces_everything_since() {
    let history = [period('a', 0, Some(5)), period('b', 5, Some(9)), period('c', 9, None)];
    assert_eq!(
        held_from(&history, Some('d'), s(3)),
        [period('a', 0, Some(3)), period('d', 3, None)]
    );
    assert_eq!(held_from(&history, Some('a'), s(5)), [period('a', 0, None)]);
    assert_eq!(held_from(&history, None, s(0)), []);
}

/// Applies the statements to a list, and checks the constraints of the table.
fn apply(table: &mut Vec<Period<char>>, planned: Vec<Write<char>>) {
    for write in planned {
        match write {
            Write::Delete { from } => table.retain(|period| period.from != from),
            Write::End { from, until } => {
                table.iter_mut().find(|period| period.from == from).unwrap().until = until;
            }
            Write::Begin(period) => table.push(period),
        }
        table.sort_by_key(|period| period.from);
        for pair in table.windows(2) {
            let end = pair[0].until.expect("only the last period can go on");
            assert!(end <= pair[1].from, "{table:?}");
        }
        assert!(table.iter().all(|period| period.until.is_none_or(|until| until > period.from)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_clocks_do_periods_are_whole_and_the_last_change_of_a_second_counts(
        // How the clock moves in milliseconds, and the new value of the fact.
        steps in prop::collection::vec(
            (prop_oneof![0..900_i64, 0..5_000_i64, -4_000..0_i64], prop::option::weighted(0.8, 0..3_u8)),
            1..30,
        ),
    ) {
        let mut table: Vec<Period<char>> = Vec::new();
        // A model: for every second the last value set in it, by the latest clock.
        let mut said: std::collections::BTreeMap<DateTime<Utc>, Option<char>> =
            std::collections::BTreeMap::new();
        let mut now = ms(0);
        for (step, value) in steps {
            now += Duration::milliseconds(step);
            let value = value.map(|value| char::from(b'a' + value));
            let after = changed(&table, value, now);
            let planned = writes(&table, &after);
            if current(&table) == value.as_ref() {
                prop_assert!(planned.is_empty(), "no change writes nothing");
            } else {
                let from = table.last().map_or(second(now), |last| {
                    last.until.unwrap_or(last.from).max(second(now))
                });
                // If the clock went back, periods that start later are deleted from the table.
                said.split_off(&from);
                said.insert(from, value);
            }
            apply(&mut table, planned);
            prop_assert_eq!(&table, &after);
            for period in &table {
                prop_assert_eq!(period.from, second(period.from));
            }
            for offset in -2..40_i64 {
                let moment = ms(0) + Duration::milliseconds(offset * 1_250);
                let expected = said.range(..=moment).next_back().and_then(|(_, value)| *value);
                prop_assert_eq!(at(&table, moment).copied(), expected);
            }
        }
    }

    #[test]
    fn a_change_of_the_past_holds_from_there_and_leaves_what_was_before(
        changes in prop::collection::vec((0..30_000_i64, prop::option::weighted(0.8, 0..3_u8)), 0..8),
        (from, value) in (0..30_000_i64, prop::option::weighted(0.8, 0..3_u8)),
    ) {
        let value_of = |value: Option<u8>| value.map(|value| char::from(b'a' + value));
        let mut table = Vec::new();
        for (now, value) in changes {
            table = changed(&table, value_of(value), ms(now));
        }
        let after = held_from(&table, value_of(value), ms(from));
        for offset in 0..60_i64 {
            let moment = ms(offset * 500);
            let expected = if moment < second(ms(from)) {
                at(&table, moment).copied()
            } else {
                value_of(value)
            };
            prop_assert_eq!(at(&after, moment).copied(), expected);
        }
        let planned = writes(&table, &after);
        apply(&mut table, planned);
        prop_assert_eq!(table, after);
    }
}
