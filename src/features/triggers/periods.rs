use crate::kit::dated::dated;

dated! {
    /// The holder of a trigger.
    pub(super) struct Holding
    in trigger_owners(merchant_id: i64, trigger_id: i64) of triggers(merchant_id, trigger_id)
    {
        pub(crate) affiliate_id: i64,
    }
}
