use crate::kit::pseudonyms::Pseudonyms;

#[derive(Clone)]
pub struct DemoStore {
    pub merchant_id: i64,
    pub store_id: i64,
    /// Identifies the store in its webhook URL.
    pub store_key: String,
    /// The key that signs its webhooks, in plain text, because it's the demo's own.
    pub secret: Vec<u8>,
    /// The instance's pseudonyms.
    pub pseudonyms: Pseudonyms,
}
