use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouch_core::affiliate::AffiliateStatus;
use vouch_core::attribution::Commission;
use vouch_core::conversion::{DenialReason, Review, UnqualifiedReason};
use vouch_core::money::Currency;
use vouch_core::platform::Platform;
use vouch_core::trigger::TriggerKind;

use crate::kit::session::Role;

/// Every event of the audit log, with its parameters. Rows store both, so a name here never changes,
/// and a new parameter needs a default.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "action")]
pub(crate) enum AuditEvent {
    #[serde(rename = "affiliate.account_made")]
    AffiliateAccountCreated { affiliate: String },
    #[serde(rename = "affiliate.changed")]
    AffiliateChanged { affiliate: String, fields: Vec<AffiliateField> },
    #[serde(rename = "affiliate.created")]
    AffiliateAdded { affiliate: String, status: AffiliateStatus },
    #[serde(rename = "affiliate.status_changed")]
    AffiliateStatusChanged { affiliate: String, from: AffiliateStatus, to: AffiliateStatus },
    #[serde(rename = "affiliate.status_undone")]
    AffiliateStatusUndone { affiliate: String, from: AffiliateStatus, to: AffiliateStatus },
    #[serde(rename = "api_key.created")]
    ApiKeyCreated {
        name: String,
        /// The last characters of the key.
        hint: String,
    },
    #[serde(rename = "api_key.revoked")]
    ApiKeyRevoked { name: String, because: KeyRevocation },
    #[serde(rename = "audit_log.erased")]
    AuditLogErased,
    #[serde(rename = "calculation.changed")]
    CalculationChanged,
    #[serde(rename = "code_request.approved")]
    CodeRequestApproved { code: String },
    #[serde(rename = "code_request.denied")]
    CodeRequestDenied { code: String },
    #[serde(rename = "code_request.opened")]
    CodeRequested {
        code: String,
        /// Whether it was denied before.
        is_again: bool,
    },
    #[serde(rename = "code_request.withdrawn")]
    CodeRequestWithdrawn { code: String },
    #[serde(rename = "conversion.given")]
    ManualCreditAdded {
        affiliate: String,
        /// Negative if it was deducted.
        amount_minor: i64,
        currency: Currency,
        note: String,
    },
    #[serde(rename = "conversion.overruled")]
    ConversionOverruled {
        conversion: ConversionName,
        reason: Option<UnqualifiedReason>,
        note: String,
    },
    #[serde(rename = "conversion.overruling_undone")]
    OverrulingUndone { conversion: ConversionName },
    #[serde(rename = "conversion.reviewed")]
    ConversionReviewed {
        conversion: ConversionName,
        /// `None` if it has no review now.
        review: Option<Review>,
        denial_reason: Option<DenialReason>,
        /// Whether its order was denied as fraud just now.
        is_fraud: bool,
        /// Whether a former review applies again.
        is_undo: bool,
        note: String,
    },
    #[serde(rename = "coupon_exclusions.disabled")]
    CouponExclusionsTurnedOff { reason: String },
    #[serde(rename = "coupon_exclusions.enabled")]
    CouponExclusionsTurnedOn { reason: String },
    #[serde(rename = "data_request.completed")]
    DataRequestCompleted,
    #[serde(rename = "data_request.received")]
    DataRequestReceived,
    #[serde(rename = "delivery.replayed")]
    DeliveryRetried { topic: String },
    #[serde(rename = "email.retried")]
    EmailRetried,
    #[serde(rename = "email.revealed")]
    EmailViewed { subject: String, recipient: String },
    #[serde(rename = "exclusion.added")]
    ExclusionAdded { value: String },
    #[serde(rename = "exclusion.changed")]
    ExclusionChanged { from: String, to: String },
    #[serde(rename = "exclusion.removed")]
    ExclusionRemoved { value: String },
    #[serde(rename = "exclusion.restored")]
    ExclusionRestored { value: String },
    #[serde(rename = "exclusion.uploaded")]
    ExclusionsImported { count: usize },
    /// `kit::web::csv` records it.
    #[serde(rename = "export.downloaded")]
    ExportDownloaded { file: String },
    #[serde(rename = "invitation.accepted")]
    InvitationAccepted { email: String },
    #[serde(rename = "invitation.created")]
    MemberInvited { email: String, role: Role },
    #[serde(rename = "invitation.sent")]
    InvitationResent { email: String },
    #[serde(rename = "invitation.withdrawn")]
    InvitationWithdrawn {
        email: String,
        /// Whether its sender is no longer an owner.
        lost_sender: bool,
    },
    #[serde(rename = "job.retried")]
    JobRetried(RetriedWork),
    #[serde(rename = "member.added")]
    MemberAdded { role: Role },
    #[serde(rename = "member.disabled")]
    AccountDisabled { name: String },
    #[serde(rename = "member.enabled")]
    AccountEnabled { name: String },
    #[serde(rename = "member.removed")]
    MemberRemoved {
        name: String,
        /// Whether the member left.
        left: bool,
    },
    #[serde(rename = "member.role_changed")]
    RoleChanged { name: String, from: Role, to: Role },
    #[serde(rename = "member.signed_out")]
    MemberSignedOut { name: String },
    #[serde(rename = "merchant.changed")]
    GeneralSettingsChanged,
    #[serde(rename = "merchant.closed")]
    ProgramClosed,
    #[serde(rename = "merchant.created")]
    ProgramCreated { name: String },
    #[serde(rename = "merchant.reopened")]
    ProgramReopened,
    #[serde(rename = "offer.archived")]
    OfferArchived { name: String },
    #[serde(rename = "offer.changed")]
    OfferChanged {
        name: String,
        /// The new one, if the terms changed.
        commission: Option<Commission>,
    },
    #[serde(rename = "offer.created")]
    OfferCreated { name: String, commission: Commission },
    #[serde(rename = "offer.restored")]
    OfferRestored { name: String },
    #[serde(rename = "order.credited_by_hand")]
    OrderCredited { order: Option<String>, affiliate: String, note: String },
    #[serde(rename = "order.manual_credit_removed")]
    ManualCreditRemoved { order: Option<String> },
    #[serde(rename = "person.erased")]
    PersonErased,
    #[serde(rename = "person.exported")]
    PersonExported,
    #[serde(rename = "push.all_retried")]
    PushesRetried { count: usize },
    #[serde(rename = "push.attached")]
    PushAttached { code: String, store: String },
    #[serde(rename = "push.missing_sent")]
    MissingCodesRetried { count: usize, store: String },
    #[serde(rename = "push.retried")]
    PushRetried { code: String, store: String },
    #[serde(rename = "registration.changed")]
    RegistrationChanged { was_open: bool, is_open: bool },
    #[serde(rename = "retention.changed")]
    RetentionChanged,
    #[serde(rename = "store.comparison_asked_for")]
    SyncCheckRequested { store: String },
    #[serde(rename = "store.connected")]
    StoreConnected { platform: Platform, store: String, is_again: bool },
    #[serde(rename = "store.counted_codes_set")]
    CountedCodesChanged { store: String },
    #[serde(rename = "store.credentials_set")]
    CredentialsSaved { store: String },
    #[serde(rename = "store.customers_erased")]
    StoreCustomersErased,
    #[serde(rename = "store.disconnected")]
    StoreDisconnected { platform: Platform, store: String },
    #[serde(rename = "store.discount_rules_set")]
    DiscountRulesChanged { store: String, was_on: bool, is_on: bool },
    #[serde(rename = "store.erasure_requested")]
    StoreErasureRequested,
    #[serde(rename = "store.orders_asked_for")]
    OrderImportRequested {
        store: String,
        from: DateTime<Utc>,
        /// Included.
        until: DateTime<Utc>,
    },
    #[serde(rename = "store.previous_secret_removed")]
    PreviousSecretRemoved { store: String },
    #[serde(rename = "store.return_rules_changed")]
    ReturnRulesChanged { store: String },
    #[serde(rename = "store.secret_replaced")]
    SecretReplaced { store: String },
    #[serde(rename = "support.view_began")]
    ViewStarted { name: String },
    #[serde(rename = "support.view_ended")]
    ViewStopped { name: String },
    #[serde(rename = "team.two_factor_changed")]
    TwoFactorRequirementChanged { is_required: bool },
    #[serde(rename = "trigger.created")]
    TriggerCreated {
        trigger: TriggerName,
        affiliate: String,
        /// The exclusion that was overridden.
        exclusion: Option<String>,
    },
    #[serde(rename = "trigger.handover_cancelled")]
    ReassignmentCanceled { trigger: TriggerName, affiliate: String },
    #[serde(rename = "trigger.handover_scheduled")]
    ReassignmentScheduled { trigger: TriggerName, from: String, to: String, at: DateTime<Utc> },
    #[serde(rename = "trigger.imported")]
    TriggersImported {
        count: i32,
        file: String,
        /// How many of them override exclusions.
        overridden: usize,
    },
    #[serde(rename = "trigger.merged")]
    TriggerMerged { trigger: TriggerName },
    #[serde(rename = "trigger.reassigned")]
    TriggerReassigned {
        trigger: TriggerName,
        from: String,
        to: String,
        /// Whether it was scheduled before.
        was_scheduled: bool,
    },
    #[serde(rename = "trigger.reinstated")]
    TriggerReinstated { trigger: TriggerName },
    #[serde(rename = "trigger.retired")]
    TriggerRetired { trigger: TriggerName },
}

/// A changed field of an affiliate. The log doesn't contain payout details.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AffiliateField {
    Name,
    Email,
    Offer,
    Note,
    PayoutDetails,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TriggerName {
    pub(crate) kind: TriggerKind,
    pub(crate) value: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum ConversionName {
    OfOrder { affiliate: String, order: Option<String> },
    ManualCredit { affiliate: String },
    Unnamed,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyRevocation {
    Member,
    CreatorLostAccess,
    ProgramClosed,
}

/// What a failed job does, if it has no event of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub(crate) enum RetriedWork {
    FetchOrder {
        /// As the store names it.
        order: String,
    },
    ReadRefunds,
    RetryDelivery,
}
