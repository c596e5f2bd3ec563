use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::ExposeSecret;

use super::content::EmailContent;
use super::message::{LINK, one_line};
use super::problem::EmailProblem;
use super::text::{self, EmailText};
use crate::kit::db::schema::emails;
use crate::kit::secrets::Encryptor;
use crate::kit::stored_text::{StoredText, shown};

#[derive(Queryable, Selectable)]
#[diesel(table_name = emails)]
pub(super) struct StoredEmail {
    pub(super) id: i64,
    pub(super) message_id: String,
    pub(super) recipient: String,
    subject: Option<String>,
    pub(super) program: String,
    paragraphs: Option<serde_json::Value>,
    link_label: Option<String>,
    link_path: Option<String>,
    link_encrypted: Option<Vec<u8>>,
    pub(super) created_at: DateTime<Utc>,
    last_error: Option<String>,
    content: Option<StoredText<EmailContent>>,
    problem: Option<StoredText<EmailProblem>>,
    pub(super) reply_to: Option<String>,
    text_deleted_at: Option<DateTime<Utc>>,
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

    /// Its text, as long as it's stored. `None` too if a newer version wrote it.
    pub(super) fn text(&self) -> Option<EmailText> {
        if self.text_deleted_at.is_some() {
            return None;
        }
        match &self.content {
            Some(content) => Some(self.rendered(content.known()?)),
            None => Some(EmailText {
                subject: self.subject(),
                paragraphs: serde_json::from_value(self.paragraphs.clone()?).unwrap_or_default(),
                link_label: self.link_label.clone().unwrap_or_default(),
            }),
        }
    }

    fn rendered(&self, content: &EmailContent) -> EmailText {
        EmailText::new(content, &self.program, self.reply_to.is_some())
    }

    pub(super) fn subject(&self) -> String {
        let subject = match &self.content {
            Some(StoredText::Known(content)) => self.rendered(content).subject,
            Some(unknown) => text::unknown(&unknown.code()),
            None => self.subject.clone().unwrap_or_default(),
        };
        one_line(&subject)
    }

    /// Why the last attempt failed.
    pub(super) fn problem(&self) -> Option<String> {
        shown(self.problem.as_ref(), self.last_error.as_deref())
    }

    /// The problem of the last attempt, if this version knows it.
    pub(super) fn known_problem(&self) -> Option<&EmailProblem> {
        self.problem.as_ref()?.known()
    }

    /// The full URL of its link. `Err` if it can't be decrypted.
    pub(super) fn url(
        &self,
        encryptor: &Encryptor,
        public_url: &str,
    ) -> Result<Option<String>, EmailProblem> {
        if let Some(encrypted) = &self.link_encrypted {
            let opened = encryptor.open(LINK, encrypted);
            let path = opened.map_err(|_| EmailProblem::LinkUnreadable)?;
            let path = String::from_utf8_lossy(path.expose_secret()).into_owned();
            return Ok(Some(format!("{public_url}{path}")));
        }
        Ok(self.link_path.as_ref().map(|path| format!("{public_url}{path}")))
    }
}
