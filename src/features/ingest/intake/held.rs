/// What happens where somebody else has a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::ingest) enum IfHeld {
    /// It is waited for.
    Wait,
    /// It is passed over.
    PassOver,
}
