use crate::kit::pseudonyms::Pseudonyms;

/// The demo's store.
#[derive(Clone)]
pub struct DemoStore {
    /// Whose it is.
    pub merchant_id: i64,
    /// Its key within the merchant.
    pub store_id: i64,
    /// Names it in its webhook address.
    pub store_key: String,
    /// What signs its messages, in plain: it is the demo's own.
    pub secret: Vec<u8>,
    /// Those of the instance.
    pub pseudonyms: Pseudonyms,
}
