use crate::features::privacy::person::Person;

/// A name that's shorter is many a word's part; it's only taken out where it stands alone.
const SHORT: usize = 4;

/// A person's names and addresses as regular expressions, in plain text and in JSON.
pub(in crate::features::privacy) struct NamePatterns {
    pub(super) text: String,
    pub(super) json: String,
}

impl NamePatterns {
    /// None where neither a name nor an address is known.
    pub(in crate::features::privacy) fn of(person: &Person) -> Option<Self> {
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

    /// Names and addresses, the longest first: one can be a part of another.
    pub(super) fn list(person: &Person) -> Vec<String> {
        let emails = person.spellings.iter().chain(&person.mailboxes);
        let names = person.names.iter().filter(|name| name.chars().count() >= SHORT);
        let mut all: Vec<String> = emails.chain(names).cloned().collect();
        all.sort_by_key(|word| std::cmp::Reverse(word.len()));
        all
    }

    /// What matches them in JSON.
    pub(in crate::features::privacy) fn json(&self) -> &str {
        &self.json
    }
}

fn any(words: Vec<String>) -> String {
    let words: Vec<String> = words.iter().map(|word| escaped(word)).collect();
    format!("(?<![[:alnum:]])({})(?![[:alnum:]])", words.join("|"))
}

/// With every sign that means something in PostgreSQL's regular expressions taken literally.
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
