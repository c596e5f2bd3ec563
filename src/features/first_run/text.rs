//! What the first owner reads.

pub(crate) const ENTER_PROGRAM_NAME: &str = "Enter a name, such as the name of your store.";

pub(super) fn welcome(program: &str) -> String {
    format!("{} created. Connect your store, then add your first affiliate.", program.trim())
}
