use unicode_normalization::UnicodeNormalization;

/// No email that Vouch keeps is longer: 254 characters of up to four bytes.
pub(crate) const MAX_EMAIL_BYTES: usize = 254 * 4;

/// An email address as it is compared: outer space cut, NFKC, lower case.
pub fn email_key(email: &str) -> String {
    email.trim().nfkc().collect::<String>().to_lowercase()
}
