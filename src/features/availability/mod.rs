//! Whether a code is available. [`check_all`] decides for every way to get a code. Each caller
//! tells its readers only as much as they may know.

mod decision;
mod excluded;
mod locks;
mod refused;

pub(crate) use decision::{HeldTrigger, PendingRequest, check_all};
pub use decision::{Unavailable, check};
pub(crate) use excluded::Excluded;
pub(crate) use excluded::{ExclusionKey, all_look_alikes, first_that_stops, probes_of};
pub use excluded::{ExclusionScope, exclusion_of, exclusions_of};
pub use locks::lock_codes_exclusive;
pub(crate) use locks::lock_codes_shared;
pub use refused::look_up;
pub(crate) use refused::{UnavailableValue, refused, requested};
