//! The part of public addresses that names a program: `/join/{slug}`.

use deunicode::deunicode;

/// Room for a number at the end, within the 80 characters of the column.
const MAX_CHARS: usize = 60;
/// For a name of signs alone.
const NAMELESS: &str = "program";

/// A name in lower-case ASCII letters and digits, with single dashes between the words:
/// `Café Ångström & Söhne` becomes `cafe-angstrom-and-sohne`.
pub(super) fn slug_of(name: &str) -> String {
    let latin = deunicode(&name.replace('&', " and ")).to_ascii_lowercase().replace('\'', "");
    let mut slug = String::new();
    for word in latin.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    // ASCII alone, so that every place is a boundary of a character.
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
