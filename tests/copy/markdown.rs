use super::Fragment;
use super::rules::PLACEHOLDER;

/// The paragraphs, list items and cells of a document, without code.
pub(super) fn texts(document: &str) -> Vec<Fragment> {
    let mut found: Vec<Fragment> = Vec::new();
    let (mut in_code, mut is_open) = (false, false);
    for (at, line) in document.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            in_code = !in_code;
            is_open = false;
            continue;
        }
        if in_code
            || trimmed.is_empty()
            || trimmed.starts_with("<!--")
            || line.starts_with("    ") && !is_open
        {
            is_open = false;
            continue;
        }
        if trimmed.starts_with('|') {
            let cells = trimmed.split('|').filter(|cell| !cell.trim().is_empty());
            found.extend(cells.map(|cell| Fragment { line: at + 1, text: plain(cell) }));
            is_open = false;
            continue;
        }
        let begins = trimmed.starts_with(['#', '*', '-', '>'])
            || trimmed.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        let text = trimmed.trim_start_matches(['#', '*', '-', '>', ' ']);
        match found.last_mut() {
            Some(last) if is_open && !begins => {
                last.text.push(' ');
                last.text.push_str(text);
            }
            _ => found.push(Fragment { line: at + 1, text: text.to_owned() }),
        }
        is_open = !trimmed.starts_with('#');
    }
    for fragment in &mut found {
        fragment.text = plain(&fragment.text);
    }
    found
}

/// Without code, targets of links and emphasis.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (index, part) in text.split('`').enumerate() {
        plain.push_str(if index % 2 == 1 { PLACEHOLDER } else { part });
    }
    let mut without = String::new();
    let mut rest = plain.as_str();
    while let Some(begin) = rest.find("](") {
        without.push_str(&rest[..begin]);
        rest = rest[begin..].find(')').map_or("", |end| &rest[begin + end + 1..]);
    }
    (without + rest).replace(['*', '[', ']'], "")
}
