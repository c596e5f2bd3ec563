//! Short texts with markup, which platforms use to describe their steps: `**strong**`, `` `code` ``
//! and `[a link](https://example.com)`. Everything else is shown unchanged.

use askama::Template;
use askama::filters::HtmlSafe;

/// A text with markup, for use in a template.
#[derive(Template)]
#[template(path = "components/marked.html")]
pub(crate) struct Marked<'a> {
    pieces: Vec<Piece<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Strong(&'a str),
    Code(&'a str),
    Link { label: &'a str, url: &'a str },
}

// Askama's template escapes its own values.
impl HtmlSafe for Marked<'_> {}

impl<'a> Marked<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let (mut pieces, mut rest) = (Vec::new(), text);
        let mut plain_until = 0;
        while let Some(at) = rest[plain_until..].find(['*', '`', '[']).map(|at| at + plain_until) {
            let Some((piece, after)) = read(&rest[at..]) else {
                plain_until = at + 1;
                continue;
            };
            if at > 0 {
                pieces.push(Piece::Text(&rest[..at]));
            }
            pieces.push(piece);
            (rest, plain_until) = (after, 0);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        Self { pieces }
    }
}

/// Parses complete markup at the start of `text`. Returns it with the rest.
fn read(text: &str) -> Option<(Piece<'_>, &str)> {
    if let Some(marked) = text.strip_prefix("**") {
        let (strong, after) = marked.split_once("**")?;
        return Some((Piece::Strong(strong), after));
    }
    if let Some(marked) = text.strip_prefix('`') {
        let (code, after) = marked.split_once('`')?;
        return Some((Piece::Code(code), after));
    }
    let (label, marked) = text.strip_prefix('[')?.split_once("](")?;
    let (url, after) = marked.split_once(')')?;
    url.starts_with("https://").then_some((Piece::Link { label, url }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_all_else_stays() {
        for (text, html) in [
            (
                "Choose **Save & go**, then `a,b`.",
                "Choose <strong>Save &#38; go</strong>, then <code>a,b</code>.",
            ),
            (
                "[Open it](https://example.com/a?b=1) now",
                "<a href=\"https://example.com/a?b=1\" rel=\"noopener\">Open it</a> now",
            ),
            ("2 * 3 [x] `", "2 * 3 [x] `"),
            ("[x](javascript:1) <b>", "[x](javascript:1) &#60;b&#62;"),
            ("", ""),
        ] {
            assert_eq!(Marked::new(text).to_string(), html);
        }
    }
}
