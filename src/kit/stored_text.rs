//! Texts that rows store as a code with parameters, such as `{"code": "timeout", "seconds": 30}`.
//! They're rendered when shown, so a later wording applies to earlier rows as well.

use std::fmt;
use std::io::Write as _;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Jsonb;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A stored message. `M` is an enum with `#[serde(tag = "code", rename_all = "snake_case")]` and a
/// `Display` in the text file of its feature.
#[derive(Clone, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub enum StoredText<M> {
    Known(M),
    /// Of a newer version of Vouch that was rolled back.
    Unknown(Value),
}

impl<M> StoredText<M> {
    /// The message, if this version knows it.
    pub(crate) fn known(&self) -> Option<&M> {
        match self {
            Self::Known(message) => Some(message),
            Self::Unknown(_) => None,
        }
    }
}

impl<M: Serialize> StoredText<M> {
    /// The code, for clients and tests.
    pub(crate) fn code(&self) -> String {
        let code = |value: &Value| value.get("code").and_then(Value::as_str).map(str::to_owned);
        match self {
            Self::Known(message) => serde_json::to_value(message).ok().as_ref().and_then(code),
            Self::Unknown(value) => code(value),
        }
        .unwrap_or_else(|| "unknown".to_owned())
    }
}

/// What a row says: its stored message, or the sentence that a version before stored.
pub(crate) fn shown<M: fmt::Display + Serialize>(
    stored: Option<&StoredText<M>>,
    earlier: Option<&str>,
) -> Option<String> {
    stored.map(ToString::to_string).or_else(|| earlier.map(str::to_owned))
}

impl<M: fmt::Display + Serialize> fmt::Display for StoredText<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(message) => message.fmt(f),
            Self::Unknown(_) => {
                write!(f, "A newer version of Vouch recorded this ({}).", self.code())
            }
        }
    }
}

impl<M> From<M> for StoredText<M> {
    fn from(message: M) -> Self {
        Self::Known(message)
    }
}

impl<M: Serialize + fmt::Debug> ToSql<Jsonb, Pg> for StoredText<M> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        // The first byte is the version of the format.
        out.write_all(&[1])?;
        match self {
            Self::Known(message) => serde_json::to_writer(out, message)?,
            Self::Unknown(value) => serde_json::to_writer(out, value)?,
        }
        Ok(IsNull::No)
    }
}

impl<M: DeserializeOwned> FromSql<Jsonb, Pg> for StoredText<M> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::of_json(<Value as FromSql<Jsonb, Pg>>::from_sql(value)?))
    }
}

impl<M: DeserializeOwned> StoredText<M> {
    fn of_json(value: Value) -> Self {
        M::deserialize(&value).map_or_else(|_| Self::Unknown(value.clone()), Self::Known)
    }
}

impl<'de, M: DeserializeOwned> Deserialize<'de> for StoredText<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::of_json)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "code", rename_all = "snake_case")]
    enum Problem {
        NoAnswer { seconds: u32 },
    }

    impl fmt::Display for Problem {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let Self::NoAnswer { seconds } = self;
            write!(f, "{seconds} s")
        }
    }

    #[test]
    fn a_row_shows_what_it_has() {
        let known = StoredText::from(Problem::NoAnswer { seconds: 30 });
        assert_eq!(known.code(), "no_answer");
        assert_eq!(shown(Some(&known), None).as_deref(), Some("30 s"));
        assert_eq!(shown::<Problem>(None, Some("As it was")).as_deref(), Some("As it was"));
    }

    #[test]
    fn a_newer_code_is_named() {
        let unknown = StoredText::<Problem>::Unknown(json!({ "code": "later" }));
        assert_eq!(unknown.code(), "later");
        assert!(unknown.to_string().contains("later"));
    }
}
