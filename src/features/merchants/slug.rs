//! The slug that identifies a program in public URLs: `/join/{slug}`.

use deunicode::deunicode;

/// Leaves room for a number at the end, within the column's 80 characters.
const MAX_CHARS: usize = 60;
/// The slug for names without letters or digits.
const NAMELESS: &str = "program";

/// A name in lower-case ASCII letters and digits, with single dashes between the words. For
/// example, `Café Ångström & Söhne` becomes `cafe-angstrom-and-sohne`.
pub(super) fn slug_of(name: &str) -> String {
    let latin = deunicode(&name.replace('&', " and ")).to_ascii_lowercase().replace('\'', "");
    let mut slug = String::new();
    for word in latin.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    // It's ASCII only, so every index is a character boundary.
    slug.truncate(MAX_CHARS);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { NAMELESS.to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_script_become_addresses() {
        let cases = [
            ("Harbour & Vine", "harbour-and-vine"),
            ("Café Ångström", "cafe-angstrom"),
            ("Peggy's  Tea-House!", "peggys-tea-house"),
            ("Straße 9", "strasse-9"),
            ("Чайник", "chainik"),
            ("  --  ", "program"),
            ("", "program"),
        ];
        for (name, slug) in cases {
            assert_eq!(slug_of(name), slug, "{name}");
        }
    }

    #[test]
    fn long_names_are_cut_without_a_dash_at_the_end() {
        let slug = slug_of(&"abcdefghi ".repeat(20));
        assert!(slug.len() <= MAX_CHARS && !slug.ends_with('-'), "{slug}");
        assert!(slug_of(&"東".repeat(200)).len() <= MAX_CHARS);
    }
}
