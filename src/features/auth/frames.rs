//! The top of a page: its menu, and everything above the heading. Compiled once per kind of page.

use askama::Template;
use askama::filters::HtmlSafe;

use super::pages::{AccountPage, AffiliatePage, MerchantPage, PersonPage};

macro_rules! frames {
    ($($(#[$meta:meta])* $frame:ident($path:literal) of $page:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Template)]
        #[template(path = $path)]
        pub(crate) struct $frame<'a> {
            pub page: &'a $page,
        }
        // The template escapes its values.
        impl HtmlSafe for $frame<'_> {}

        impl $page {
            pub(crate) fn frame(&self) -> $frame<'_> {
                $frame { page: self }
            }
        }
    )*};
}

frames! {
    MerchantFrame("components/merchant_frame.html") of MerchantPage;
    AffiliateFrame("components/portal_frame.html") of AffiliatePage;
    SupportFrame("components/support_frame.html") of PersonPage;
    /// The menu of the account pages.
    AccountFrame("components/account_frame.html") of AccountPage;
}
