use vouch_core::attribution::Commission;

/// What an offer is made from, checked by the form.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// What it is called; 1 to 100 characters, unlike any other offer's name in any case.
    pub name: String,
    /// What it pays.
    pub commission: Commission,
    /// Keys of SKUs whose lines earn nothing.
    pub excluded_skus: Vec<String>,
    /// Whether qualified conversions start as Approved.
    pub auto_approve: bool,
    /// Whether new affiliates get it from now on. An offer stops being the default only when
    /// another becomes it.
    pub is_default: bool,
}
