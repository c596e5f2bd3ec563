//! Detects dates and times in the formats of spreadsheets in several languages.

use deunicode::deunicode;

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Hours and minutes, with or without seconds.
pub(super) fn is_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let time = ["am", "pm", "a.m.", "p.m.", "z"]
        .iter()
        .find_map(|suffix| lower.strip_suffix(suffix))
        .unwrap_or(&lower)
        .trim_end();
    let parts: Vec<&str> = time.split(':').collect();
    let (Some(hours), Some(minutes)) = (parts.first(), parts.get(1)) else { return false };
    let seconds = parts.get(2).map_or("00", |part| part.split(['.', ',']).next().unwrap_or(part));
    let is_sixtieth = |part: &str| part.len() == 2 && is_digits(part) && part < "60";
    parts.len() <= 3
        && hours.len() <= 2
        && is_digits(hours)
        && is_sixtieth(minutes.split(['.', ',']).next().unwrap_or(minutes))
        && is_sixtieth(seconds)
}

const SEPARATORS: [char; 5] = ['-', '.', '/', ' ', ','];

pub(super) fn is_date(text: &str) -> bool {
    let day = without_time(text);
    let parts: Vec<&str> = day.split(SEPARATORS).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [a, b] if is_digits(a) && is_digits(b) => is_day_and_month(day, a, b),
        [a, b] => {
            let (number, name) = if is_digits(a) { (a, b) } else { (b, a) };
            is_digits(number) && matches!(number.len(), 1 | 2 | 4) && is_written_month(name)
        }
        [a, b, c] => is_named_date(a, b, c) || (has_one_separator(day) && is_numeric_date(a, b, c)),
        [weekday, a, b, c] => weekday.chars().all(char::is_alphabetic) && is_named_date(a, b, c),
        _ => is_cjk_date(day),
    }
}

/// `5/20`, `20.05.`: a date without a year. A spreadsheet treats `20.05` and `10-20` as numbers or
/// text, and people write `24/7` for “always”.
fn is_day_and_month(text: &str, a: &str, b: &str) -> bool {
    let number = |part: &str| part.parse::<u16>().ok().filter(|_| part.len() <= 2);
    let Some((a, b)) = number(a).zip(number(b)) else { return false };
    let separators: String = text.chars().filter(|c| !c.is_ascii_digit() && *c != ' ').collect();
    match separators.as_str() {
        "/" => is_day_of_year(a, b) && (a, b) != (24, 7),
        ".." => b <= 12 && is_day_of_year(a, b) && text.ends_with('.'),
        _ => false,
    }
}

fn is_day_of_year(a: u16, b: u16) -> bool {
    a.min(b) >= 1 && a.min(b) <= 12 && a.max(b) <= 31
}

/// The part before the time of day, if there is one.
fn without_time(text: &str) -> &str {
    let Some(colon) = text.find(':') else { return text };
    let day = text[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
    let is_whole = is_time(text[day.len()..].split(['+', '-']).next().unwrap_or_default());
    let day = day.trim_end_matches([' ', 'T', 't', ',']);
    if is_whole { day } else { text }
}

fn has_one_separator(day: &str) -> bool {
    let mut found = day.chars().filter(|c| !c.is_ascii_digit() && *c != ' ');
    let first = found.next();
    first.is_some_and(|c| "-./".contains(c)) && found.all(|c| Some(c) == first)
}

fn is_numeric_date(a: &str, b: &str, c: &str) -> bool {
    let number = |part: &str, longest: usize| {
        (is_digits(part) && part.len() <= longest).then(|| part.parse::<u16>().ok()).flatten()
    };
    let is_year = |part: &str| {
        (part.len() == 2 && is_digits(part))
            || (part.len() == 4 && number(part, 4).is_some_and(|year| (1900..2200).contains(&year)))
    };
    let is_day = |a: &str, b: &str| {
        number(a, 2).zip(number(b, 2)).is_some_and(|(a, b)| is_day_of_year(a, b))
    };
    (is_year(c) && is_day(a, b)) || (a.len() == 4 && is_year(a) && is_day(b, c))
}

/// `20-May-26`, `May 20, 2026`.
fn is_named_date(a: &str, b: &str, c: &str) -> bool {
    let is_number = |part: &str| is_digits(part) && part.len() <= 4;
    (is_month(a) && is_number(b) && is_number(c)) || (is_number(a) && is_month(b) && is_number(c))
}

/// `5月20日`.
fn is_cjk_date(text: &str) -> bool {
    text.contains(['月', '월'])
        && text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "年月日년월일 ".contains(c))
}

/// The months as spreadsheets abbreviate them, without accents: English, German, French, Spanish,
/// Italian, Portuguese, Dutch, Danish, Swedish, Norwegian, Polish.
// copy: words of spreadsheets
const SHORT_MONTHS: &str = "\
    jan feb mar apr may jun jul aug sep sept oct nov dec mrz mai okt dez \
    janv fevr mars avr juin juil aout ene abr ago dic gen mag giu lug set ott fev out \
    mrt mei maj des sty lut kwi cze lip sie wrz paz lis gru";
// copy: words of spreadsheets
const LONG_MONTHS: &str = "\
    january february march april june july august september october november december \
    januar februar marz juni juli oktober dezember maart \
    janvier fevrier avril juillet septembre octobre novembre decembre \
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre \
    gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre";

fn has(months: &str, name: &str) -> bool {
    let folded = deunicode(name).to_lowercase();
    months.split(' ').any(|month| month == folded)
}

fn is_month(name: &str) -> bool {
    has(SHORT_MONTHS, name) || has(LONG_MONTHS, name)
}

/// Spreadsheets write a day and a month as `20-May` or `20-mai`. `MAY-20` and `June-10` were typed
/// by people and never opened in one.
fn is_written_month(name: &str) -> bool {
    let is_capitals = name.chars().all(|c| !c.is_lowercase());
    !is_capitals && has(SHORT_MONTHS, name)
}
