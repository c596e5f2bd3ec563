//! What text from outside may hold, whichever way it comes: forms, paths, queries and JSON ask here,
//! so that nothing behind them meets a character that can't be stored or shown.

use std::borrow::Cow;
use std::fmt;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use url::form_urlencoded;

use crate::error::AppError;

/// A control character other than a tab or the end of a line. PostgreSQL can't store U+0000, and the
/// others mean nothing to a person.
pub fn is_refused(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// The first character of `text` that is refused.
pub fn refused_in(text: &str) -> Option<char> {
    text.chars().find(|c| is_refused(*c))
}

/// `text` with U+FFFD for every character that is refused: for names that others gave and that are
/// only shown, such as a file's.
pub fn cleaned(text: &str) -> Cow<'_, str> {
    if refused_in(text).is_none() {
        return Cow::Borrowed(text);
    }
    let clean = |c| if is_refused(c) { char::REPLACEMENT_CHARACTER } else { c };
    Cow::Owned(text.chars().map(clean).collect())
}

/// `U+0000`, as messages name a character that can't be seen.
pub fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Middleware: refuses a path or a query with such a character, or a path that isn't UTF-8, before
/// anything reads it. `refusal` makes the answer, which differs between pages and the API.
///
/// # Errors
/// None of its own.
pub async fn readable_url<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if is_readable(req.path(), req.query_string()) {
        return Ok(next.call(req).await?.map_into_left_body());
    }
    let how = "The URL contains a character that can’t be used. Check the URL and try again.";
    Ok(req.error_response(AppError::BadRequest(how.into())).map_into_right_body())
}

fn is_readable(path: &str, query: &str) -> bool {
    let is_path = percent_decode_str(path)
        .decode_utf8()
        .is_ok_and(|path| !path.chars().any(char::is_control));
    let is_clean = |text: &str| refused_in(text).is_none();
    is_path
        && form_urlencoded::parse(query.as_bytes())
            .all(|(name, value)| is_clean(&name) && is_clean(&value))
}

/// JSON in which no text holds such a character. Reads everything and keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct ReadableJson;

impl<'de> Deserialize<'de> for ReadableJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for ReadableJson {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self, E> {
        match refused_in(text) {
            None => Ok(self),
            Some(c) => Err(E::custom(format!("must not contain the character {}", code_point(c)))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            self.visit_str::<A::Error>(&name)?;
            members.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_refused_for_control_characters_alone() {
        for fine in ["", "two\r\nlines\tand a tab", "Zoë 🦊", "נועה", "\u{fffd}\u{ffff}"] {
            assert_eq!(refused_in(fine), None, "{fine:?}");
        }
        for refused in ["\0", "a\u{1}", "\u{b}", "\u{c}", "\u{7f}", "\u{85}", "\u{9f}"] {
            assert_eq!(refused_in(refused), refused.chars().last(), "{refused:?}");
            assert!(refused_in(&cleaned(refused)).is_none());
        }
    }

    #[test]
    fn a_url_is_read_decoded() {
        assert!(is_readable("/join/caf%C3%A9", "q=a+b%0D%0Ac&x"));
        for path in ["/a%00", "/a%0A", "/%C2%85", "/%FF", "/%7f"] {
            assert!(!is_readable(path, ""), "{path}");
        }
        for query in ["q=%00", "%00=q", "a=1&q=%1b", "q=%C2%80"] {
            assert!(!is_readable("/", query), "{query}");
        }
    }

    #[test]
    fn json_is_read_down_to_its_leaves() {
        let read = serde_json::from_str::<ReadableJson>;
        assert!(read(r#"{"a": ["b", 1, -2, 3.5, null, true, {"c\n": "d\u00e9"}]}"#).is_ok());
        for refused in
            [r#"["\u0000"]"#, r#"{"a": {"b": ["\u0001"]}}"#, r#"{"\u0000": 1}"#, "\"\u{7f}\""]
        {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
