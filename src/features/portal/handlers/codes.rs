use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{Days, NaiveDate};
use diesel::QueryResult;
use vouch_core::money::{Currency, format_money};

use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::applications::{CodeRequest, CodeRequestOrigin, CodeRequestStatus};
use crate::features::auth::pages::AffiliatePage;
use crate::features::code_requests::{CodeLookup, MAX_WAITING};
use crate::features::conversions::ConversionStatus;
use crate::features::portal::model::{CodeSum, NEWEST, PortalCode, codes};
use crate::features::portal::weeks::Weeks;
use crate::features::registration;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{ListPage, Params};
use crate::kit::urls;
use crate::kit::web::display_time::{DisplayTime, day_of};
use crate::kit::web::form::FormErrors;
use crate::kit::web::numbers::thousands;
use crate::kit::web::ok;

/// How many of the latest requests are loaded.
const REQUESTS: i64 = 50;
/// Denied requests are shown for this many days after the request.
const DENIED_DAYS: u64 = 60;

pub(super) enum RequestAvailability {
    /// The program doesn't allow it, or the affiliate isn't active.
    Closed,
    /// The maximum number of requests is pending.
    Full,
    Open,
}

/// **My Codes**, with the form for an additional code.
#[derive(Template)]
#[template(path = "portal/codes.html")]
pub(super) struct CodesPage {
    page: AffiliatePage,
    today: NaiveDate,
    list: ListPage<PortalCode>,
    requests: Vec<CodeRequest>,
    asking: RequestAvailability,
    pub(crate) typed: String,
    pub(crate) errors: FormErrors,
    /// The check of the typed code.
    pub(crate) checked: CodeLookup,
}

impl CodesPage {
    pub(crate) async fn load(db: &Db, page: AffiliatePage, params: Params) -> AppResult<Self> {
        let mut address = params.at(urls::portal());
        let range = address.page(NEWEST);
        let (merchant_id, affiliate_id) = (page.merchant_id(), page.affiliate_context.affiliate_id);
        let today = day_of(page.actor().now, page.merchant().tz());
        let (codes, affiliate, mut requests, allows) = db
            .merchant(merchant_id, move |conn| {
                QueryResult::Ok((
                    codes(conn, merchant_id, affiliate_id, today, &range)?,
                    Affiliate::find(conn, merchant_id, affiliate_id)?,
                    CodeRequest::of_affiliate(conn, merchant_id, affiliate_id, REQUESTS)?,
                    registration::allows_code_requests(conn, merchant_id)?,
                ))
            })
            .await?;
        let waiting = requests.iter().filter(|request| request.is_requested()).count();
        let since = today.checked_sub_days(Days::new(DENIED_DAYS)).unwrap_or(today);
        requests.retain(|request| match request.status {
            CodeRequestStatus::Pending => true,
            CodeRequestStatus::Denied => {
                request.origin == CodeRequestOrigin::Portal
                    && request.requested_at.date_naive() >= since
            }
            CodeRequestStatus::Approved | CodeRequestStatus::Withdrawn => false,
        });
        let asking = if !allows || !page.may_write() || affiliate.status != AffiliateStatus::Active
        {
            RequestAvailability::Closed
        } else if waiting >= MAX_WAITING {
            RequestAvailability::Full
        } else {
            RequestAvailability::Open
        };
        let (typed, errors, checked) = (String::new(), FormErrors::new(), None);
        let list = ListPage::new(address, codes, None);
        Ok(Self { page, today, list, requests, asking, typed, errors, checked })
    }

    /// Whether Vouch knows the stores of a code. It doesn't if the merchant creates codes in the store.
    fn knows_stores(&self) -> bool {
        self.list.rows.iter().any(|code| !code.stores.is_empty())
    }

    fn asked_at(&self, request: &CodeRequest) -> DisplayTime {
        DisplayTime::day(request.requested_at, self.page.merchant().calendar())
    }

    fn weeks(&self, code: &PortalCode) -> Option<Weeks> {
        Weeks::new(&code.weeks, self.today, self.page.merchant().calendar())
    }

    /// The number of orders that count.
    fn orders(code: &PortalCode) -> String {
        thousands(
            code.sums.iter().filter(|sum| counts(sum)).map(|sum| sum.conversions).sum::<i64>(),
        )
    }

    /// The revenue of orders that count, one amount per currency. Without orders it's zero in the
    /// program's currency.
    fn revenue(&self, code: &PortalCode) -> Vec<String> {
        let mut amounts: Vec<(Currency, i64)> = Vec::new();
        for sum in code.sums.iter().filter(|sum| counts(sum)) {
            match amounts.iter_mut().find(|(currency, _)| *currency == sum.currency) {
                Some((_, minor)) => *minor += sum.revenue_minor,
                None => amounts.push((sum.currency, sum.revenue_minor)),
            }
        }
        if amounts.is_empty() {
            amounts.push((self.page.merchant().currency, 0));
        }
        amounts.into_iter().map(|(currency, minor)| format_money(minor, currency)).collect()
    }

    /// One amount with its status, per status and currency.
    fn commission(&self, code: &PortalCode) -> Vec<(String, &'static str)> {
        use ConversionStatus::{Approved, Denied, Pending};
        let of = |status: ConversionStatus| {
            let sums = code.sums.iter().filter(move |sum| sum.status == status);
            sums.map(move |sum| (format_money(sum.commission_minor, sum.currency), status.label()))
        };
        let amounts: Vec<_> = [Approved, Pending, Denied].into_iter().flat_map(of).collect();
        if amounts.is_empty() {
            return vec![(format_money(0, self.page.merchant().currency), "")];
        }
        amounts
    }
}

fn counts(sum: &CodeSum) -> bool {
    sum.status.counts()
}

/// `GET /portal`: **My Codes**
pub(crate) async fn index(
    db: Data<Db>,
    page: AffiliatePage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    ok(&CodesPage::load(&db, page, params.into_inner()).await?)
}
