/// What an action ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedAccess {
    pub sessions: usize,
    pub keys: usize,
}
