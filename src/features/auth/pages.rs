//! Everything a layout needs, in one value that fails closed: without a signed-in person there's no
//! page.

use std::cell::RefCell;

use actix_session::{Session, SessionExt};
use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use futures_util::future::{Ready, ready};

use super::model::{
    AccountContext, AffiliateContext, MemberContext, Merchant, Person, StoreProblem,
};
use super::viewing::{Viewer, Viewing};
use crate::kit::audit::{Actor, ActorKind};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::error::{AppError, AppResult};
use crate::kit::session::{FLASH, Role, TOKEN, USER_ID, chosen_workspace, renew_csrf};
use crate::kit::urls;
use crate::kit::web::flash::{Flash, FlashKind, FlashUndo};
use crate::kit::web::form_token::form_key;
use crate::kit::web::peer::peer;

/// Shared by all pages: the CSRF token, the message and the URL.
struct Chrome {
    session: Session,
    csrf: String,
    flash: RefCell<Option<Flash>>,
    path: String,
    fragment: bool,
    came_from: String,
    viewing: Option<Viewing>,
    viewer: Option<Viewer>,
    sends_email: bool,
}

impl Chrome {
    fn of(req: &HttpRequest) -> AppResult<Self> {
        let session = req.get_session();
        let csrf = match session.get::<String>(TOKEN)? {
            Some(token) => token,
            None => renew_csrf(&session)?,
        };
        let csrf = match session.get::<i64>(USER_ID)? {
            Some(user_id) => form_key(req).write(&csrf, user_id, &chosen_workspace(&session)?),
            None => csrf,
        };
        let flash = session.get::<Flash>(FLASH)?;
        let config = req.app_data::<Data<Config>>().expect("the application holds the settings");
        Ok(Self {
            sends_email: config.smtp.is_some(),
            csrf,
            flash: RefCell::new(flash),
            path: req.path().to_owned(),
            fragment: wants_fragment(req.headers()),
            came_from: peer(req).to_string(),
            viewing: req.extensions().get::<Viewing>().cloned(),
            viewer: req.extensions().get::<Viewer>().cloned(),
            session,
        })
    }

    /// A message counts as seen once a page has read it.
    fn flash(&self) -> Option<Flash> {
        let flash = self.flash.borrow_mut().take();
        if flash.is_some() {
            self.session.remove(FLASH);
        }
        flash
    }

    fn leave(&self, flash: Flash) -> AppResult<()> {
        Ok(self.session.insert(FLASH, flash)?)
    }
}

fn wants_fragment(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
        && !headers.contains_key("hx-history-restore-request")
        && !headers.contains_key("hx-boosted")
}

/// A page that needs no sign-in: sign-in, first run.
pub(crate) struct PublicPage(Chrome);

/// A page for a signed-in person, outside any merchant.
pub(crate) struct PersonPage {
    chrome: Chrome,
    pub(crate) person: Person,
}

/// An account page, with the menu of the current workspace.
pub(crate) struct AccountPage {
    chrome: Chrome,
    pub(crate) person: Person,
    pub(crate) account_context: AccountContext,
}

/// A page of one merchant, for one of its members.
pub(crate) struct MerchantPage {
    chrome: Chrome,
    /// The menu entry it belongs to, if its URL doesn't show that.
    entry: Option<String>,
    pub(crate) member_context: MemberContext,
}

/// A page of the affiliate portal.
pub(crate) struct AffiliatePage {
    chrome: Chrome,
    pub(crate) affiliate_context: AffiliateContext,
}

macro_rules! chrome_methods {
    ($page:ident, $chrome:tt) => {
        impl $page {
            /// The CSRF token of every form.
            pub(crate) fn csrf(&self) -> &str {
                &self.$chrome.csrf
            }

            /// The message of the last action; `Some` only once.
            pub(crate) fn flash(&self) -> Option<Flash> {
                self.$chrome.flash()
            }

            /// Sets a message for the next page.
            pub(crate) fn leave(&self, kind: FlashKind, text: impl Into<String>) -> AppResult<()> {
                self.$chrome.leave(Flash { kind, text: text.into(), undo: None })
            }

            pub(crate) fn path(&self) -> &str {
                &self.$chrome.path
            }

            pub(crate) fn session(&self) -> &Session {
                &self.$chrome.session
            }
        }
    };
}

macro_rules! fragment_methods {
    ($page:ident, $chrome:tt) => {
        impl $page {
            /// Whether htmx or a dialog requests only the changed part of the page.
            pub(crate) fn is_fragment(&self) -> bool {
                self.$chrome.fragment
            }
        }
    };
}

macro_rules! viewing_methods {
    ($page:ident, $chrome:tt) => {
        impl $page {
            /// The person whose pages support staff are viewing, if any.
            pub(crate) fn viewing(&self) -> Option<&Viewing> {
                self.$chrome.viewing.as_ref()
            }
        }
    };
}

macro_rules! email_methods {
    ($page:ident, $chrome:tt) => {
        impl $page {
            /// Whether there's a mail server. Without one, emails are held.
            pub(crate) fn sends_email(&self) -> bool {
                self.$chrome.sends_email
            }
        }
    };
}

chrome_methods!(PublicPage, 0);
chrome_methods!(PersonPage, chrome);
chrome_methods!(AccountPage, chrome);
chrome_methods!(MerchantPage, chrome);
chrome_methods!(AffiliatePage, chrome);
fragment_methods!(PublicPage, 0);
fragment_methods!(MerchantPage, chrome);
fragment_methods!(AffiliatePage, chrome);
email_methods!(PublicPage, 0);
email_methods!(PersonPage, chrome);
email_methods!(MerchantPage, chrome);
viewing_methods!(MerchantPage, chrome);
viewing_methods!(AffiliatePage, chrome);

impl MerchantPage {
    /// The actor, with the current time: the member, or the support staff who view the member's
    /// pages.
    pub(crate) fn actor(&self) -> Actor {
        let (kind, person) = match &self.chrome.viewer {
            Some(Viewer(person)) => (ActorKind::Support, person),
            None => (ActorKind::Member, &self.member_context.person),
        };
        Actor {
            merchant_id: self.member_context.merchant.id,
            kind,
            user_id: Some(person.id),
            name: person.name.clone(),
            came_from: Some(self.chrome.came_from.clone()),
            now: clock::now(),
        }
    }

    pub(crate) fn merchant_id(&self) -> i64 {
        self.member_context.merchant.id
    }

    pub(crate) fn merchant(&self) -> &Merchant {
        &self.member_context.merchant
    }

    /// A store of the merchant that Vouch can no longer call.
    pub(crate) fn store_problem(&self) -> Option<&StoreProblem> {
        self.member_context.store_problem.as_ref()
    }

    /// The name of the signed-in person.
    pub(crate) fn person_name(&self) -> &str {
        &self.member_context.person.name
    }

    /// The role as text.
    pub(crate) fn role_label(&self) -> &'static str {
        self.member_context.role.label()
    }

    /// Whether this member can change anything.
    pub(crate) fn may_write(&self) -> bool {
        self.member_context.role.covers(Role::Admin)
    }

    /// Whether the person is an owner without two-factor sign-in. Support staff who view the pages
    /// aren't reminded.
    pub(crate) fn lacks_owner_two_factor(&self) -> bool {
        self.member_context.role == Role::Owner && !self.member_context.person.has_two_factor()
    }

    pub(crate) fn is_owner(&self) -> bool {
        self.member_context.role.covers(Role::Owner)
    }

    /// Puts the page under another menu entry than its URL suggests.
    #[must_use]
    pub(crate) fn under(self, entry: String) -> Self {
        Self { entry: Some(entry), ..self }
    }

    /// Whether this page's URL is `prefix` or below it.
    pub(crate) fn is_at(&self, prefix: &str) -> bool {
        lies_at(self.entry.as_deref().unwrap_or_else(|| self.path()), prefix)
    }

    /// Sets a success message for the next page.
    pub(crate) fn done(&self, text: impl Into<String>) -> AppResult<()> {
        self.leave(FlashKind::Success, text)
    }

    /// Sets a success message with an Undo button that posts to `action`.
    pub(crate) fn done_undoable(&self, text: impl Into<String>, action: String) -> AppResult<()> {
        let undo = FlashUndo { action, label: "Undo".to_owned() };
        self.leave_undoable(FlashKind::Success, text, Some(undo))
    }

    /// Sets a message for the next page, optionally with an undo button.
    pub(crate) fn leave_undoable(
        &self,
        kind: FlashKind,
        text: impl Into<String>,
        undo: Option<FlashUndo>,
    ) -> AppResult<()> {
        self.chrome.leave(Flash { kind, text: text.into(), undo })
    }
}

impl PersonPage {
    /// The support staff as the actor for a merchant, with the current time.
    pub(crate) fn support_actor(&self, merchant_id: i64) -> Actor {
        Actor {
            merchant_id,
            kind: ActorKind::Support,
            user_id: Some(self.person.id),
            name: self.person.name.clone(),
            came_from: Some(self.chrome.came_from.clone()),
            now: clock::now(),
        }
    }

    /// The name of the signed-in person.
    pub(crate) fn person_name(&self) -> &str {
        &self.person.name
    }

    pub(crate) fn person_email(&self) -> &str {
        &self.person.email
    }

    /// Whether there's another workspace to switch to.
    pub(crate) fn has_other_programs(&self) -> bool {
        self.person.has_other_programs()
    }
}

impl AccountPage {
    /// The page after two-factor sign-in was turned on.
    #[must_use]
    pub(crate) fn with_two_factor(mut self, since: Option<DateTime<Utc>>) -> Self {
        self.person.two_factor_at = since;
        self
    }

    /// The person's name in the current workspace.
    pub(crate) fn person_name(&self) -> &str {
        match &self.account_context {
            AccountContext::Affiliate(affiliate_context) => &affiliate_context.affiliate_name,
            AccountContext::Member(_) | AccountContext::Support | AccountContext::Nothing => {
                &self.person.name
            }
        }
    }

    pub(crate) fn person_email(&self) -> &str {
        &self.person.email
    }

    /// Whether there's another workspace to switch to.
    pub(crate) fn has_other_programs(&self) -> bool {
        self.person.has_other_programs()
    }

    /// The person's role in the current workspace as text; empty if there is none.
    pub(crate) fn role_label(&self) -> &'static str {
        match &self.account_context {
            AccountContext::Member(member_context) => member_context.role.label(),
            AccountContext::Affiliate(_) => "Affiliate",
            AccountContext::Support => "Support",
            AccountContext::Nothing => "",
        }
    }

    /// The page where the password is changed.
    pub(crate) fn password_url(&self) -> &'static str {
        match &self.account_context {
            AccountContext::Affiliate(_) => "/portal/settings#password",
            AccountContext::Member(_) | AccountContext::Support | AccountContext::Nothing => {
                "/account/password"
            }
        }
    }

    /// Whether the other menu entries work. They don't before a required two-factor sign-in is set
    /// up.
    pub(crate) fn opens_menu(&self) -> bool {
        let is_required = match &self.account_context {
            AccountContext::Member(member_context) => member_context.requires_two_factor,
            AccountContext::Support => true,
            AccountContext::Affiliate(_) | AccountContext::Nothing => false,
        };
        !self.person.lacks_two_factor(is_required)
    }

    /// Whether this page belongs to a menu entry. An affiliate comes from **Settings**.
    pub(crate) fn is_at(&self, prefix: &str) -> bool {
        self.is_of_affiliate() && prefix == urls::portal_settings()
    }

    /// Whether the current workspace is an affiliate's.
    pub(crate) fn is_of_affiliate(&self) -> bool {
        matches!(self.account_context, AccountContext::Affiliate(_))
    }
}

impl AffiliatePage {
    pub(crate) fn merchant_id(&self) -> i64 {
        self.affiliate_context.merchant.id
    }

    pub(crate) fn merchant(&self) -> &Merchant {
        &self.affiliate_context.merchant
    }

    /// The affiliate's name in the program.
    pub(crate) fn person_name(&self) -> &str {
        &self.affiliate_context.affiliate_name
    }

    /// Whether the affiliate is viewing and can change something. Support staff and disabled
    /// affiliates can only read.
    pub(crate) fn may_write(&self) -> bool {
        self.chrome.viewing.is_none() && self.affiliate_context.may_write()
    }

    /// The page where they change their password.
    pub(crate) fn account_url(&self) -> &'static str {
        if self.is_disabled() { "/account/password" } else { "/portal/settings#password" }
    }

    /// Whether the signed-in affiliate is disabled.
    pub(crate) fn is_disabled(&self) -> bool {
        self.chrome.viewing.is_none() && !self.affiliate_context.may_write()
    }

    /// Whether this page's URL is `prefix` or below it.
    pub(crate) fn is_at(&self, prefix: &str) -> bool {
        lies_at(self.path(), prefix)
    }

    /// The actor, with the current time.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            merchant_id: self.affiliate_context.merchant.id,
            kind: ActorKind::Affiliate,
            user_id: Some(self.affiliate_context.person.id),
            name: self.affiliate_context.affiliate_name.clone(),
            came_from: Some(self.chrome.came_from.clone()),
            now: clock::now(),
        }
    }
}

fn lies_at(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The person and their other workspaces, for the bottom of every menu.
macro_rules! person_methods {
    ($page:ident, $context:ident) => {
        impl $page {
            pub(crate) fn merchant_name(&self) -> &str {
                &self.$context.merchant.name
            }

            /// The IANA name of the time zone of the page's times.
            pub(crate) fn time_zone(&self) -> &str {
                &self.$context.merchant.time_zone
            }

            pub(crate) fn person_email(&self) -> &str {
                &self.$context.person.email
            }

            /// Whether there's another workspace to switch to.
            pub(crate) fn has_other_programs(&self) -> bool {
                self.$context.person.has_other_programs()
            }
        }
    };
}

person_methods!(MerchantPage, member_context);
person_methods!(AffiliatePage, affiliate_context);

impl FromRequest for PublicPage {
    type Error = AppError;
    type Future = Ready<AppResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Chrome::of(req).map(Self))
    }
}

impl FromRequest for PersonPage {
    type Error = AppError;
    type Future = Ready<AppResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let person = req.extensions().get::<Person>().cloned();
        ready(match person {
            Some(person) => Chrome::of(req).map(|chrome| Self { chrome, person }),
            None => Err(AppError::SignInNeeded(req.path().to_owned())),
        })
    }
}

impl FromRequest for AccountPage {
    type Error = AppError;
    type Future = Ready<AppResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let person = req.extensions().get::<Person>().cloned();
        let account_context = req.extensions().get::<AccountContext>().cloned();
        ready(match (person, account_context) {
            (Some(person), Some(account_context)) => {
                Chrome::of(req).map(|chrome| Self { chrome, person, account_context })
            }
            _ => Err(AppError::SignInNeeded(req.path().to_owned())),
        })
    }
}

impl FromRequest for MerchantPage {
    type Error = AppError;
    type Future = Ready<AppResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let member_context = req.extensions().get::<MemberContext>().cloned();
        ready(match member_context {
            Some(member_context) => {
                Chrome::of(req).map(|chrome| Self { chrome, entry: None, member_context })
            }
            None => Err(AppError::SignInNeeded(req.path().to_owned())),
        })
    }
}

impl FromRequest for AffiliatePage {
    type Error = AppError;
    type Future = Ready<AppResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let affiliate_context = req.extensions().get::<AffiliateContext>().cloned();
        ready(match affiliate_context {
            Some(affiliate_context) => {
                Chrome::of(req).map(|chrome| Self { chrome, affiliate_context })
            }
            None => Err(AppError::SignInNeeded(req.path().to_owned())),
        })
    }
}
