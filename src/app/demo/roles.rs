//! The demo program's affiliates. Their names cover many scripts and lengths, their codes many
//! styles.

use crate::features::affiliates::AffiliateStatus::{self, Active, Denied, Disabled, Pending};

/// The offer that an affiliate is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnOffer {
    Standard,
    Partners,
    Creators,
}

use OnOffer::{Creators, Partners, Standard};

pub(super) struct Role {
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    /// The final status. Everyone starts as active or pending.
    pub(crate) status: AffiliateStatus,
    pub(crate) offer: OnOffer,
    pub(crate) codes: &'static [&'static str],
    /// How often customers use the codes, relative to the other affiliates' codes.
    pub(crate) weight: u64,
}

const fn role(
    name: &'static str,
    email: &'static str,
    status: AffiliateStatus,
    offer: OnOffer,
    codes: &'static [&'static str],
    weight: u64,
) -> Role {
    Role { name, email, status, offer, codes, weight }
}

/// Codes with a role in the demo's history.
pub(super) const REASSIGNED_CODE: &str = "SPRINGCLEAN";
pub(super) const REASSIGNED_TO: &str = "ivana@example.rs";
pub(super) const RETIRED_CODE: &str = "OLDNEWS15";
/// The affiliate whose regular customer is known by email.
pub(super) const BROUGHT_A_CUSTOMER: &str = "kwame@accra-living.example";
pub(super) const THE_CUSTOMER: &str = "orders@riverside-spa.example";
/// The affiliate who designed a product and earns a royalty on it.
pub(super) const DESIGNER: &str = "anais@atelier-lefevre.example";
/// Pending applicants: email, requested code, website, and how many hours ago they applied.
pub(super) const APPLICANTS: [(&str, &str, &str, i64); 3] = [
    ("eleni@example.cy", "ELENI10", "https://eleni.example/journal", 50),
    ("li@example.sg", "LI-TEA", "https://li.example", 27),
    ("hej@amelie-soren.example", "AmelieSoren", "https://amelie-soren.example", 3),
];
/// The affiliate who requests another code, and that code.
pub(super) const ADDITIONAL_REQUEST: (&str, &str) = ("maria@sol-y-mar.example", "MARIA-WINTER");
/// A code of the affiliate who is disabled while orders still come in.
pub(super) const LATE_ORDERS_CODE: &str = "THUMBSUP";

pub(super) const ROLES: [Role; 40] = [
    role(
        "María Fernández",
        "maria@sol-y-mar.example",
        Active,
        Partners,
        &["MARIA10", "MARIA-SUMMER"],
        26,
    ),
    role("Jürgen Groß-Bäcker", "j.gross@gruen.example", Active, Standard, &["GRÜN15"], 9),
    role("Zoë Ångström", "zoe@zoe-loves-tea.example", Active, Creators, &["zoe-loves-tea"], 14),
    role("Αλεξάνδρα Παπαδοπούλου", "alexandra@example.gr", Active, Standard, &["ALEXANDRA"], 7),
    role("Дмитрий Соловьёв", "dmitry@example.bg", Active, Standard, &["ДИМА10", "DIMA10"], 6),
    role("Оксана Шевченко", "oksana@example.ua", Active, Standard, &["OKSANA"], 5),
    role("ليلى حداد", "layla@example.lb", Active, Partners, &["LAYLA10"], 12),
    role("محمد عبد الرحمن الحسيني", "husseini@example.jo", Active, Standard, &["HUSSEINI"], 3),
    role("נועה לוי", "noa@example.co.il", Active, Standard, &["NOA.LEVI"], 4),
    role("प्रिया शर्मा", "priya@example.in", Active, Standard, &["PRIYA"], 8),
    role("王小明", "xiaoming@example.cn", Active, Standard, &["XIAOMING88"], 5),
    role("陳美玲", "meiling@example.tw", Active, Standard, &["MeiLing"], 4),
    role("田中 さくら", "sakura@example.jp", Active, Creators, &["さくら10", "SAKURA"], 10),
    role("山本健太郎", "kentaro@example.jp", Active, Standard, &["KENTARO"], 2),
    role("김지훈", "jihoon@example.kr", Active, Standard, &["JIHOON"], 5),
    role("สมชาย ใจดี", "somchai@example.th", Active, Standard, &["SOMCHAI"], 3),
    role("Björk", "bjork@example.is", Active, Standard, &["BJORK"], 2),
    role("Bo", "bo@example.se", Active, Standard, &["BO5"], 6),
    role(
        "The Independent Natural Cosmetics, Skin Care & Herbal Remedies Review Magazine of Greater Manchester and Surrounding Counties Ltd.",
        "editorial-office-for-reviews@natural-cosmetics-and-herbal-remedies.example",
        Active,
        Partners,
        &["HERBAL-REVIEW-MAGAZINE-SUBSCRIBERS-AUTUMN-26"],
        4,
    ),
    role("Nguyễn Thị Phương Thảo", "thao@example.vn", Active, Standard, &["THAO10"], 6),
    role("Siobhán Ní Dhomhnaill", "siobhan@example.ie", Active, Standard, &["SIOBHAN"], 4),
    role("Łukasz Żółć", "lukasz@example.pl", Active, Standard, &[REASSIGNED_CODE, "LUKASZ"], 8),
    role("Çağla Öztürk", "cagla@example.com.tr", Active, Creators, &["CAGLA"], 5),
    role("Ștefan Țurcanu", "stefan@example.md", Active, Standard, &["STEFAN_10"], 2),
    role("Þórunn Guðmundsdóttir", "thorunn@example.is", Active, Standard, &["THORUNN"], 1),
    role(
        "José Luis Rodríguez-Cañedo y Fernández de Córdoba",
        "joseluis@example.es",
        Active,
        Standard,
        &["JLRC"],
        3,
    ),
    role("Anaïs Lefèvre", "anais@atelier-lefevre.example", Active, Standard, &["ANAIS"], 4),
    role(
        "O’Connor & Daughters",
        "hello@oconnor-daughters.example",
        Active,
        Partners,
        &["OCONNOR"],
        7,
    ),
    role("Kwame Mensah", "kwame@accra-living.example", Active, Partners, &["KWAME"], 5),
    role("Ngozi Okonkwo-Adeyemi", "ngozi@example.ng", Active, Standard, &["NGOZI20"], 5),
    role("Aroha Ngāta", "aroha@example.nz", Active, Standard, &["AROHA"], 3),
    role("Ivana Jovanović", "ivana@example.rs", Active, Standard, &["IVANA"], 3),
    role("Ελένη Γεωργίου", "eleni@example.cy", Pending, Standard, &[], 0),
    role("李", "li@example.sg", Pending, Standard, &[], 0),
    role("Bath & Body <3 Blog", "hi@bath-body-heart.example", Pending, Standard, &["BATH<3"], 0),
    role(
        "Green Thumb Weekly",
        "desk@greenthumb.example",
        Disabled,
        Standard,
        &[LATE_ORDERS_CODE, RETIRED_CODE],
        5,
    ),
    role("CouponCrawler", "bot@couponcrawler.example", Denied, Standard, &[], 0),
    role("DealHunter 3000", "sales@dealhunter3000.example", Denied, Standard, &["HUNT3000"], 0),
    role(
        "Maximilian Freiherr von und zu Hohenfels-Wittenau",
        "max@hohenfels.example",
        Disabled,
        Standard,
        &["HOHENFELS"],
        1,
    ),
    role("Amélie & Søren", "hej@amelie-soren.example", Pending, Creators, &[], 0),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::features::triggers::CouponCode;

    #[test]
    fn every_code_is_valid_and_one_affiliates() {
        let codes: Vec<_> = ROLES.iter().flat_map(|role| role.codes).collect();
        let keys: HashSet<_> =
            codes.iter().map(|code| CouponCode::parse(code).unwrap().key().to_owned()).collect();
        assert_eq!(keys.len(), codes.len());
        let emails: HashSet<_> = ROLES.iter().map(|role| role.email).collect();
        assert_eq!(emails.len(), ROLES.len());
        for (email, code, ..) in APPLICANTS {
            let key = CouponCode::parse(code).unwrap().key().to_owned();
            assert!(emails.contains(email) && !keys.contains(&key), "{email} {code}");
        }
        assert!(emails.contains(ADDITIONAL_REQUEST.0) && !keys.contains(ADDITIONAL_REQUEST.1));
        for email in [REASSIGNED_TO, BROUGHT_A_CUSTOMER, DESIGNER] {
            assert!(emails.contains(email), "{email}");
        }
    }
}
