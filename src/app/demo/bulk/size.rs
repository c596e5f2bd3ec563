/// Who owns the big program.
pub(super) const OWNER: &str = "Morgan Reyes";

/// How large the program is to be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Affiliates; at least one.
    pub affiliates: u64,
    /// Conversion triggers; at least one.
    pub triggers: u64,
    /// Orders.
    pub orders: u64,
}
