use crate::features::privacy::person::DataSubject;

/// A shorter name is part of many words, so it's only replaced where it's a whole value.
const SHORT: usize = 4;

/// A person's names and emails as regular expressions, for plain text and for JSON.
pub(in crate::features::privacy) struct NamePatterns {
    pub(super) text: String,
    pub(super) json: String,
}

impl NamePatterns {
    /// `None` if neither a name nor an email is known.
    pub(in crate::features::privacy) fn of(person: &DataSubject) -> Option<Self> {
        let all = Self::list(person);
        if all.is_empty() {
            return None;
        }
        let in_json = |word: &String| {
            let json = serde_json::to_string(word).unwrap_or_default();
            json[1..json.len() - 1].to_owned()
        };
        Some(Self { json: any(all.iter().map(in_json).collect()), text: any(all) })
    }

    /// Names and emails, the longest first, since one can be part of another.
    pub(super) fn list(person: &DataSubject) -> Vec<String> {
        let emails = person.spellings.iter().chain(&person.mailboxes);
        let names = person.names.iter().filter(|name| name.chars().count() >= SHORT);
        let mut all: Vec<String> = emails.chain(names).cloned().collect();
        all.sort_by_key(|word| std::cmp::Reverse(word.len()));
        all
    }

    /// The pattern for JSON.
    pub(in crate::features::privacy) fn json(&self) -> &str {
        &self.json
    }
}

fn any(words: Vec<String>) -> String {
    let words: Vec<String> = words.iter().map(|word| escaped(word)).collect();
    format!("(?<![[:alnum:]])({})(?![[:alnum:]])", words.join("|"))
}

/// Escapes every character that has a meaning in PostgreSQL's regular expressions.
pub(super) fn escaped(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len() + 8);
    for c in word.chars() {
        if c.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
