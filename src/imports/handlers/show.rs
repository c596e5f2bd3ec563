use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::Db;
use crate::error::AppResult;
use crate::imports::complete::counts;
use crate::imports::{self, Import, Judged, Row, Verdict, judge};
use crate::pushes;
use crate::web::csv::{self, Cell};
use crate::web::form::FormErrors;
use crate::web::ok;
use crate::web::page::MerchantPage;
use crate::web::paginate::thousands;
use crate::web::when::When;

/// As many rows are shown; the file has all that were refused.
const SHOWN: usize = 500;

/// A file with what becomes of its rows, or became.
#[derive(Template)]
#[template(path = "imports/show.html")]
pub(super) struct ImportPage {
    pub page: MerchantPage,
    pub import: Import,
    /// Of one that waits: every row. Of one that was saved: none.
    pub judged: Vec<Judged>,
    /// Of one that was saved: the rows that were refused, as long as they are kept.
    pub refused: Vec<Row>,
    /// The names of the stores that new codes go to.
    pub stores: Vec<String>,
    pub errors: FormErrors,
    pub override_exclusions: bool,
    pub only_in_vouch: bool,
}

/// A row as the table shows it.
struct Line<'a> {
    row: &'a Row,
    affiliate: Option<&'a str>,
    badge: (&'static str, &'static str),
    reason: String,
}

impl<'a> Line<'a> {
    fn of(judged: &'a Judged) -> Self {
        let badge = match judged.verdict {
            Verdict::Fine => ("Can be created", "good"),
            Verdict::Excluded(_) => ("Excluded", "wait"),
            Verdict::Refused(_) => ("Cannot be created", "bad"),
        };
        let reason = judged.reason().unwrap_or_default();
        Self { row: &judged.row, affiliate: judged.affiliate(), badge, reason }
    }

    fn refused(row: &'a Row) -> Self {
        let reason = row.refusal.clone().unwrap_or_default();
        Self { row, affiliate: None, badge: ("Left out", "bad"), reason }
    }

    fn kind(&self) -> &str {
        if self.row.kind.is_empty() { "Coupon Code" } else { &self.row.kind }
    }
}

impl ImportPage {
    fn is_open(&self) -> bool {
        self.import.completed_at.is_none()
    }

    fn fine(&self) -> usize {
        counts(&self.judged).0
    }

    fn excluded(&self) -> usize {
        counts(&self.judged).1
    }

    fn number(count: usize) -> String {
        thousands(i64::try_from(count).unwrap_or(i64::MAX))
    }

    fn counted(count: i32) -> String {
        thousands(i64::from(count))
    }

    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.page.merchant().tz())
    }

    /// What a person has to look at comes first.
    fn lines(&self) -> Vec<Line<'_>> {
        if !self.is_open() {
            return self.refused.iter().take(SHOWN).map(Line::refused).collect();
        }
        let place = |one: &&Judged| match one.verdict {
            Verdict::Refused(_) => 0,
            Verdict::Excluded(_) => 1,
            Verdict::Fine => 2,
        };
        let mut judged: Vec<&Judged> = self.judged.iter().collect();
        judged.sort_by_key(place);
        judged.into_iter().take(SHOWN).map(Line::of).collect()
    }

    fn hidden(&self) -> usize {
        (self.judged.len() + self.refused.len()).saturating_sub(SHOWN)
    }

    /// Whether there is a file of refused rows.
    fn has_refused(&self) -> bool {
        !self.refused.is_empty() || self.judged.iter().any(|one| one.verdict != Verdict::Fine)
    }

    fn create_words(&self) -> String {
        match (self.fine(), self.excluded()) {
            (0, _) => "Create conversion triggers".to_owned(),
            (1, 0) => "Create 1 conversion trigger".to_owned(),
            (fine, 0) => format!("Create {} conversion triggers", Self::number(fine)),
            _ => "Create conversion triggers".to_owned(),
        }
    }

    fn override_words(&self) -> String {
        match self.excluded() {
            1 => "Override exclusions: create the 1 excluded code as well".to_owned(),
            count => format!(
                "Override exclusions: create the {} excluded codes as well",
                Self::number(count)
            ),
        }
    }

    fn reach_hint(&self) -> String {
        format!("Otherwise the codes are created in {}.", self.stores.join(", "))
    }
}

type Found = (Import, Vec<Judged>, Vec<Row>, Vec<String>);

/// `GET /triggers/imports/{id}`
pub async fn show(db: Data<Db>, page: MerchantPage, id: Path<i64>) -> AppResult<HttpResponse> {
    let (merchant_id, now) = (page.merchant_id(), page.actor().now);
    let (import, judged, refused, stores) =
        db.merchant(merchant_id, move |conn| load(conn, merchant_id, *id, now)).await?;
    ok(&ImportPage {
        page,
        import,
        judged,
        refused,
        stores,
        errors: FormErrors::new(),
        override_exclusions: false,
        only_in_vouch: false,
    })
}

fn load(
    conn: &mut PgConnection,
    merchant_id: i64,
    id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Found> {
    let import = Import::find(conn, merchant_id, id)?;
    let rows = imports::rows(conn, merchant_id, id)?;
    let stores = pushes::destinations(conn, merchant_id)?;
    if import.completed_at.is_some() {
        return Ok((import, Vec::new(), rows, stores));
    }
    let judged = judge(conn, merchant_id, rows, now)?;
    Ok((import, judged, Vec::new(), stores))
}

/// The columns of an upload first, so that the file can be mended and uploaded.
const COLUMNS: [&str; 5] = ["Affiliate", "Type", "Code", "Line", "Reason"];

/// `GET /triggers/imports/{id}/refused.csv`
pub async fn refused(db: Data<Db>, page: MerchantPage, id: Path<i64>) -> AppResult<HttpResponse> {
    let (merchant_id, now) = (page.merchant_id(), page.actor().now);
    let (_, judged, refused, _) =
        db.merchant(merchant_id, move |conn| load(conn, merchant_id, *id, now)).await?;
    let of_open = judged.into_iter().filter_map(|one| Some((one.reason()?, one.row)));
    let of_saved = refused.into_iter().map(|row| (row.refusal.clone().unwrap_or_default(), row));
    let rows: Vec<Vec<Cell>> = of_open
        .chain(of_saved)
        .map(|(reason, row)| {
            let Row { line, affiliate, kind, value, .. } = row;
            let reason = Cell::text(reason);
            vec![
                Cell::text(affiliate),
                Cell::text(kind),
                Cell::text(value),
                Cell::plain(line),
                reason,
            ]
        })
        .collect();
    Ok(csv::stream("refused-rows.csv", &COLUMNS, move |_: Option<()>| {
        let rows = rows.clone();
        async move { Ok((rows, None)) }
    }))
}
