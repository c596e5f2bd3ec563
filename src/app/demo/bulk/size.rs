/// The owner of the big program.
pub(super) const OWNER: &str = "Morgan Reyes";

#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// At least one.
    pub affiliates: u64,
    /// At least one.
    pub triggers: u64,
    pub orders: u64,
}
