//! Whether a code is available. [`check_all`] decides for every way to get a code. Each caller
//! tells its readers only as much as they may know.

mod decision;
mod excluded;
mod locks;
mod refused;

pub use decision::{Held, Requested, Unavailable, check, check_all};
pub use excluded::{Excluded, ExclusionScope, exclusion_of, exclusions_of};
pub(crate) use excluded::{ExclusionKey, all_look_alikes, first_that_stops, probes_of};
pub use locks::{lock_codes_exclusive, lock_codes_shared};
pub use refused::{Refused, look_up, refused};
