//! Names: Vouch's mark on a discount, and the spellings of a code.

use vouch_core::code::is_same_code;

use crate::{CallError, Mark, NewCode, Reason};

/// BigCommerce's maximum length of a code, in characters.
const MAX_CHARS: usize = 50;

/// The name of a discount. It depends only on the code and the trigger, so a retry finds it even if
/// the affiliate was renamed. It's always shorter than V2's limit of 100 characters.
pub(super) fn name(code: &NewCode) -> String {
    let Mark { merchant_id, trigger_id } = code.mark;
    format!("{} [vouch {merchant_id}-{trigger_id}]", code.code)
}

/// The mark in the name of a discount.
pub(super) fn of(name: &str) -> Option<Mark> {
    let mark = name.strip_suffix(']')?.rsplit_once("[vouch ")?.1;
    let (merchant_id, trigger_id) = mark.split_once('-')?;
    Some(Mark { merchant_id: merchant_id.parse().ok()?, trigger_id: trigger_id.parse().ok()? })
}

/// The spellings to look up, each once. The store's lookup is case-sensitive, but customers aren't
/// careful about case.
pub(super) fn spellings(code: &str) -> Vec<String> {
    let mut all = vec![code.to_owned()];
    for other in [code.to_uppercase(), code.to_lowercase()] {
        // Upper case turns some codes into different ones, such as `straße` into `STRASSE`.
        if !all.contains(&other) && is_same_code(&other, code) {
            all.push(other);
        }
    }
    all
}

/// Checks a code against BigCommerce's rules: letters, digits, spaces, dashes and underscores, at
/// most 50 (marketing.v2.yml, promotions.v3.yml). Fails with [`CallError::Refused`] for other
/// codes.
pub(super) fn check(code: &str) -> Result<(), CallError> {
    let chars = code.chars().count();
    if chars > MAX_CHARS {
        return Err(CallError::Refused(Reason::CodeTooLong { max: MAX_CHARS, length: chars }));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_');
    if code.bytes().all(fits) {
        return Ok(());
    }
    Err(CallError::Refused(Reason::CodeCharacters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        let mark = Mark { merchant_id: 7, trigger_id: 4711 };
        let code = NewCode {
            mark,
            code: "ADA[10]".into(),
            affiliate: "Ada".into(),
            now: chrono::DateTime::UNIX_EPOCH,
        };
        assert_eq!(of(&name(&code)), Some(mark));
        for other in ["", "ADA10", "ADA10 [vouch 7]", "[vouch 7-x]", "ADA10 [vouch 7-8] copy"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_code_is_asked_for_in_every_spelling_once() {
        assert_eq!(spellings("Ada10"), ["Ada10", "ADA10", "ada10"]);
        assert_eq!(spellings("10"), ["10"]);
        assert_eq!(spellings("straße"), ["straße"]);
        assert!(check("ADA-1_0").is_ok() && check("BIG TREAT").is_ok());
        assert!(check("ÄDA10").is_err() && check("A%").is_err() && check(&"A".repeat(51)).is_err());
    }
}
