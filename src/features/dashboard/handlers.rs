use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::NaiveDate;
use vouch_core::money::{Currency, format_money};

use super::chart::{Chart, Point};
use super::model::{Steps, Waiting, steps, waiting};
use super::period::{CHOICES, Period, PeriodQuery};
use super::sums::{Number, numbers};
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::ConversionFilter;
use crate::features::conversions::list::{self, ConversionRow};
use crate::features::figures::{self, DayFigures};
use crate::features::registration;
use crate::features::stores::{self, Uninstalled};
use crate::features::sync_notes::{self, Unusable};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::ok;
use crate::kit::web::paginate::{Cursor, count_label, thousands};
use crate::kit::web::when::{When, day, day_of};

/// As many of the newest conversions are shown.
const NEWEST: usize = 10;
/// For so long the end of a connection is news.
const UNINSTALLED_SHOWN: chrono::Duration = chrono::Duration::days(30);

#[derive(Template)]
#[template(path = "dashboard/index.html")]
struct DashboardPage {
    page: MerchantPage,
    period: Period,
    numbers: Vec<Number>,
    chart: Option<Chart>,
    days: Vec<DayRow>,
    newest: Vec<NewestRow>,
    waiting: Waiting,
    /// Stores that uninstalled Vouch lately.
    uninstalled: Vec<Uninstalled>,
    /// Stores that lack codes, or have them off.
    unusable: Vec<Unusable>,
    steps: Steps,
    signup: Signup,
}

/// Where people apply to be affiliates.
struct Signup {
    address: String,
    is_open: bool,
}

/// One day of the table behind the chart.
struct DayRow {
    words: String,
    href: String,
    orders: String,
    conversions: String,
    revenue: String,
    commission: String,
    refunds: String,
}

/// One of the newest conversions.
struct NewestRow {
    row: ConversionRow,
    when: When,
    commission: String,
}

impl NewestRow {
    fn new(row: ConversionRow, merchant: &Merchant) -> Self {
        let commission = row.conversion.commission_minor;
        Self {
            when: When::new(row.conversion.occurred_at, merchant.tz()),
            commission: Currency::from_code(&row.conversion.currency)
                .map_or_else(|_| commission.to_string(), |own| format_money(commission, own)),
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
        &CHOICES
    }

    fn count(&self, count: &i64) -> String {
        count_label(*count)
    }

    fn code_requests(&self) -> String {
        urls::code_requests()
    }

    fn uninstalled_on(&self, store: &Uninstalled) -> When {
        When::new(store.at, self.page.merchant().tz())
    }

    fn failed_pushes(&self) -> String {
        urls::failed_pushes()
    }

    fn failed_deliveries(&self) -> String {
        urls::failed_deliveries()
    }
}

/// `GET /dashboard`
pub async fn show(
    db: Data<Db>,
    config: Data<Config>,
    page: MerchantPage,
    query: Query<PeriodQuery>,
) -> AppResult<HttpResponse> {
    let merchant = page.merchant().clone();
    let merchant_id = merchant.id;
    let own = Currency::from_code(&merchant.currency).unwrap_or(Currency::USD);
    let period = Period::read(&query, day_of(clock::now(), merchant.tz()));
    let (from, to) = (period.before_from, period.to);
    let since = clock::now() - UNINSTALLED_SHOWN;
    let (figures, newest, waiting, (uninstalled, unusable), steps, registration) = db
        .merchant(merchant_id, move |conn| {
            let every = ConversionFilter::default();
            let (newest, _) = list::piece(conn, merchant_id, &every, &Cursor::Start, NEWEST)?;
            Ok::<_, diesel::result::Error>((
                figures::merchant_days(conn, merchant_id, from, to)?,
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
    let days = by_day(&figures, &period, own);
    ok(&DashboardPage {
        numbers: numbers(&figures, &period, own),
        chart: Chart::new(&points(&days, &period), own),
        days: days.iter().rev().map(|(day, figures)| day_row(*day, figures, own)).collect(),
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

/// The days on which there was something, each in the merchant's own currency; orders and
/// conversions in any.
fn by_day(
    figures: &[DayFigures],
    period: &Period,
    own: Currency,
) -> BTreeMap<NaiveDate, DayFigures> {
    let mut days: BTreeMap<NaiveDate, DayFigures> = BTreeMap::new();
    for one in figures.iter().filter(|one| one.day >= period.from) {
        let day = days.entry(one.day).or_insert_with(|| DayFigures {
            day: one.day,
            orders: 0,
            figures: figures::Figures::default(),
        });
        day.orders += one.orders;
        day.figures.conversions += one.figures.conversions;
        if one.figures.currency == own.code() {
            day.figures.revenue_minor += one.figures.revenue_minor;
            day.figures.commission_minor += one.figures.commission_minor;
            day.figures.refunded_minor += one.figures.refunded_minor;
        }
    }
    days
}

fn points(days: &BTreeMap<NaiveDate, DayFigures>, period: &Period) -> Vec<Point> {
    let point = |day: NaiveDate| {
        let figures = days.get(&day).map(|day| &day.figures);
        Point {
            day,
            revenue_minor: figures.map_or(0, |figures| figures.revenue_minor),
            commission_minor: figures.map_or(0, |figures| figures.commission_minor),
        }
    };
    period.days().map(point).collect()
}

fn day_row(at: NaiveDate, of: &DayFigures, own: Currency) -> DayRow {
    DayRow {
        words: day(at),
        href: format!("/conversions?status=credited&from={at}&to={at}"),
        orders: thousands(of.orders),
        conversions: thousands(of.figures.conversions),
        revenue: format_money(of.figures.revenue_minor, own),
        commission: format_money(of.figures.commission_minor, own),
        refunds: format_money(of.figures.refunded_minor, own),
    }
}
