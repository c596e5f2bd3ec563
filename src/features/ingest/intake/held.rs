/// How to handle a lock that another transaction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::ingest) enum IfHeld {
    Wait,
    /// Skip the locked row.
    PassOver,
}
