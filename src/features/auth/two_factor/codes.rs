//! TOTP secrets, QR codes and recovery codes, as pure functions.

use chrono::{DateTime, Utc};
use qrcode::{Color, QrCode};
use rand::RngExt;
use rand::seq::IndexedRandom;
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

use crate::kit::urls::encode;

/// 160 bits, as RFC 4226 recommends.
pub(super) const SECRET_BYTES: usize = 20;
/// How many recovery codes a person gets.
pub(super) const RECOVERY_CODES: usize = 10;
/// Letters and digits that aren't easily confused.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Four groups of four: 80 bits.
const GROUP: usize = 4;

pub(super) fn new_secret() -> [u8; SECRET_BYTES] {
    rand::rng().random()
}

fn totp(secret: &[u8]) -> Option<Totp> {
    Builder::new().with_secret(secret.to_vec()).build().ok()
}

/// The time step of the entered code: the current, previous or next one.
pub(super) fn step_of(secret: &[u8], typed: &str, now: DateTime<Utc>) -> Option<i64> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = u64::try_from(now.timestamp()).ok()?;
    totp(secret)?.check(&digits, seconds).and_then(|step| i64::try_from(step).ok())
}

/// The secret for manual entry in an app: base32 in groups of four.
pub(super) fn typed_form(secret: &[u8]) -> String {
    let text = Secret::from(secret.to_vec()).to_base32();
    let groups: Vec<String> =
        text.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    groups.join(" ")
}

/// The secret as a QR code.
pub(super) struct Picture {
    /// Width and height in modules, including the quiet zone.
    pub(super) size: usize,
    /// The dark modules, as an SVG path.
    pub(super) path: String,
}

/// The width of the quiet zone in modules, which cameras need to find the code.
const BORDER: usize = 4;

pub(super) fn picture(secret: &[u8], email: &str, host: &str) -> Option<Picture> {
    let secret = typed_form(secret).replace(' ', "");
    let issuer = encode(&format!("Vouch ({host})"));
    let address =
        format!("otpauth://totp/{issuer}:{}?secret={secret}&issuer={issuer}", encode(email));
    let code = QrCode::new(address).ok()?;
    let (width, mut path) = (code.width(), String::new());
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + BORDER, at / width + BORDER);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    Some(Picture { size: width + 2 * BORDER, path })
}

/// New recovery codes in their display format.
pub(super) fn new_recovery_codes() -> Vec<String> {
    let mut random = rand::rng();
    let mut group = || -> String {
        (0..GROUP).filter_map(|_| ALPHABET.choose(&mut random)).map(|b| char::from(*b)).collect()
    };
    (0..RECOVERY_CODES).map(|_| [group(), group(), group(), group()].join("-")).collect()
}

/// The hash that's stored of a recovery code. It ignores how the code is formatted.
pub(super) fn recovery_hash(typed: &str) -> Vec<u8> {
    let plain: String =
        typed.to_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    Sha256::digest(plain).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, shortened to six digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(secret, code, at(seconds)), Some(seconds / 30), "{code}");
            let spaced = format!(" {} {} ", &code[..3], &code[3..]);
            assert_eq!(step_of(secret, &spaced, at(seconds)), Some(seconds / 30));
            // A clock may be off by half a minute, but no more.
            assert_eq!(step_of(secret, code, at(seconds + 30)), Some(seconds / 30));
            assert_eq!(step_of(secret, code, at(seconds + 61)), None);
        }
        for rubbish in ["", "28708", "2870822", "28708a", "２８７０８２"] {
            assert_eq!(step_of(secret, rubbish, at(59)), None, "{rubbish}");
        }
    }

    #[test]
    fn the_picture_is_square_and_the_secret_can_be_typed() {
        let secret = b"12345678901234567890";
        assert_eq!(typed_form(secret), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let picture = picture(secret, "a+b@example.com", "vouch.example").unwrap();
        assert!(picture.size > 30 && picture.path.starts_with("M4 4h1v1h-1z"));
    }

    #[test]
    fn recovery_codes_differ_and_are_taken_however_they_are_typed() {
        let codes = new_recovery_codes();
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert!(codes.iter().all(|code| code.len() == 19));
        let typed = codes[0].to_uppercase().replace('-', " ");
        assert_eq!(recovery_hash(&typed), recovery_hash(&codes[0]));
        assert_ne!(recovery_hash(&codes[1]), recovery_hash(&codes[0]));
    }
}
