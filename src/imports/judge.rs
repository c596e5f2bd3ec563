//! What becomes of every row, with a handful of statements for all of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::model::Row;
use crate::auth::email_key;
use crate::code_requests;
use crate::db::schema::{affiliates, triggers};
use crate::exclusions::{self, Excluded};
use crate::triggers::{
    NewTrigger, Reserved, Taken, Trigger, TriggerKind, TriggerValue, excluded_words,
    reserved_words, taken_words, unknown_affiliate_words,
};

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It becomes a trigger.
    Fine,
    /// It does only where somebody overrides that exclusion.
    Excluded(Excluded),
    /// It cannot, and why.
    Refused(String),
}

/// A row with what was found out about it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// As in the file.
    pub row: Row,
    /// What becomes of it.
    pub verdict: Verdict,
    meant: Option<Meant>,
}

/// What a row means, where all of it could be read.
#[derive(Clone, Debug)]
struct Meant {
    affiliate_id: i64,
    affiliate: String,
    kind: TriggerKind,
    value: TriggerValue,
}

impl Judged {
    /// What is created from it, if it can be.
    pub fn new_trigger(&self) -> Option<NewTrigger<'_>> {
        let meant = self.meant.as_ref()?;
        let excluded = match &self.verdict {
            Verdict::Refused(_) => return None,
            Verdict::Fine => None,
            Verdict::Excluded(excluded) => Some(excluded),
        };
        Some(NewTrigger {
            affiliate_id: meant.affiliate_id,
            affiliate: &meant.affiliate,
            kind: meant.kind,
            value: &meant.value,
            excluded,
        })
    }

    /// The name of the affiliate that is meant, where that is known.
    pub fn affiliate(&self) -> Option<&str> {
        self.meant.as_ref().map(|meant| meant.affiliate.as_str())
    }

    /// Why it is not created, or not without more ado.
    pub fn reason(&self) -> Option<String> {
        match &self.verdict {
            Verdict::Fine => None,
            Verdict::Excluded(excluded) => Some(excluded_words(&self.row.value, excluded)),
            Verdict::Refused(why) => Some(why.clone()),
        }
    }
}

/// Finds out what becomes of every row, as things stand now.
///
/// # Errors
/// The database's.
pub fn judge(
    conn: &mut PgConnection,
    merchant_id: i64,
    rows: Vec<Row>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Judged>> {
    let known = Known::load(conn, merchant_id, &rows)?;
    let mut judged: Vec<Judged> = rows.into_iter().map(|row| known.judged(row)).collect();
    refuse_held(conn, merchant_id, &mut judged)?;
    refuse_reserved(conn, merchant_id, &mut judged)?;
    refuse_repeated(&mut judged);
    mark_excluded(conn, merchant_id, &mut judged, now)?;
    Ok(judged)
}

/// The affiliates that a file names, by affiliate ID and by e-mail address.
struct Known(HashMap<String, (i64, String)>);

impl Known {
    fn load(conn: &mut PgConnection, merchant_id: i64, rows: &[Row]) -> QueryResult<Self> {
        let mut names: Vec<String> = rows.iter().map(|row| email_key(&row.affiliate)).collect();
        names.sort_unstable();
        names.dedup();
        let named = affiliates::public_id.eq_any(&names).or(affiliates::email_key.eq_any(&names));
        let found: Vec<(i64, String, String, String)> = affiliates::table
            .filter(affiliates::merchant_id.eq(merchant_id))
            .filter(named)
            .select((
                affiliates::id,
                affiliates::name,
                affiliates::public_id,
                affiliates::email_key,
            ))
            .load(conn)?;
        let mut known = HashMap::with_capacity(found.len() * 2);
        for (id, name, public_id, email_key) in found {
            known.insert(public_id, (id, name.clone()));
            known.insert(email_key, (id, name));
        }
        Ok(Self(known))
    }

    fn judged(&self, row: Row) -> Judged {
        match self.read(&row) {
            Ok(meant) => Judged { row, verdict: Verdict::Fine, meant: Some(meant) },
            Err(why) => Judged { row, verdict: Verdict::Refused(why), meant: None },
        }
    }

    /// What a row means, or everything that is wrong with it.
    fn read(&self, row: &Row) -> Result<Meant, String> {
        let mut wrong: Vec<String> = Vec::new();
        let affiliate = self.0.get(&email_key(&row.affiliate));
        if row.affiliate.is_empty() {
            wrong.push("The affiliate is missing.".to_owned());
        } else if affiliate.is_none() {
            wrong.push(unknown_affiliate_words(&row.affiliate));
        }
        let kind = kind_of(&row.kind);
        let value = kind.map(|kind| TriggerValue::parse(kind, &row.value));
        match &value {
            None => wrong.push(format!(
                "“{}” is no type: write Coupon Code, Customer Email or SKU.",
                row.kind
            )),
            Some(Err(error)) => wrong.push(error.to_string()),
            Some(Ok(_)) => {}
        }
        match (affiliate, kind, value) {
            (Some((affiliate_id, affiliate)), Some(kind), Some(Ok(value))) => {
                Ok(Meant { affiliate_id: *affiliate_id, affiliate: affiliate.clone(), kind, value })
            }
            _ => Err(wrong.join(" ")),
        }
    }
}

/// A type as people write it; a coupon code where nothing is written.
fn kind_of(typed: &str) -> Option<TriggerKind> {
    match typed.to_lowercase().replace([' ', '-'], "_").as_str() {
        "" => Some(TriggerKind::CouponCode),
        name => TriggerKind::parse(name),
    }
}

/// The rows of such kinds that nothing was found against yet.
fn open(
    judged: &mut [Judged],
    is: fn(TriggerKind) -> bool,
) -> impl Iterator<Item = (&mut Verdict, &Meant)> {
    judged.iter_mut().filter_map(move |one| {
        let meant = one.meant.as_ref().filter(|meant| is(meant.kind))?;
        (one.verdict == Verdict::Fine).then_some((&mut one.verdict, meant))
    })
}

fn keys(judged: &mut [Judged], is: fn(TriggerKind) -> bool) -> Vec<String> {
    open(judged, is).map(|(_, meant)| meant.value.key.clone()).collect()
}

fn is_any(_: TriggerKind) -> bool {
    true
}

fn is_code(kind: TriggerKind) -> bool {
    kind == TriggerKind::CouponCode
}

fn refuse_held(
    conn: &mut PgConnection,
    merchant_id: i64,
    judged: &mut [Judged],
) -> QueryResult<()> {
    let held: Vec<(Trigger, String)> = triggers::table
        .inner_join(
            affiliates::table.on(affiliates::merchant_id
                .eq(triggers::merchant_id)
                .and(affiliates::id.eq(triggers::affiliate_id))),
        )
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::key.eq_any(keys(judged, is_any)))
        .select((Trigger::as_select(), affiliates::name))
        .load(conn)?;
    let held: HashMap<(TriggerKind, String), Taken> = held
        .into_iter()
        .map(|(trigger, holder)| {
            let key = (trigger.kind, trigger.key.clone());
            (key, Taken { trigger, holder, free: Vec::new() })
        })
        .collect();
    for (verdict, meant) in open(judged, is_any) {
        if let Some(taken) = held.get(&(meant.kind, meant.value.key.clone())) {
            *verdict = Verdict::Refused(taken_words(taken, meant.affiliate_id));
        }
    }
    Ok(())
}

fn refuse_reserved(
    conn: &mut PgConnection,
    merchant_id: i64,
    judged: &mut [Judged],
) -> QueryResult<()> {
    let keys = keys(judged, is_code);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let reserved: HashMap<String, (i64, String)> =
        code_requests::reservations(conn, merchant_id, &keys)?
            .into_iter()
            .map(|(key, affiliate_id, affiliate)| (key, (affiliate_id, affiliate)))
            .collect();
    for (verdict, meant) in open(judged, is_code) {
        if let Some((affiliate_id, affiliate)) = reserved.get(&meant.value.key) {
            let reserved = Reserved {
                code: meant.value.value.clone(),
                affiliate_id: *affiliate_id,
                affiliate: affiliate.clone(),
                free: Vec::new(),
            };
            *verdict = Verdict::Refused(reserved_words(&reserved, meant.affiliate_id));
        }
    }
    Ok(())
}

/// Of rows that say the same, the first counts.
fn refuse_repeated(judged: &mut [Judged]) {
    let lines: Vec<i32> = judged
        .iter()
        .filter(|one| one.verdict == Verdict::Fine && one.meant.is_some())
        .map(|one| one.row.line)
        .collect();
    let mut seen: HashMap<(TriggerKind, &str), i32> = HashMap::with_capacity(lines.len());
    for ((verdict, meant), line) in open(judged, is_any).zip(lines) {
        let first = *seen.entry((meant.kind, meant.value.key.as_str())).or_insert(line);
        if first != line {
            *verdict = Verdict::Refused(format!("It stands in line {first} already."));
        }
    }
}

fn mark_excluded(
    conn: &mut PgConnection,
    merchant_id: i64,
    judged: &mut [Judged],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let keys = keys(judged, is_code);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let verdicts = exclusions::verdicts(conn, merchant_id, &keys, now)?;
    for ((verdict, _), excluded) in open(judged, is_code).zip(verdicts) {
        if let Some(excluded) = excluded {
            *verdict = Verdict::Excluded(excluded);
        }
    }
    Ok(())
}
