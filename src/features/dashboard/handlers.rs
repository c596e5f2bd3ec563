use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::NaiveDate;
use vouch_core::calendar::Calendar;
use vouch_core::money::{Currency, format_money};

use super::chart::{Chart, Point};
use super::model::{AttentionCounts, SetupSteps, steps, waiting};
use super::period::{PeriodQuery, ReportPeriod};
use super::sums::{Number, numbers};
use super::text;
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::list::{self, ConversionRow};
use crate::features::conversions::{ConversionFilter, ConversionStatus};
use crate::features::registration;
use crate::features::rollups::{self, DayRollups};
use crate::features::stores::{self, Uninstalled};
use crate::features::sync_notes::{self, Unusable};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::Range;
use crate::kit::urls;
use crate::kit::web::display_time::{DisplayTime, day_of};
use crate::kit::web::numbers::thousands;
use crate::kit::web::ok;

/// How many of the newest conversions are shown.
const NEWEST: usize = 10;
/// How long an uninstalled store is shown.
const UNINSTALLED_SHOWN: chrono::Duration = chrono::Duration::days(30);

#[derive(Template)]
#[template(path = "dashboard/index.html")]
struct DashboardPage {
    page: MerchantPage,
    period: ReportPeriod,
    numbers: Vec<Number>,
    chart: Option<Chart>,
    days: Vec<DayRow>,
    newest: Vec<NewestRow>,
    waiting: AttentionCounts,
    /// Stores that recently uninstalled Vouch.
    uninstalled: Vec<Uninstalled>,
    /// Stores in which codes are missing or inactive.
    unusable: Vec<Unusable>,
    steps: SetupSteps,
    signup: Signup,
}

/// The page where affiliates apply.
struct Signup {
    address: String,
    is_open: bool,
}

/// A row of the table below the chart.
struct DayRow {
    date: String,
    href: String,
    orders: String,
    conversions: String,
    revenue: String,
    commission: String,
    refunds: String,
}

struct NewestRow {
    row: ConversionRow,
    when: DisplayTime,
    commission: String,
}

impl NewestRow {
    fn new(row: ConversionRow, merchant: &Merchant) -> Self {
        Self {
            when: DisplayTime::new(row.conversion.occurred_at, merchant.calendar()),
            commission: format_money(row.conversion.commission_minor, row.conversion.currency),
            row,
        }
    }

    fn order_url(&self) -> Option<String> {
        self.row.conversion.order_id.map(urls::order)
    }

    fn affiliate_url(&self) -> String {
        urls::affiliate_conversions(self.row.conversion.affiliate_id)
    }
}

impl DashboardPage {
    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &text::PERIODS
    }

    fn code_requests(&self) -> String {
        urls::code_requests()
    }

    fn uninstalled_on(&self, store: &Uninstalled) -> DisplayTime {
        DisplayTime::new(store.at, self.page.merchant().calendar())
    }

    fn failed_pushes(&self) -> String {
        urls::failed_pushes()
    }

    fn failed_deliveries(&self) -> String {
        urls::failed_deliveries()
    }
}

/// `GET /dashboard`
pub(crate) async fn show(
    db: Data<Db>,
    config: Data<Config>,
    page: MerchantPage,
    query: Query<PeriodQuery>,
) -> AppResult<HttpResponse> {
    let merchant = page.merchant().clone();
    let merchant_id = merchant.id;
    let (own, calendar) = (merchant.currency, merchant.calendar());
    let period = ReportPeriod::read(&query, day_of(clock::now(), merchant.tz()));
    let (from, to) = (period.before_from, period.to);
    let since = clock::now() - UNINSTALLED_SHOWN;
    let (rollups, newest, waiting, (uninstalled, unusable), steps, registration) = db
        .merchant(merchant_id, move |conn| {
            let every = ConversionFilter::default();
            let first = Range::first(list::NEWEST, NEWEST);
            let newest = list::rows(conn, merchant_id, &every, &first)?.rows;
            Ok::<_, diesel::result::Error>((
                rollups::merchant_days(conn, merchant_id, from, to)?,
                newest,
                waiting(conn, merchant_id)?,
                (
                    stores::uninstalled(conn, merchant_id, since)?,
                    sync_notes::unusable(conn, merchant_id)?,
                ),
                steps(conn, merchant_id)?,
                registration::load(conn, merchant_id)?,
            ))
        })
        .await?;
    let days = by_day(&rollups, &period, own);
    ok(&DashboardPage {
        numbers: numbers(&rollups, &period, own),
        chart: Chart::new(&points(&days, &period), own, calendar),
        days: days
            .iter()
            .rev()
            .map(|(day, rollups)| day_row(*day, rollups, own, calendar))
            .collect(),
        newest: newest.into_iter().map(|row| NewestRow::new(row, &merchant)).collect(),
        waiting,
        uninstalled,
        unusable,
        steps,
        signup: Signup {
            address: format!("{}{}", config.public_url, urls::join(&merchant.slug)),
            is_open: registration.is_some_and(|registration| registration.is_open),
        },
        period,
        page,
    })
}

/// The days with activity. Amounts are in the merchant's own currency, counts include all
/// currencies.
fn by_day(
    rollups: &[DayRollups],
    period: &ReportPeriod,
    own: Currency,
) -> BTreeMap<NaiveDate, DayRollups> {
    let mut days: BTreeMap<NaiveDate, DayRollups> = BTreeMap::new();
    for one in rollups.iter().filter(|one| one.day >= period.from) {
        let day = days.entry(one.day).or_insert_with(|| DayRollups {
            day: one.day,
            orders: 0,
            rollups: rollups::Rollups::none(own),
        });
        day.orders += one.orders;
        day.rollups.conversions += one.rollups.conversions;
        if one.rollups.currency == own {
            day.rollups.revenue_minor += one.rollups.revenue_minor;
            day.rollups.commission_minor += one.rollups.commission_minor;
            day.rollups.refunded_minor += one.rollups.refunded_minor;
        }
    }
    days
}

fn points(days: &BTreeMap<NaiveDate, DayRollups>, period: &ReportPeriod) -> Vec<Point> {
    let point = |day: NaiveDate| {
        let rollups = days.get(&day).map(|day| &day.rollups);
        Point {
            day,
            revenue_minor: rollups.map_or(0, |rollups| rollups.revenue_minor),
            commission_minor: rollups.map_or(0, |rollups| rollups.commission_minor),
        }
    };
    period.days().map(point).collect()
}

fn day_row(at: NaiveDate, of: &DayRollups, own: Currency, calendar: Calendar) -> DayRow {
    DayRow {
        date: calendar.date(at),
        href: urls::credited_conversions(at, at),
        orders: thousands(of.orders),
        conversions: thousands(of.rollups.conversions),
        revenue: format_money(of.rollups.revenue_minor, own),
        commission: format_money(of.rollups.commission_minor, own),
        refunds: format_money(of.rollups.refunded_minor, own),
    }
}
