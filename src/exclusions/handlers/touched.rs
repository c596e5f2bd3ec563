use diesel::prelude::*;

use crate::exclusions::Pattern;
use crate::triggers::Trigger;
use crate::triggers::list::{count_like, some_like};
use crate::urls;
use crate::web::paginate::Count;

/// As many codes are named.
const NAMED: i64 = 5;

/// The codes of affiliates that an exclusion would stop: they have them already, and keep them.
pub struct Touched {
    count: Count,
    some: Vec<(Trigger, String)>,
    pattern: Pattern,
}

impl Touched {
    /// Those of the merchant.
    ///
    /// # Errors
    /// The database's.
    pub fn by(conn: &mut PgConnection, merchant_id: i64, pattern: Pattern) -> QueryResult<Self> {
        let count = count_like(conn, merchant_id, &pattern)?;
        let some = some_like(conn, merchant_id, &pattern, NAMED)?;
        Ok(Self { count, some, pattern })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.some.is_empty()
    }

    /// What the pattern is compared by.
    pub fn key(&self) -> &str {
        self.pattern.key()
    }

    /// `3 codes`
    pub fn count(&self) -> String {
        match self.count.exact() {
            Some(1) => "1 code".to_owned(),
            _ => format!("{} codes", self.count),
        }
    }

    /// Address, code and holder of the first ones.
    pub fn named(&self) -> impl Iterator<Item = (String, &str, &str)> {
        self.some.iter().map(|(trigger, holder)| {
            (urls::trigger(trigger.id), trigger.value.as_str(), holder.as_str())
        })
    }

    /// Whether there are more than are named.
    pub fn has_more(&self) -> bool {
        self.count.exact().is_none_or(|count| count > NAMED)
    }

    /// Where all of them are listed.
    pub fn url(&self) -> String {
        urls::triggers_like(self.pattern.value())
    }
}
