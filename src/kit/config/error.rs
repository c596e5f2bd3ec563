use std::fmt;

/// A setting that can't be used, shown as one line.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The environment variable of the setting.
    pub setting: &'static str,
    /// Why its value can't be used; never contains a secret.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// The next step for the user.
    pub(crate) fn next(&self) -> String {
        format!("Fix {}. README.md lists all settings.", self.setting)
    }
}

pub(super) fn bad(setting: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError { setting, reason: reason.into() }
}
