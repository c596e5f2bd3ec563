/// Connections of the intake beyond its writers', for deliveries that wait.
pub const WAITING_CONNECTIONS: u32 = 2;
/// Connections with which the intake finds out whose store it is, and as many for reports by the API.
pub const LOOK_UP_CONNECTIONS: u32 = 2;

/// How many connections each kind of work may have, and how long it waits for them.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// For pages and the API.
    pub pages: u32,
    /// For the writers of the intake.
    pub intake: u32,
    /// For workers and commands.
    pub jobs: u32,
    /// How many times as long as usual each kind of work waits for the database: 1, or more on a slow
    /// machine.
    pub wait_factor: u32,
}

impl Connections {
    /// How many that are in all, with those that have no setting of their own.
    #[must_use]
    pub fn total(self) -> u32 {
        self.pages + self.intake + WAITING_CONNECTIONS + 2 * LOOK_UP_CONNECTIONS + self.jobs
    }
}
