use serde::{Deserialize, Serialize};

/// The kind of a [`Flash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlashKind {
    /// It worked.
    Success,
    /// A neutral fact.
    Info,
    /// It worked, with a problem.
    Warning,
    /// It failed.
    Danger,
}

/// A form with one button that undoes the last change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlashUndo {
    /// The URL of the form.
    pub action: String,
    /// The text on the button.
    pub label: String,
}

/// The result of the last action, shown once on the next page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flash {
    pub kind: FlashKind,
    /// One sentence.
    pub text: String,
    /// The undo button, if there is one.
    pub undo: Option<FlashUndo>,
}
