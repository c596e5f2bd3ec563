//! What becomes of every row, with a handful of statements for all of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::meaning::{Affiliates, Meant};
use super::model::{Row, existing_only_words};
use crate::features::code_requests;
use crate::features::exclusions::{self, Excluded};
use crate::features::triggers::{
    NewTrigger, Reserved, Taken, Trigger, TriggerKind, ValueError, excluded_words, reserved_words,
    taken_words,
};
use crate::kit::db::schema::{affiliates, triggers};
use crate::kit::web::sheet::{self, Change};

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It becomes a trigger.
    Fine,
    /// It does only where somebody overrides that exclusion.
    Excluded(Excluded),
    /// The affiliate has it already, in words.
    Known(String),
    /// It cannot, and why.
    Refused(String),
}

/// A row with what was found out about it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// As in the file.
    pub row: Row,
    /// Its value, without what files put around it.
    pub text: String,
    /// What becomes of it.
    pub verdict: Verdict,
    change: Option<Change>,
    meant: Option<Meant>,
}

impl Judged {
    /// What is created from it, if it can be.
    pub fn new_trigger(&self) -> Option<NewTrigger<'_>> {
        let meant = self.meant.as_ref()?;
        let excluded = match &self.verdict {
            Verdict::Refused(_) | Verdict::Known(_) => return None,
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

    /// Whether a member has to confirm its value, which looks changed by a spreadsheet.
    pub fn is_changed(&self) -> bool {
        self.change.is_some() && matches!(self.verdict, Verdict::Fine | Verdict::Excluded(_))
    }

    /// Whether it can only be a code that the stores have already: with the rule of new ones that it
    /// breaks.
    pub(super) fn existing_only(&self) -> Option<&ValueError> {
        let can_be_created = matches!(self.verdict, Verdict::Fine | Verdict::Excluded(_));
        self.meant.as_ref()?.existing_only.as_ref().filter(|_| can_be_created)
    }

    /// The name of the affiliate that is meant, where that is known.
    pub fn affiliate(&self) -> Option<&str> {
        self.meant.as_ref().map(|meant| meant.affiliate.as_str())
    }

    /// Why it is not created, or not without more ado.
    pub fn reason(&self) -> Option<String> {
        self.reason_with(Change::words)
    }

    /// [`Judged::reason`], beside a badge that says that it looks changed.
    pub(super) fn reason_beside_badge(&self) -> Option<String> {
        self.reason_with(|change| change.explanation().to_owned())
    }

    fn reason_with(&self, words: fn(Change) -> String) -> Option<String> {
        let change = self.change.filter(|_| self.is_changed()).map(words);
        let verdict = match &self.verdict {
            Verdict::Fine => None,
            Verdict::Excluded(excluded) => Some(excluded_words(&self.text, excluded)),
            Verdict::Known(why) | Verdict::Refused(why) => Some(why.clone()),
        };
        let existing = self.existing_only().map(existing_only_words);
        let all: Vec<String> = change.into_iter().chain(existing).chain(verdict).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// How many rows a member decides on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub fine: usize,
    /// Excluded, and neither of the next two.
    pub excluded: usize,
    /// They can only be codes that the stores have already, and don't look changed.
    pub existing: usize,
    /// They look changed by a spreadsheet.
    pub changed: usize,
}

impl Counts {
    pub fn of(judged: &[Judged]) -> Self {
        let mut counts = Self::default();
        for one in judged {
            match &one.verdict {
                _ if one.is_changed() => counts.changed += 1,
                _ if one.existing_only().is_some() => counts.existing += 1,
                Verdict::Fine => counts.fine += 1,
                Verdict::Excluded(_) => counts.excluded += 1,
                Verdict::Known(_) | Verdict::Refused(_) => {}
            }
        }
        counts
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
    let affiliates = Affiliates::load(conn, merchant_id, &rows)?;
    let mut judged: Vec<Judged> =
        rows.into_iter().map(|row| first_verdict(&affiliates, row)).collect();
    refuse_held(conn, merchant_id, &mut judged)?;
    refuse_reserved(conn, merchant_id, &mut judged)?;
    refuse_repeated(&mut judged);
    mark_excluded(conn, merchant_id, &mut judged, now)?;
    Ok(judged)
}

fn first_verdict(affiliates: &Affiliates, row: Row) -> Judged {
    let text = sheet::value(&row.value);
    let (meant, change) = affiliates.read(&row);
    match meant {
        Ok(meant) => Judged { row, text, verdict: Verdict::Fine, change, meant: Some(meant) },
        Err(why) => Judged { row, text, verdict: Verdict::Refused(why), change, meant: None },
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
            let words = taken_words(taken, meant.affiliate_id);
            let is_known =
                taken.trigger.affiliate_id == meant.affiliate_id && !taken.trigger.is_retired();
            *verdict = if is_known { Verdict::Known(words) } else { Verdict::Refused(words) };
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
