/// A subject, the paragraphs after the greeting, and the label of the link.
pub(super) type Parts = (String, Vec<String>, &'static str);
