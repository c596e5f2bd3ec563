//! A small bar chart of orders by week beside a code: the coordinates of everything in it.

use chrono::{Days, NaiveDate};
use vouch_core::calendar::Calendar;

use super::model::WEEKS;
use super::text;

/// In units of the drawing, which is scaled to fit.
const HEIGHT: i64 = 28;
const BAR: usize = 7;
const STEP: usize = 10;

/// One week.
pub(crate) struct Bar {
    pub(crate) x: usize,
    pub(crate) y: i64,
    pub(crate) height: i64,
}

/// The data that the template draws.
pub(crate) struct Weeks {
    pub(crate) bars: Vec<Bar>,
    /// A text alternative for people who can't see the chart.
    pub(crate) description: String,
}

impl Weeks {
    /// The weeks up to `today`; `None` if there's nothing to draw.
    pub(crate) fn new(orders: &[i64; WEEKS], today: NaiveDate, calendar: Calendar) -> Option<Self> {
        let most = *orders.iter().max()?;
        if most == 0 {
            return None;
        }
        let bar = |(at, orders): (usize, &i64)| {
            // Weeks with orders stay visible, however small next to the best week.
            let height = if *orders == 0 { 1 } else { (orders * HEIGHT / most).max(3) };
            Bar { x: at * STEP, y: HEIGHT - height, height }
        };
        let best = orders.iter().rposition(|orders| *orders == most)?;
        let ends = Days::new(7 * (WEEKS - 1 - best) as u64);
        let last = today.checked_sub_days(ends).unwrap_or(today);
        let first = last.checked_sub_days(Days::new(6)).unwrap_or(last);
        let total: i64 = orders.iter().sum();
        Some(Self {
            bars: orders.iter().enumerate().map(bar).collect(),
            description: text::weeks(WEEKS, total, (first, last), most, calendar),
        })
    }

    pub(crate) const fn bar(&self) -> usize {
        BAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_a_bar_and_the_best_one_fills_the_height() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let mut orders = [0; WEEKS];
        (orders[0], orders[10], orders[11]) = (1, 200, 100);
        let weeks = Weeks::new(&orders, today, Calendar::UTC).unwrap();
        let heights: Vec<i64> = weeks.bars.iter().map(|bar| bar.height).collect();
        assert_eq!((heights[0], heights[1], heights[10], heights[11]), (3, 1, 28, 14));
        assert_eq!(
            weeks.description,
            "301 orders in the last 12 weeks. The best week was Nov 10, 2026 to Nov 16, 2026 with 200 orders."
        );
        assert!(Weeks::new(&[0; WEEKS], today, Calendar::UTC).is_none());
    }
}
