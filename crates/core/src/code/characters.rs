//! Characters that a code can't contain, by their Unicode properties.

use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, GeneralCategory, PrependedConcatenationMark,
    QuotationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Whether comparisons ignore a character. Variation selectors or zero-width spaces have no shape,
/// so codes with and without them look the same.
///
/// MySQL's Unicode collations, which stores use to find a code, ignore these characters too.
pub(super) fn is_ignored(c: char) -> bool {
    // Tabs and line breaks are control characters, but they look like a space.
    if c.is_ascii() {
        return c.is_ascii_control() && !c.is_whitespace();
    }
    is::<DefaultIgnorableCodePoint>(c)
        || match general_category(c) {
            GeneralCategory::Control => !c.is_whitespace(),
            // Signs around Arabic numbers are in the category Format, but they're visible.
            GeneralCategory::Format => !is::<PrependedConcatenationMark>(c),
            _ => false,
        }
}

/// Whether a character is invisible or looks like a space: ignored characters, line and paragraph
/// separators, and two symbols with an empty glyph.
pub fn is_invisible(c: char) -> bool {
    is_ignored(c)
        || matches!(c, '\u{2800}' | '\u{1d159}')
        || matches!(
            general_category(c),
            GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
        )
}

/// Whether a code can't contain a character: invisible ones, and those that each program renders
/// differently or as an empty box. U+FFFC is a placeholder for an object, and the others have no
/// meaning.
///
/// Comparisons don't ignore them, so existing codes of a store that contain one keep their key.
pub(super) fn is_unfit(c: char) -> bool {
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    is_invisible(c)
        || c == '\u{fffc}'
        || is_noncharacter
        || general_category(c) == GeneralCategory::PrivateUse
}

/// Whether a character is a quotation mark or apostrophe of any script, straight or typographic.
pub(super) fn is_quote(c: char) -> bool {
    is_straight_quote(c) || is_typographic_quote(c)
}

/// `"` and `'`, which an existing code of a store may contain.
fn is_straight_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// Quotes that word processors insert instead of straight ones.
pub(super) fn is_typographic_quote(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    is::<QuotationMark>(c)
        // Unicode doesn't list apostrophes, primes and ornaments as quotation marks.
        || matches!(c, '\u{b4}' | '\u{2b9}'..='\u{2bd}' | '\u{2ee}' | '\u{55a}'
            | '\u{2032}'..='\u{2037}' | '\u{275b}'..='\u{2760}' | '\u{1f676}'..='\u{1f678}')
}

fn general_category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn is<P: BinaryProperty>(c: char) -> bool {
    CodePointSetData::new::<P>().contains(c)
}
