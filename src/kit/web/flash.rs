use serde::{Deserialize, Serialize};

/// The tone of a [`Flash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlashKind {
    /// It worked.
    Success,
    /// Good to know.
    Info,
    /// It worked, with a catch.
    Warning,
    /// It did not work.
    Danger,
}

/// A way back from what was just done: a form with one button.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlashUndo {
    /// Where the form is posted.
    pub action: String,
    /// The word on the button.
    pub label: String,
}

/// What the last action did; shown once, on the next page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flash {
    /// The tone.
    pub kind: FlashKind,
    /// One sentence.
    pub text: String,
    /// The way back, where there is one.
    pub undo: Option<FlashUndo>,
}
