//! The `csrf` field of every form. For a signed-in user it has three parts: the session's token, a
//! random number of the page, and a proof. The proof shows that the page was rendered for this user
//! in the chosen program.
//!
//! The number distinguishes a form that is sent twice from two forms. The proof outlives the
//! session, so that the input can be shown again, but only to the same user in the same program.

use actix_web::HttpRequest;
use actix_web::web::Data;
use hmac::{Hmac, KeyInit, Mac};
use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;

use crate::kit::secrets::derive;

const LABEL: &[u8] = b"vouch: pages with forms, version 1";
const NUMBER_LENGTH: usize = 32;

/// The key of the proofs.
pub struct FormKey(SecretBox<[u8; 32]>);

/// A page that was rendered for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageOf {
    pub(crate) user_id: i64,
    /// The key of the chosen context; empty for a page outside of any context.
    pub(crate) workspace: String,
    /// Random, different for every page.
    pub(crate) number: String,
}

impl FormKey {
    /// Derives the key from `Config::secret_key`.
    pub(crate) fn new(secret_key: &SecretBox<[u8; 32]>) -> Self {
        Self(derive(secret_key, LABEL))
    }

    /// The token for the forms of a new page. `session_token` must not contain a dot.
    pub(crate) fn write(&self, session_token: &str, user_id: i64, workspace: &str) -> String {
        let number = Alphanumeric.sample_string(&mut rand::rng(), NUMBER_LENGTH);
        let proof = hex::encode(self.proof(user_id, workspace, &number).finalize().into_bytes());
        format!("{session_token}.{number}.{user_id}.{workspace}.{proof}")
    }

    /// The session's token, and the page of the form if its proof is valid.
    pub(crate) fn read<'a>(&self, sent: &'a str) -> (&'a str, Option<PageOf>) {
        let parts: Vec<&str> = sent.splitn(6, '.').collect();
        let &[token, number, user_id, workspace, proof] = parts.as_slice() else {
            return (parts.first().copied().unwrap_or_default(), None);
        };
        let page = user_id.parse().ok().and_then(|user_id| {
            let proof = hex::decode(proof).ok()?;
            self.proof(user_id, workspace, number).verify_slice(&proof).ok()?;
            Some(PageOf { user_id, workspace: workspace.to_owned(), number: number.to_owned() })
        });
        (token, page)
    }

    /// The parts contain no dots, so they're unambiguous.
    fn proof(&self, user_id: i64, workspace: &str, number: &str) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .expect("HMAC takes keys of any length")
            .chain_update(format!("{user_id}.{workspace}.{number}"))
    }
}

pub(crate) fn form_key(req: &HttpRequest) -> &FormKey {
    req.app_data::<Data<FormKey>>().expect("the application holds its form key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> FormKey {
        FormKey::new(&SecretBox::new(Box::new([byte; 32])))
    }

    #[test]
    fn a_page_is_proved_for_one_person_by_one_key() {
        let sent = key(1).write("t0ken", 7, "member-3");
        let (token, page) = key(1).read(&sent);
        let page = page.unwrap();
        assert_eq!((token, page.user_id, page.workspace.as_str()), ("t0ken", 7, "member-3"));
        assert_eq!(key(2).read(&sent), ("t0ken", None));
        assert_eq!(key(1).read(&sent.replace(".7.", ".8.")), ("t0ken", None));
        assert_eq!(key(1).read(&sent.replace("member-3", "member-4")), ("t0ken", None));
        assert_ne!(sent, key(1).write("t0ken", 7, "member-3"));
        assert_eq!(key(1).read("t0ken"), ("t0ken", None));
        assert_eq!(key(1).read(""), ("", None));
    }
}
