//! Which passwords people may choose: long enough, hard to guess, and more than words that are
//! commonly known about the person.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::MAX_BYTES;
use crate::features::auth::text;

/// NIST SP 800-63B-4 requires at least eight characters and no composition rules.
const MIN_CHARACTERS: usize = 8;
/// This many letters and digits must remain after removing the words that an attacker tries first.
const MIN_LEFT: usize = 6;
/// Shorter parts of a name or email say nothing about a password.
const MIN_WORD: usize = 3;
/// A word that zxcvbn finds within this many guesses counts as known.
const KNOWN_WITHIN: u64 = 5_000;
/// Shorter words are found just as fast by brute force.
const MIN_COMMON: usize = 4;
/// More characters don't change the result, and zxcvbn is quadratic in the length.
const CHARACTERS_JUDGED: usize = 100;

/// The passwords, phrases and parts at the top of common lists in several languages, and the
/// product's own words (ASVS 6.2.11).
const COMMON: &str = include_str!("common.txt");

/// Why a new password is rejected, and how to fix it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordRefusal {
    /// Too short to resist an attack.
    #[error("{}", text::PASSWORD_TOO_SHORT)]
    Short,
    /// Longer than the hashing accepts.
    #[error("{}", text::PASSWORD_TOO_LONG)]
    Long,
    /// Little more than the person's name or email, the program's name, or a common password.
    #[error("{}", text::PASSWORD_OF_KNOWN_WORDS)]
    KnownWords,
    /// Easy to guess in another way.
    #[error("{}", text::guessable_password(.0))]
    Guessable(String),
}

/// Checks the length of a new password, how much remains without common passwords and personal
/// words, and how soon it would be guessed (zxcvbn). Fails with the reason.
pub(crate) fn judge(
    password: &str,
    about_the_person: &[impl AsRef<str>],
) -> Result<(), PasswordRefusal> {
    if password.chars().count() < MIN_CHARACTERS {
        return Err(PasswordRefusal::Short);
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordRefusal::Long);
    }
    let head: String = password.chars().take(CHARACTERS_JUDGED).collect();
    let mut words = personal_words(about_the_person);
    words.extend(COMMON.lines().map(str::to_owned));
    let backwards: String = head.chars().rev().collect();
    if is_hardly_more(&head, &words)
        || is_hardly_more(&backwards, &words)
        || is_one_common_word(&head)
    {
        return Err(PasswordRefusal::KnownWords);
    }
    let mut context = vec!["vouch"];
    let about = about_the_person.iter().map(AsRef::as_ref);
    context.extend(about.flat_map(|text| text.split(['@', '.', ' '])));
    let estimate = zxcvbn::zxcvbn(&head, &context);
    if estimate.score() >= zxcvbn::Score::Three {
        return Ok(());
    }
    let advice = estimate
        .feedback()
        .and_then(|feedback| feedback.suggestions().first().map(ToString::to_string))
        .unwrap_or_else(|| text::ADD_WORDS.to_owned());
    Err(PasswordRefusal::Guessable(advice))
}

/// Each piece of personal data as a whole, without separators, and in its parts.
fn personal_words(about: &[impl AsRef<str>]) -> Vec<String> {
    let mut words = Vec::new();
    for text in about {
        let folded = folded(text.as_ref());
        words.push(folded.chars().filter(|c| c.is_alphanumeric()).collect());
        words.extend(folded.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
    }
    words.retain(|word: &String| word.chars().count() >= MIN_WORD);
    words
}

fn folded(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase()
}

/// Whether a password is little more than known words, years and runs.
fn is_hardly_more(password: &str, words: &[String]) -> bool {
    let characters: Vec<char> = folded(password).chars().collect();
    let mut known = vec![false; characters.len()];
    for word in words {
        let word: Vec<char> = word.chars().collect();
        for start in 0..characters.len() {
            if let Some(end) = spells(&characters[start..], &word) {
                known[start..start + end].fill(true);
            }
        }
    }
    let years = mark_years(&characters, &mut known);
    let words_found = known.iter().any(|known| *known);
    (words_found || years) && left(&characters, &known) < MIN_LEFT
}

/// Whether a password is a single common word with a suffix. zxcvbn rates each part, and overrates
/// passwords made of several parts. Several words are a passphrase, which zxcvbn rates as a whole.
fn is_one_common_word(password: &str) -> bool {
    let characters: Vec<char> = folded(password).chars().collect();
    let mut known = vec![false; characters.len()];
    let mut common = BTreeSet::new();
    let mut start = 0;
    for part in characters.split(|c| !c.is_alphanumeric()) {
        let digits = |c: &&char| c.is_ascii_digit();
        let before = part.iter().take_while(digits).count();
        let after = part.iter().rev().take_while(digits).count();
        let word = part.get(before..part.len() - after.min(part.len())).unwrap_or_default();
        let whole: String = part.iter().collect();
        let bare: String = word.iter().collect();
        if before < part.len() && is_common(&whole) {
            known[start..start + part.len()].fill(true);
            common.insert(whole);
        } else if is_common(&bare) {
            known[start + before..start + before + word.len()].fill(true);
            common.insert(bare);
        }
        start += part.len() + 1;
    }
    mark_years(&characters, &mut known);
    common.len() == 1 && left(&characters, &known) < MIN_LEFT
}

fn is_common(word: &str) -> bool {
    word.chars().count() >= MIN_COMMON && zxcvbn::zxcvbn(word, &[]).guesses() < KNOWN_WITHIN
}

/// Where `word` ends if `text` starts with it. The letters can be plain or look-alikes, with or
/// without separators.
fn spells(text: &[char], word: &[char]) -> Option<usize> {
    let mut rest = word.iter();
    let mut wanted = rest.next()?;
    for (at, c) in text.iter().enumerate() {
        if c == wanted || stands_for(*c, *wanted) {
            match rest.next() {
                Some(next) => wanted = next,
                None => return Some(at + 1),
            }
        } else if at == 0 || c.is_alphanumeric() {
            return None;
        }
    }
    None
}

/// Whether a digit or symbol replaces a letter.
fn stands_for(sign: char, letter: char) -> bool {
    let letters = match sign {
        '0' => "o",
        '1' | '|' => "il",
        '!' => "il",
        '2' => "z",
        '3' | '€' => "e",
        '4' | '@' => "a",
        '5' | '$' => "s",
        '6' => "gb",
        '7' | '+' => "t",
        '8' => "b",
        '9' => "gq",
        '(' => "c",
        _ => return false,
    };
    letters.contains(letter)
}

/// Marks years as known. Returns whether it found one.
fn mark_years(characters: &[char], known: &mut [bool]) -> bool {
    let mut found = false;
    for start in 0..characters.len().saturating_sub(3) {
        let digits = &characters[start..start + 4];
        let is_year = matches!(digits, ['1', '9', ..] | ['2', '0', ..])
            && digits.iter().all(char::is_ascii_digit);
        if is_year && !known[start..start + 4].contains(&true) {
            known[start..start + 4].fill(true);
            found = true;
        }
    }
    found
}

/// Counts letters and digits that aren't known, without runs such as 111, 123 or cba.
fn left(characters: &[char], known: &[bool]) -> usize {
    let rest: Vec<char> = characters
        .iter()
        .zip(known)
        .filter(|(c, known)| !**known && c.is_alphanumeric())
        .map(|(c, _)| *c)
        .collect();
    let step = |at: usize| i64::from(u32::from(rest[at])) - i64::from(u32::from(rest[at - 1]));
    let continues = |at: usize| at >= 2 && step(at) == step(at - 1) && step(at).abs() <= 1;
    let in_run = |at: usize| (at..rest.len().min(at + 3)).any(continues);
    (0..rest.len()).filter(|at| !in_run(*at)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &[&str] = &[];
    const OLGA: &[&str] = &["owner@acme.example", "Olga Owner", "Acme Tea"];

    #[test]
    fn too_short_and_too_long_are_refused() {
        assert_eq!(judge("short", NOBODY), Err(PasswordRefusal::Short));
        assert_eq!(judge(&"x".repeat(1025), NOBODY), Err(PasswordRefusal::Long));
        assert!(judge("password123", NOBODY).is_err());
    }

    #[test]
    fn what_is_known_of_the_person_is_refused_in_every_spelling() {
        for password in [
            "owner@acme.example",
            "Owner@Acme.Example!",
            "owneracmeexample",
            "0wn3r@4cm3.3x4mpl3",
            "Acme Tea",
            "Acme-Tea-2026!",
            "A.c.m.e.T.e.a.1",
            "acmeteaacmetea",
            "@cm3 t3@ !!",
            "OlgaOwner2026",
            "olga.owner.1987",
            "aet emca 2026",
            "elpmaxe.emca@renwo",
            "acme_tea_affiliates",
        ] {
            assert_eq!(judge(password, OLGA), Err(PasswordRefusal::KnownWords), "{password}");
        }
        assert!(judge("ingeborg1", &["ingeborg@example.com"]).is_err());
    }

    #[test]
    fn common_passwords_with_an_ending_are_refused() {
        for password in [
            "letmein!!2026",
            "LetMeIn!!2026",
            "l3tm31n!!2026",
            "letmein--1999--",
            "2026??letmein",
            "let-me-in-2026",
            "P@$$w0rd!!2026",
            "Passwort!2025!",
            "welcome##2024",
            "W3lc0me_2_2026",
            "qwerty!!2026",
            "iloveyou!2026!",
            "Summer!!2026",
            "$umm3r**2026",
            "dragon$$123456",
            "monkey...1111111",
            "admin_admin_2026",
            "changeme!!!!99",
            "2025!!2026!!",
            "1q2w3e4r!!2026",
            "violet!!2026",
            "dr4gonfly##1999",
            "2024--Chocolate--",
            "jennifer1987!!",
            "Love!!!!2026",
            "mustang_mustang_1",
            "correct horse battery staple",
            "correcthorsebatterystaple",
            "Correct-Horse-Battery-Staple-1",
            "Tr0ub4dor&3",
            "contraseña123",
            "пароль123456",
            "суперпароль",
            "ichliebedich1",
            "schalke04schalke",
            "motdepasse2024",
            "jetaime!!2026",
            "йцукенг1234",
            "fenerbahçe1907",
            "dashboard2026!!",
            "merchant-owner-1",
            "coupon.affiliate.9",
            "commission2026",
        ] {
            assert_eq!(judge(password, NOBODY), Err(PasswordRefusal::KnownWords), "{password}");
        }
    }

    #[test]
    fn a_few_uncommon_words_are_fine() {
        for password in [
            "violet harbour 9 anvil",
            "umbrella quartz 7 meadow",
            "correct-horse-battery-9",
            "another 9 anvil harbour",
            "acme tea harbour anvil",
            "k7#vQ2!mXz9$",
            "letmein harbour anvil",
            "#%k^&*(-_=+}{q8Zw2",
        ] {
            assert_eq!(judge(password, OLGA), Ok(()), "{password}");
        }
    }

    #[test]
    fn runs_do_not_count() {
        let count = |text: &str| left(&text.chars().collect::<Vec<_>>(), &vec![false; text.len()]);
        assert_eq!((count("111"), count("1234"), count("a1b2"), count("x321y")), (0, 0, 4, 2));
    }
}
