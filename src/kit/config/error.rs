use std::fmt;

/// A setting that cannot be used. Shown as one line.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The environment variable of the setting.
    pub setting: &'static str,
    /// Why its value cannot be used; never holds the value of a secret.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// What to do next.
    pub(crate) fn next(&self) -> String {
        format!("correct {}; README.md lists what it takes", self.setting)
    }
}

pub(super) fn bad(setting: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError { setting, reason: reason.into() }
}
