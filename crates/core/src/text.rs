//! Rules for input text. Forms, paths, queries and JSON all check them, so that later code never
//! sees a character that can't be stored or displayed.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Whether a character is a control character other than a tab or line break. PostgreSQL can't
/// store U+0000, and the others are meaningless to people.
pub fn is_refused(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// The first rejected character of `text`.
pub fn refused_in(text: &str) -> Option<char> {
    text.chars().find(|c| is_refused(*c))
}

/// Replaces rejected characters with U+FFFD, for names from outside that are only displayed, such
/// as a file's.
pub fn cleaned(text: &str) -> Cow<'_, str> {
    if refused_in(text).is_none() {
        return Cow::Borrowed(text);
    }
    let clean = |c| if is_refused(c) { char::REPLACEMENT_CHARACTER } else { c };
    Cow::Owned(text.chars().map(clean).collect())
}

/// `U+0000`, as messages name an invisible character.
pub fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// The last `characters` of a secret, to recognize it.
pub fn ending(secret: &str, characters: usize) -> String {
    secret.chars().skip(secret.chars().count().saturating_sub(characters)).collect()
}

/// Percent-encodes a query value (RFC 3986, unreserved characters stay).
pub fn percent_encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

/// Deserializes any JSON, checks its text for rejected characters and discards it.
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
    fn json_is_read_down_to_its_leaves() {
        let read = serde_json::from_str::<ReadableJson>;
        assert!(read(r#"{"a": ["b", 1, -2, 3.5, null, true, {"c\n": "d\u00e9"}]}"#).is_ok());
        for refused in
            [r#"["\u0000"]"#, r#"{"a": {"b": ["\u0001"]}}"#, r#"{"\u0000": 1}"#, "\"\u{7f}\""]
        {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn an_ending_counts_characters() {
        assert_eq!(ending("ck_0123456é", 4), "456é");
        assert_eq!((ending("abc", 4), ending("", 4)), ("abc".to_owned(), String::new()));
    }
}
