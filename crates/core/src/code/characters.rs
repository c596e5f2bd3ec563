//! Characters that never enter a code, by their Unicode properties.

use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, GeneralCategory, PrependedConcatenationMark,
    QuotationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Whether a comparison passes over a character: it has no shape of its own, as a variation selector
/// or a zero-width space, so that an eye cannot tell a code with it from one without it.
///
/// MySQL's Unicode collations, by which stores look a code up, give these no weight either.
pub(super) fn is_ignored(c: char) -> bool {
    // White space among the controls is a space to the eye.
    if c.is_ascii() {
        return c.is_ascii_control() && !c.is_whitespace();
    }
    is::<DefaultIgnorableCodePoint>(c)
        || match general_category(c) {
            GeneralCategory::Control => !c.is_whitespace(),
            // Signs that stand around Arabic numbers are formats, and drawn.
            GeneralCategory::Format => !is::<PrependedConcatenationMark>(c),
            _ => false,
        }
}

/// Whether a character cannot be seen, or not be told from a space: those that comparisons pass over,
/// separators of lines, and two symbols that are drawn as nothing.
pub fn is_invisible(c: char) -> bool {
    is_ignored(c)
        || matches!(c, '\u{2800}' | '\u{1d159}')
        || matches!(
            general_category(c),
            GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
        )
}

/// Whether a character never enters a code: the invisible ones, and those that every program draws in
/// its own way, or as an empty box. U+FFFC stands for an object, and the others have no meaning.
///
/// Comparisons don't pass over them, so that codes which a store has with one keep their key.
pub(super) fn is_unfit(c: char) -> bool {
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    is_invisible(c)
        || c == '\u{fffc}'
        || is_noncharacter
        || general_category(c) == GeneralCategory::PrivateUse
}

/// Whether a character is a quotation mark or an apostrophe in any script, straight ones among them.
pub(super) fn is_quote(c: char) -> bool {
    is_straight_quote(c) || is_typographic_quote(c)
}

/// `"` and `'`: a code that is in a store already can have them.
fn is_straight_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// Those that a text program writes for straight ones.
pub(super) fn is_typographic_quote(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    is::<QuotationMark>(c)
        // Apostrophes, primes and ornaments, which Unicode does not count among quotation marks.
        || matches!(c, '\u{b4}' | '\u{2b9}'..='\u{2bd}' | '\u{2ee}' | '\u{55a}'
            | '\u{2032}'..='\u{2037}' | '\u{275b}'..='\u{2760}' | '\u{1f676}'..='\u{1f678}')
}

fn general_category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn is<P: BinaryProperty>(c: char) -> bool {
    CodePointSetData::new::<P>().contains(c)
}
