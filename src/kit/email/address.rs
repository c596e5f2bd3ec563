use unicode_normalization::UnicodeNormalization;

/// The maximum length of a stored email, in bytes: 254 characters of up to four bytes.
pub(crate) const MAX_EMAIL_BYTES: usize = 254 * 4;

/// An email in the form that's compared: trimmed, NFKC, lower case.
pub fn email_key(email: &str) -> String {
    email.trim().nfkc().collect::<String>().to_lowercase()
}
