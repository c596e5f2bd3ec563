use vouch_core::attribution::Commission;

/// An offer's data after the form has validated it.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// 1 to 100 characters, unique among the merchant's offers, ignoring case.
    pub name: String,
    pub commission: Commission,
    /// The keys of SKUs whose lines earn no commission.
    pub excluded_skus: Vec<String>,
    /// Whether qualified conversions start as approved.
    pub auto_approve: bool,
    /// Whether it's the default for new affiliates from now on. An offer stops being the default
    /// only when another one becomes it.
    pub is_default: bool,
}
