//! How a page begins: its menu, and what stands above the heading. Compiled once for each kind of page.

use askama::Template;
use askama::filters::HtmlSafe;

use super::pages::{AccountPage, AffiliatePage, MerchantPage, PersonPage};

macro_rules! frames {
    ($($(#[$meta:meta])* $frame:ident($path:literal) of $page:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Template)]
        #[template(path = $path)]
        pub struct $frame<'a> {
            pub page: &'a $page,
        }
        // Its template escapes what needs it.
        impl HtmlSafe for $frame<'_> {}

        impl $page {
            pub fn frame(&self) -> $frame<'_> {
                $frame { page: self }
            }
        }
    )*};
}

frames! {
    /// The menu of a merchant's member.
    MerchantFrame("components/merchant_frame.html") of MerchantPage;
    /// The menu of an affiliate.
    AffiliateFrame("components/portal_frame.html") of AffiliatePage;
    /// The menu of support staff.
    SupportFrame("components/support_frame.html") of PersonPage;
    /// The menu around the pages of one's own account.
    AccountFrame("components/account_frame.html") of AccountPage;
}
