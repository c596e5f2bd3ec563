/// Extra connections of the order intake, in addition to its writers, for deliveries that wait.
pub(crate) const WAITING_CONNECTIONS: u32 = 2;
/// Connections that look up the store of a webhook, and the same number for order reports by the
/// API.
pub(crate) const LOOK_UP_CONNECTIONS: u32 = 2;

/// The connections per kind of work, and how long it waits for them.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// For pages and the API.
    pub pages: u32,
    /// For the writers of the order intake.
    pub intake: u32,
    /// For workers and commands.
    pub jobs: u32,
    /// Multiplies all database timeouts: 1, or more on a slow machine.
    pub wait_factor: u32,
}

impl Connections {
    /// The number of all connections, including those without a setting.
    #[must_use]
    pub(crate) fn total(self) -> u32 {
        self.pages + self.intake + WAITING_CONNECTIONS + 2 * LOOK_UP_CONNECTIONS + self.jobs
    }
}
