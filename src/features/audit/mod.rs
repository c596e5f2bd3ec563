//! The events of the audit log and their sentences. Every feature records its events with these.

mod entry;
mod event;
mod text;

pub(crate) use self::entry::{AuditEntry, StoredEvent, history};
pub(crate) use self::event::{
    AffiliateField, AuditEvent, ConversionName, KeyRevocation, RetriedWork, TriggerName,
};
use crate::kit::audit;

/// An event to record.
pub(crate) type Act = audit::AuditRecord<AuditEvent>;
