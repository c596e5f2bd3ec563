use diesel::prelude::*;

use crate::features::code_requests::{self, ReservedCode};
use crate::features::exclusions::Pattern;
use crate::features::exclusions::text;
use crate::features::triggers::Trigger;
use crate::features::triggers::list::some_like;
use crate::kit::lists::Count;
use crate::kit::urls;

/// How many codes are shown.
const NAMED: usize = 5;
/// How many requested codes are shown.
const WAITING: usize = 20;

/// Affiliates' codes that an exclusion matches. Affiliates keep the codes they have. Requested
/// codes still wait for a decision.
pub(crate) struct AffectedTriggers {
    count: Count,
    some: Vec<(Trigger, String)>,
    waiting: Vec<ReservedCode>,
    pattern: Pattern,
}

impl AffectedTriggers {
    pub(crate) fn by(
        conn: &mut PgConnection,
        merchant_id: i64,
        pattern: Pattern,
    ) -> QueryResult<Self> {
        let (some, count) = some_like(conn, merchant_id, &pattern, NAMED)?;
        let mut waiting = code_requests::waiting(conn, merchant_id)?;
        waiting.retain(|one| one.is_like(&pattern));
        Ok(Self { count, some, waiting, pattern })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.some.is_empty() && self.waiting.is_empty()
    }

    /// The title above the codes.
    pub(crate) fn title(&self) -> String {
        text::affected(&self.count(), !self.some.is_empty(), self.waiting.len())
    }

    /// The URL, code and affiliate of each pending request.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (String, &str, &str)> {
        self.waiting.iter().take(WAITING).map(|one| {
            (urls::affiliate(one.affiliate_id), one.code.as_str(), one.affiliate.as_str())
        })
    }

    /// How many pending requests aren't shown.
    pub(crate) fn more_waiting(&self) -> usize {
        self.waiting.len().saturating_sub(WAITING)
    }

    /// The key that codes are compared with.
    pub(crate) fn key(&self) -> &str {
        self.pattern.key()
    }

    /// `3 codes`
    pub(crate) fn count(&self) -> String {
        self.count.words("code", "codes")
    }

    /// The URL, code and holder of the first ones.
    pub(crate) fn named(&self) -> impl Iterator<Item = (String, &str, &str)> {
        self.some.iter().map(|(trigger, holder)| {
            (urls::trigger(trigger.id), trigger.value.as_str(), holder.as_str())
        })
    }

    /// Whether some codes aren't shown.
    pub(crate) fn has_more(&self) -> bool {
        self.count.exact().is_none_or(|count| count > NAMED as i64)
    }

    /// The list of all matching triggers.
    pub(crate) fn url(&self) -> String {
        urls::triggers_like(self.pattern.value())
    }
}
