use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::ExposeSecret;

use super::message::LINK;
use crate::kit::db::schema::emails;
use crate::kit::secrets::Encryptor;

#[derive(Queryable, Selectable)]
#[diesel(table_name = emails)]
pub(super) struct StoredEmail {
    pub(super) id: i64,
    pub(super) message_id: String,
    pub(super) recipient: String,
    pub(super) subject: String,
    pub(super) program: String,
    pub(super) paragraphs: Option<serde_json::Value>,
    pub(super) link_label: Option<String>,
    pub(super) link_path: Option<String>,
    pub(super) link_encrypted: Option<Vec<u8>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_error: Option<String>,
}

impl StoredEmail {
    /// The email with this Message-ID, unless it was sent or has failed.
    pub(super) fn pending(conn: &mut PgConnection, message_id: &str) -> QueryResult<Option<Self>> {
        emails::table
            .filter(emails::message_id.eq(message_id))
            .filter(emails::delivered_at.is_null().and(emails::failed_at.is_null()))
            .select(Self::as_select())
            .first(conn)
            .optional()
    }

    pub(super) fn paragraphs(&self) -> Vec<String> {
        let kept = self.paragraphs.clone().unwrap_or_default();
        serde_json::from_value(kept).unwrap_or_default()
    }

    /// The full URL of its link. `Err` if it can't be decrypted.
    pub(super) fn url(
        &self,
        encryptor: &Encryptor,
        public_url: &str,
    ) -> Result<Option<String>, String> {
        if let Some(encrypted) = &self.link_encrypted {
            let path = encryptor.open(LINK, encrypted).map_err(|error| error.to_string())?;
            let path = String::from_utf8_lossy(path.expose_secret()).into_owned();
            return Ok(Some(format!("{public_url}{path}")));
        }
        Ok(self.link_path.as_ref().map(|path| format!("{public_url}{path}")))
    }

    /// The text of its link.
    pub(super) fn label(&self) -> &str {
        self.link_label.as_deref().unwrap_or_default()
    }
}
