use super::Fragment;
use super::rules::PLACEHOLDER;

/// Tags within a sentence. All others end one.
const INLINE: [&str; 12] =
    ["a", "abbr", "b", "bdi", "em", "i", "kbd", "small", "span", "strong", "time", "q"];
/// Attributes that people see or hear.
const ATTRIBUTES: [&str; 8] = [
    "alt",
    "aria-description",
    "aria-label",
    "data-confirm",
    "data-dialog",
    "data-label",
    "placeholder",
    "title",
];

struct Reader<'a> {
    html: &'a str,
    at: usize,
    found: Vec<Fragment>,
    text: String,
    begin: usize,
}

/// The texts of a template, and those that it hands to macros.
pub(super) fn texts(html: &str) -> Vec<Fragment> {
    let mut reader = Reader { html, at: 0, found: Vec::new(), text: String::new(), begin: 0 };
    while reader.at < html.len() {
        reader.step();
    }
    reader.end();
    reader.found.retain(|fragment| fragment.words().len() > 1 || fragment.text.contains('-'));
    reader.found
}

impl Reader<'_> {
    fn step(&mut self) {
        let rest = &self.html[self.at..];
        if rest.starts_with("{#") {
            self.skip("#}");
        } else if rest.starts_with("{%") {
            self.end();
            let begin = self.at;
            self.skip("%}");
            self.literals(begin);
        } else if rest.starts_with("{{") {
            let begin = self.at;
            self.skip("}}");
            self.literals(begin);
            self.push(PLACEHOLDER, begin);
        } else if rest.starts_with("<code")
            || rest.starts_with("<svg")
            || rest.starts_with("<script")
        {
            let tag: String = rest[1..].chars().take_while(|c| c.is_alphanumeric()).collect();
            let begin = self.at;
            self.skip(&format!("</{tag}>"));
            self.push(PLACEHOLDER, begin);
        } else if rest.starts_with('<') {
            self.tag();
        } else {
            let c = rest.chars().next().unwrap_or_default();
            self.push(c.encode_utf8(&mut [0; 4]), self.at);
            self.at += c.len_utf8();
        }
    }

    fn skip(&mut self, end: &str) {
        let rest = &self.html[self.at..];
        self.at += rest.find(end).map_or(rest.len(), |at| at + end.len());
    }

    fn push(&mut self, text: &str, at: usize) {
        if self.text.is_empty() {
            self.begin = at;
        }
        if !(self.text.is_empty() && text.trim().is_empty()) {
            self.text.push_str(text);
        }
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        self.add(&text, self.begin);
    }

    fn add(&mut self, text: &str, at: usize) {
        let text = text.replace("&nbsp;", " ").replace("&amp;", "&").replace("&quot;", "\"");
        if !text.trim().is_empty() {
            let line = self.html[..at].matches('\n').count() + 1;
            self.found.push(Fragment { line, text: text.trim().to_owned() });
        }
    }

    fn tag(&mut self) {
        let begin = self.at;
        let mut at = begin;
        let mut inside = 0_i32;
        while at < self.html.len() {
            let rest = &self.html[at..];
            if rest.starts_with("{{") || rest.starts_with("{%") {
                inside += 1;
            } else if rest.starts_with("}}") || rest.starts_with("%}") {
                inside -= 1;
            } else if inside == 0 && rest.starts_with('>') {
                break;
            }
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        self.at = (at + 1).min(self.html.len());
        let tag = self.html[begin..self.at].to_owned();
        let name: String = tag
            .trim_start_matches(['<', '/'])
            .chars()
            .take_while(|c| c.is_alphanumeric())
            .collect();
        if !INLINE.contains(&name.as_str()) {
            self.end();
        }
        for attribute in ATTRIBUTES {
            let Some(from) = tag.find(&format!(" {attribute}=\"")) else { continue };
            let value = &tag[from + attribute.len() + 3..];
            let value = value.split('"').next().unwrap_or_default();
            if !value.contains("{%") {
                self.add(&plain(value), begin + from);
            }
        }
        self.literals_of(&tag, begin);
    }

    fn literals(&mut self, begin: usize) {
        let code = self.html[begin..self.at].to_owned();
        self.literals_of(&code, begin);
    }

    /// The texts in the expressions of `code`.
    fn literals_of(&mut self, code: &str, begin: usize) {
        let mut at = 0;
        while let Some(open) = code[at..].find("{{").or_else(|| code[at..].find("{%")) {
            let from = at + open;
            let to = code[from..].find(['}', '%']).map_or(code.len(), |_| {
                code[from + 2..]
                    .find("}}")
                    .or_else(|| code[from + 2..].find("%}"))
                    .map_or(code.len(), |end| from + 2 + end)
            });
            for (index, part) in code[from..to].split('"').enumerate() {
                if index % 2 == 1 {
                    self.add(&plain(part), begin + from);
                }
            }
            at = to;
        }
    }
}

fn plain(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some(begin) = rest.find("{{") {
        text.push_str(&rest[..begin]);
        text.push_str(PLACEHOLDER);
        rest = rest[begin..].find("}}").map_or("", |end| &rest[begin + end + 2..]);
    }
    text + rest
}
