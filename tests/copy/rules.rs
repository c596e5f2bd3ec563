/// Stands for a value in a text.
pub(super) const PLACEHOLDER: &str = "Xvalue";

/// More words make a sentence hard to read.
const MAX_WORDS: usize = 25;

/// What isn't said, and what is instead: words in lower case, `*` for any ending of a word.
const DENIED: &[(&str, &str)] = &[
    ("e-mail*", "email"),
    ("email address*", "email"),
    ("please", "leave it out"),
    ("whoever", "you, they, anyone or the role"),
    ("whatever", "name it"),
    ("somebody*", "someone or the role"),
    ("nobody*", "no one or the role"),
    ("letter", "email"),
    ("letters", "emails"),
    ("mailbox", "email or inbox"),
    ("unwanted mail", "spam folder"),
    ("shopper*", "customer"),
    ("installation*", "instance or server"),
    ("all the same", "anyway"),
    ("by itself", "automatically"),
    ("by themselves", "automatically"),
    ("by hand", "manually"),
    ("anew", "again"),
    ("mend*", "fix"),
    ("given up", "failed"),
    ("gives up", "stops retrying"),
    ("gave up", "stopped retrying"),
    ("taken in", "processed"),
    ("takes in", "processes"),
    ("took in", "processed"),
    ("further code*", "code request"),
    ("asked for", "requested"),
    ("wish*", "requested code"),
    ("let in", "connected"),
    ("lets vouch in", "Vouch can connect"),
    ("let vouch in", "Vouch can connect"),
    ("nothing new", "no change"),
    ("holds now", "active"),
    ("begins later", "scheduled"),
    ("in force", "active"),
    ("different rules", "different settings"),
    ("finding", "difference or result"),
    ("findings", "differences or results"),
    ("verdict*", "result"),
    ("catch up", "order import"),
    ("catches up", "imports orders"),
    ("reconsider*", "recalculate"),
    ("unintelligible", "unparseable"),
    ("figures", "totals"),
    ("left out", "skipped"),
    ("given back", "refunded"),
    ("is free", "is available"),
    ("are free", "are available"),
    ("tries", "attempts"),
    ("look again", "retry"),
    ("seal", "encrypt"),
    ("sealed", "encrypted"),
    ("stand-in*", "mock store"),
    ("persona", "test role"),
    ("personas", "test roles"),
    ("at the moment", "right now"),
    ("another place", "another program"),
    ("crew", "worker pool"),
    ("foreman", "scheduler"),
    ("patience", "timeout"),
    ("awaited", "pending"),
    ("acts", "events"),
    ("are you sure", "{Verb} {noun}?"),
    ("this address", "this URL, store domain or email"),
    ("the address", "the URL, store domain or email"),
    ("cannot", "can’t"),
    ("can not", "can’t"),
    ("do not", "don’t"),
    ("does not", "doesn’t"),
    ("did not", "didn’t"),
    ("is not", "isn’t"),
    ("are not", "aren’t"),
    ("was not", "wasn’t"),
    ("were not", "weren’t"),
    ("has not", "hasn’t"),
    ("have not", "haven’t"),
    ("will not", "won’t"),
    ("would not", "wouldn’t"),
    ("cancelled", "canceled"),
    ("cancelling", "canceling"),
    ("colour*", "color"),
    ("behaviour*", "behavior"),
    ("favour*", "favor"),
    ("recognis*", "recogniz…"),
    ("authoris*", "authoriz…"),
    ("organis*", "organiz…"),
    ("optimis*", "optimiz…"),
    ("normalis*", "normaliz…"),
    ("customis*", "customiz…"),
    ("whilst", "while"),
];

/// Where a denied word is the right one: "upper-case letters" aren't emails.
const ALLOWED: &[&str] = &[
    "letters and digits",
    "letters from a to z",
    "letters and numbers",
    "letters digits",
    "letters or digits",
    "letter or digit",
    "upper-case letters",
    "lower-case letters",
    "uppercase letters",
    "lowercase letters",
    "capital letters",
    "three letters",
    "accented letters",
    "dead letter",
    "dead-letter",
];

/// The words of a text, in lower case, with a straight apostrophe.
pub(super) fn words(text: &str) -> Vec<String> {
    let plain = text.replace('’', "'");
    let parts = plain.split(|c: char| !(c.is_alphanumeric() || "'-_/%".contains(c)));
    parts
        .map(|word| word.trim_matches(['\'', '-', '/']))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| if word == PLACEHOLDER { word.to_owned() } else { word.to_lowercase() })
        .collect()
}

/// The sentences of a text.
fn sentences(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let last = found.last_mut();
        last.expect("never empty").push(*c);
        let ends = ['.', '?', '!', '\n'].contains(c)
            && chars
                .get(at + 1)
                .is_none_or(|next| next.is_whitespace() || ['”', '"', ')'].contains(next));
        if ends {
            found.push(String::new());
        }
    }
    found
}

/// Whether a text is a sentence for people.
pub(super) fn is_sentence(text: &str) -> bool {
    let text = text.trim();
    text.ends_with(['.', '?', '!'])
        && words(text).len() >= 4
        && text.chars().next().is_some_and(|first| first.is_uppercase() || first == '“')
}

/// Everything that isn't plain product English in a text.
pub(super) fn findings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let all = words(text);
    let joined = format!(" {} ", all.join(" "));
    let allowed = ALLOWED.iter().fold(joined, |text, phrase| text.replace(phrase, ""));
    let rest: Vec<&str> = allowed.split_whitespace().collect();
    for (denied, right) in DENIED {
        if has_phrase(&rest, denied) {
            found.push(format!("“{}”: {right} ({})", denied.trim_end_matches('*'), short(text)));
        }
    }
    for sentence in sentences(text) {
        let count = words(&sentence).len();
        if count > MAX_WORDS {
            found.push(format!("{count} words, at most {MAX_WORDS} ({})", short(&sentence)));
        }
        for (sign, least) in [("; ", 2), (": ", 4)] {
            let Some((left, right)) = sentence.split_once(sign) else { continue };
            let is_list =
                sign == ": " && (right.contains(", ") || right.starts_with(char::is_uppercase));
            if words(left).len() >= least && words(right).len() >= least && !is_list {
                found.push(format!("“{}” between clauses ({})", sign.trim(), short(&sentence)));
            }
        }
    }
    found
}

fn has_phrase(words: &[&str], phrase: &str) -> bool {
    let parts: Vec<&str> = phrase.split(' ').collect();
    words.windows(parts.len()).any(|window| {
        window.iter().zip(&parts).all(|(word, part)| match part.strip_suffix('*') {
            Some(begin) => word.starts_with(begin),
            None => word == part,
        })
    })
}

fn short(text: &str) -> String {
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    if text.chars().count() > 90 {
        text.chars().take(90).chain("…".chars()).collect()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_words_long_sentences_and_joined_clauses_are_found() {
        let long = "word ".repeat(MAX_WORDS + 1);
        for text in [
            "Enter an e-mail.",
            "Nobody can do it.",
            "You cannot undo this.",
            "It was saved; nothing else changed.",
            "Nothing was saved here yet: the store has no answer for it.",
            &long,
        ] {
            assert!(!findings(text).is_empty(), "{text}");
        }
        for text in [
            "Use letters and digits.",
            "Coupon Code: enter 50 characters or fewer.",
            "Retire SAVE10? New orders won’t earn commission.",
        ] {
            assert_eq!(findings(text), Vec::<String>::new(), "{text}");
        }
    }
}
