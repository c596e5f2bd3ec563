/// Why a file cannot be read at all, in words for the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpreadsheetError {
    /// Nothing was chosen, or nothing is in it.
    #[error("Choose a CSV file with at least a header and one row.")]
    Empty,
    /// Another encoding.
    #[error(
        "Line {0} has characters that can’t be read. Save the file as “CSV UTF-8” and upload it \
         again."
    )]
    Undecodable(u64),
    /// A workbook, for example.
    #[error("This isn’t a CSV file. Open it in your spreadsheet and save it as “CSV UTF-8”.")]
    NotCsv,
    /// A column is missing.
    #[error(
        "The file has no column for {missing}. It needs {needed} in its first line. It has: {found}."
    )]
    NoColumn {
        /// What would stand in it.
        missing: &'static str,
        /// All columns that are needed, as the template names them.
        needed: &'static str,
        /// The columns of the file.
        found: String,
    },
    /// Too long.
    #[error("The file has more than {0} rows. Split it into several files.")]
    TooLong(usize),
    /// A quote that is never closed, and the like.
    #[error("Line {0} can’t be read: a quotation mark may be missing there.")]
    Broken(u64),
}
