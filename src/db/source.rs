//! Where the database is: the server that the settings name, or one of our own.

use secrecy::{ExposeSecret, SecretString};

use super::embedded::{EmbeddedError, EmbeddedOptions, EmbeddedServer};
use crate::config::Config;

/// A database server that is there for as long as this value is. Nothing but its life differs
/// between the two kinds.
pub struct Source {
    url: SecretString,
    embedded: Option<EmbeddedServer>,
}

impl Source {
    /// Takes the server in `DATABASE_URL`, else starts the embedded one.
    ///
    /// # Errors
    /// Why the embedded server cannot be used. A named server is not asked yet.
    pub fn open(config: &Config) -> Result<Self, EmbeddedError> {
        if let Some(url) = &config.database_url {
            return Ok(Self { url: url.clone(), embedded: None });
        }
        let server = EmbeddedServer::start(&EmbeddedOptions {
            data_dir: config.data_dir.clone(),
            pg_bin: config.pg_bin.clone(),
            extra_settings: Vec::new(),
        })?;
        Ok(Self { url: server.app_url().into(), embedded: Some(server) })
    }

    /// The address of the database for libpq, password included.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.expose_secret()
    }

    /// Whether Vouch runs the server itself.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }
}
