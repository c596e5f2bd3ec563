/// How long the instance stores data that doesn't belong to a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceRetention {
    /// `VOUCH_KEEP_EMAILS`: sent and failed emails, in days.
    pub emails_days: i64,
    /// `VOUCH_KEEP_SESSIONS`: sessions, used or not, in days.
    pub sessions_days: i64,
    /// `VOUCH_KEEP_IPS`: IP addresses in the log of the instance, in days.
    pub ips_days: i64,
}

impl Default for InstanceRetention {
    fn default() -> Self {
        Self { emails_days: 30, sessions_days: 14, ips_days: 180 }
    }
}
