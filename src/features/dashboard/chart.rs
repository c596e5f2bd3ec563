//! A line chart of revenue and commission by day: the coordinates of everything in it.

use chrono::NaiveDate;
use vouch_core::calendar::Calendar;
use vouch_core::money::{Currency, format_money};

use super::text;

/// In units of the drawing, which is scaled to the page.
const WIDTH: f64 = 720.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 206.0;

/// One day in the merchant's own currency, in minor units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) day: NaiveDate,
    pub(crate) revenue_minor: i64,
    pub(crate) commission_minor: i64,
}

/// The data that the template draws.
pub(crate) struct Chart {
    /// The points of the line, as `x,y x,y ..`.
    pub(crate) revenue: String,
    pub(crate) commission: String,
    /// The outline of the area under the revenue.
    pub(crate) area: String,
    /// The position of a single day, which makes no line: x, then the two y.
    pub(crate) only: Option<(String, String, String)>,
    /// The height and label of each horizontal line.
    pub(crate) grid: Vec<(String, String)>,
    /// The position, alignment and text of the day labels.
    pub(crate) days: Vec<(String, &'static str, String)>,
    /// A text alternative for people who can't see the chart.
    pub(crate) description: String,
}

impl Chart {
    /// The chart of consecutive days; `None` if there's nothing to draw.
    pub(crate) fn new(points: &[Point], currency: Currency, calendar: Calendar) -> Option<Self> {
        let values = || points.iter().flat_map(|p| [p.revenue_minor, p.commission_minor]);
        let (first, last) = (points.first()?, points.last()?);
        if values().all(|value| value == 0) {
            return None;
        }
        let scale = Scale::new(values().min()?, values().max()?, points.len());
        let line = |of: fn(&Point) -> i64| {
            let places = points.iter().enumerate();
            places.map(|(at, p)| format!("{},{}", scale.x(at), scale.y(of(p)))).collect::<Vec<_>>()
        };
        let revenue = line(|p| p.revenue_minor);
        let end = scale.x(points.len() - 1);
        let area = format!("M0,{0}L{1}L{end},{0}Z", scale.y(0), revenue.join("L"));
        let best = points.iter().max_by_key(|p| p.revenue_minor)?;
        let money = |minor| format_money(minor, currency);
        Some(Self {
            commission: line(|p| p.commission_minor).join(" "),
            revenue: revenue.join(" "),
            area,
            only: (points.len() == 1).then(|| {
                (scale.x(0), scale.y(first.revenue_minor), scale.y(first.commission_minor))
            }),
            grid: scale.lines().map(|minor| (scale.y(minor), money(minor))).collect(),
            days: scale.days(points, calendar),
            description: text::chart(
                &calendar.date(first.day),
                &calendar.date(last.day),
                &calendar.date(best.day),
                &money(best.revenue_minor),
            ),
        })
    }
}

/// Converts days and amounts to coordinates.
struct Scale {
    bottom: i64,
    step: i64,
    steps: i64,
    count: usize,
}

impl Scale {
    fn new(least: i64, most: i64, count: usize) -> Self {
        let (least, most) = (least.min(0), most.max(0));
        let step = round_up(((most - least) / 3).max(1));
        let bottom = least.div_euclid(step) * step;
        // The highest value is on or below the top line.
        let steps = (most - bottom + step - 1) / step;
        Self { bottom, step, steps: steps.max(1), count }
    }

    #[expect(clippy::cast_precision_loss, reason = "places in a drawing")]
    fn x(&self, at: usize) -> String {
        let share = if self.count < 2 { 0.5 } else { at as f64 / (self.count - 1) as f64 };
        format!("{:.1}", share * WIDTH)
    }

    #[expect(clippy::cast_precision_loss, reason = "places in a drawing")]
    fn y(&self, minor: i64) -> String {
        let share = (minor - self.bottom) as f64 / (self.step * self.steps) as f64;
        format!("{:.1}", BOTTOM - share * (BOTTOM - TOP))
    }

    fn lines(&self) -> impl Iterator<Item = i64> {
        (0..=self.steps).map(|at| self.bottom + at * self.step)
    }

    /// Labels for the first, middle and last day.
    fn days(&self, points: &[Point], calendar: Calendar) -> Vec<(String, &'static str, String)> {
        let last = points.len() - 1;
        let label = |at: usize, anchor| (self.x(at), anchor, calendar.short_date(points[at].day));
        match last {
            0 => vec![label(0, "middle")],
            1..=3 => vec![label(0, "start"), label(last, "end")],
            _ => vec![label(0, "start"), label(last / 2, "middle"), label(last, "end")],
        }
    }
}

/// Rounds up to the next of 1, 2, 5, 10, 20, 50 and so on.
fn round_up(value: i64) -> i64 {
    let mut unit = 1_i64;
    loop {
        for factor in [1, 2, 5] {
            let step = unit.saturating_mul(factor);
            if step >= value {
                return step;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(revenue: &[i64]) -> Vec<Point> {
        let first = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let days = first.iter_days().zip(revenue);
        days.map(|(day, revenue)| Point {
            day,
            revenue_minor: *revenue,
            commission_minor: revenue / 10,
        })
        .collect()
    }

    #[test]
    fn lines_reach_from_edge_to_edge_and_stay_below_the_last_round_amount() {
        let chart =
            Chart::new(&points(&[0, 29_000, 14_000]), Currency::USD, Calendar::UTC).unwrap();
        assert_eq!(chart.revenue, "0.0,206.0 360.0,30.1 720.0,121.1");
        let words: Vec<&str> = chart.grid.iter().map(|line| line.1.as_str()).collect();
        assert_eq!(words, ["$0.00", "$100.00", "$200.00", "$300.00"]);
        assert!(["Mar 2, 2026", "$290.00"].iter().all(|fact| chart.description.contains(fact)));
    }

    #[test]
    fn nothing_makes_no_chart_and_one_day_a_dot() {
        assert!(Chart::new(&points(&[0, 0]), Currency::USD, Calendar::UTC).is_none());
        assert!(Chart::new(&[], Currency::USD, Calendar::UTC).is_none());
        assert!(Chart::new(&points(&[500]), Currency::USD, Calendar::UTC).unwrap().only.is_some());
    }

    #[test]
    fn what_was_taken_back_stands_below_zero() {
        let chart = Chart::new(&points(&[-1_000, 2_000]), Currency::USD, Calendar::UTC).unwrap();
        assert_eq!(chart.grid.first().unwrap().1, "\u{2212}$10.00");
    }
}
