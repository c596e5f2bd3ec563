//! The page of a rejected form. Its title says so, and each line of the error summary names its
//! field. A template can't do this itself, because it prints both before the fields.

/// The error summary's place for the label of a field. The field's ID and the end of the tag follow.
const MARK: &str = "<span data-label-of=\"";
const MARK_END: &str = "\"></span>";

/// Completes the HTML of a page with a rejected form.
pub(super) fn complete(html: &str) -> String {
    let html = html.replacen("<title>", "<title>Error: ", 1);
    let mut parts = html.split(MARK);
    let mut completed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (id, message) = part.split_once(MARK_END).unwrap_or_default();
        match label(&html, id) {
            Some(label) => {
                completed.push_str(label);
                // A question ends by itself.
                completed.push_str(if label.ends_with('?') { " " } else { ": " });
                completed.push_str(message);
            }
            None => completed.push_str(message),
        }
    }
    completed
}

/// The text of the label or legend of a field.
fn label<'a>(html: &'a str, id: &str) -> Option<&'a str> {
    let begin = [format!(" for=\"{id}\">"), format!(" id=\"{id}\" tabindex=\"-1\">")]
        .iter()
        .find_map(|tag| html.find(tag).map(|at| at + tag.len()))?;
    let text = html[begin..].split('<').next()?.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_and_the_summary_say_what_is_wrong() {
        let page = "<title>Add Trigger</title>\
             <a href=\"#f-code\"><span data-label-of=\"f-code\"></span>Enter a code.</a>\
             <a href=\"#f-type\"><span data-label-of=\"f-type\"></span>SAVE10 is taken.</a>\
             <a href=\"#f-why\"><span data-label-of=\"f-why\"></span>Answer this question.</a>\
             <a href=\"#f-gone\"><span data-label-of=\"f-gone\"></span>Reload the page.</a>\
             <label class=\"form-label\" for=\"f-why\">Why?</label>\
             <label class=\"form-label\" for=\"f-code\">Coupon Code <span>optional</span></label>\
             <legend id=\"f-type\" tabindex=\"-1\">Type</legend>";
        let completed = complete(page);
        for expected in [
            "<title>Error: Add Trigger</title>",
            "<a href=\"#f-code\">Coupon Code: Enter a code.</a>",
            "<a href=\"#f-type\">Type: SAVE10 is taken.</a>",
            "<a href=\"#f-why\">Why? Answer this question.</a>",
            "<a href=\"#f-gone\">Reload the page.</a>",
        ] {
            assert!(completed.contains(expected), "{expected} in {completed}");
        }
    }
}
