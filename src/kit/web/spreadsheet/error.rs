/// Why a file can't be read at all. The message is shown in the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpreadsheetError {
    /// No file was chosen, or it's empty.
    #[error("Choose a CSV file with at least a header and one row.")]
    Empty,
    /// The encoding is unknown.
    #[error(
        "We couldn’t read some characters in line {0}. Save the file as “CSV UTF-8” and upload it \
         again."
    )]
    Undecodable(u64),
    /// For example a workbook.
    #[error("This isn’t a CSV file. Open it in your spreadsheet and save it as “CSV UTF-8”.")]
    NotCsv,
    /// A required column is missing.
    #[error(
        "The file has no column for {missing}. Its first line needs {needed}, but has {found}."
    )]
    NoColumn {
        /// The content of the missing column.
        missing: &'static str,
        /// All required columns, as the template names them.
        needed: &'static str,
        /// The columns of the file.
        found: String,
    },
    /// The file has too many rows.
    #[error("The file has more than {0} rows. Split it into several files.")]
    TooLong(usize),
    /// For example a quote that is never closed. Contains the line.
    #[error("We couldn’t read line {0}. Check it for a missing quotation mark.")]
    Broken(u64),
}
