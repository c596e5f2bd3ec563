//! The sentences of the audit log.

/// Labels of actions, for events without parameters.
mod labels;
/// What the sentences name.
mod names;

use vouch_core::calendar::Calendar;
use vouch_core::conversion::{DenialReason, Review};
use vouch_core::money::format_money;

pub(super) use self::labels::{erased, label, unknown};
use self::names::{
    affiliate_with_article, listed, lower, order_words, role_with_article, titled, with_note,
    with_reason,
};
use super::event::AuditEvent;
use crate::kit::web::numbers::counted;

impl AuditEvent {
    /// The event in one sentence. Moments are in the merchant's time zone and format.
    // One line per event reads better in one list than spread over several functions.
    pub(crate) fn text(&self, calendar: Calendar) -> String {
        match self {
            Self::AffiliateAccountCreated { affiliate } => {
                format!("Created an account for {affiliate}.")
            }
            Self::AffiliateChanged { affiliate, fields } => {
                format!("Changed the {} of {affiliate}.", listed(fields))
            }
            Self::AffiliateAdded { affiliate, status } => {
                format!("Added {affiliate} as {}.", affiliate_with_article(*status))
            }
            Self::AffiliateStatusChanged { affiliate, from, to } => {
                format!("Changed {affiliate} from {} to {}.", lower(from), lower(to))
            }
            Self::AffiliateStatusUndone { affiliate, from, to } => {
                format!("Changed {affiliate} back from {} to {}.", lower(from), lower(to))
            }
            Self::ApiKeyCreated { name, hint } => {
                format!("Created the API key {name}, which ends in {hint}.")
            }
            Self::ApiKeyRevoked { name, because } => {
                format!("Revoked the API key {name}{because}.")
            }
            Self::AuditLogErased => "Erased a person from the audit log and the ledger.".to_owned(),
            Self::CalculationChanged => "Changed the Calculation Logic for new orders.".to_owned(),
            Self::CodeRequestApproved { code } => format!("Approved the request for {code}."),
            Self::CodeRequestDenied { code } => format!("Denied the request for {code}."),
            Self::CodeRequested { code, is_again: false } => format!("Requested {code}."),
            Self::CodeRequested { code, is_again: true } => {
                format!("Reopened the request for {code}.")
            }
            Self::CodeRequestWithdrawn { code } => format!("Withdrew the request for {code}."),
            Self::ManualCreditAdded { affiliate, amount_minor, currency, note } => {
                let amount = format_money(amount_minor.saturating_abs(), *currency);
                let what = match *amount_minor < 0 {
                    true => format!("Deducted {amount} from {affiliate}"),
                    false => format!("Credited {amount} to {affiliate}"),
                };
                format!("{what}{}.", with_note(note))
            }
            Self::ConversionOverruled { conversion, reason, note } => {
                let what = match reason {
                    Some(reason) => format!("Overrode “{reason}” for {conversion}"),
                    None => format!("Overrode the rules for {conversion}"),
                };
                format!("{what}{}.", with_note(note))
            }
            Self::OverrulingUndone { conversion } => {
                format!("Undid the override for {conversion}.")
            }
            Self::ConversionReviewed { .. } => self.review(),
            Self::CouponExclusionsTurnedOff { reason } => {
                format!("Turned off Coupon Exclusions{}.", with_reason(reason))
            }
            Self::CouponExclusionsTurnedOn { reason } => {
                format!("Turned on Coupon Exclusions{}.", with_reason(reason))
            }
            Self::DataRequestCompleted => "Completed a customer’s data request.".to_owned(),
            Self::DataRequestReceived => {
                "Received a customer’s data request from the store.".to_owned()
            }
            Self::DeliveryRetried { topic } => format!("Retried the webhook {topic}."),
            Self::EmailRetried => "Retried a failed email.".to_owned(),
            Self::EmailViewed { subject, recipient } => {
                format!("Viewed the email “{subject}” to {recipient}.")
            }
            Self::ExclusionAdded { value } => format!("Added the exclusion {value}."),
            Self::ExclusionChanged { from, to } if from == to => {
                format!("Changed the exclusion {to}.")
            }
            Self::ExclusionChanged { from, to } => {
                format!("Changed the exclusion {from} to {to}.")
            }
            Self::ExclusionRemoved { value } => format!("Removed the exclusion {value}."),
            Self::ExclusionRestored { value } => format!("Restored the exclusion {value}."),
            Self::ExclusionsImported { count } => {
                format!("Imported {} from a CSV file.", counted(*count, "exclusion", "exclusions"))
            }
            Self::ExportDownloaded { file } => format!("Downloaded {file}."),
            Self::InvitationAccepted { email } => {
                format!("Accepted the invitation sent to {email}.")
            }
            Self::MemberInvited { email, role } => {
                format!("Invited {email} as {}.", role_with_article(*role))
            }
            Self::InvitationResent { email } => format!("Resent the invitation to {email}."),
            Self::InvitationWithdrawn { email, lost_sender: false } => {
                format!("Withdrew the invitation to {email}.")
            }
            Self::InvitationWithdrawn { email, lost_sender: true } => format!(
                "Withdrew the invitation to {email} because its sender is no longer an owner."
            ),
            Self::JobRetried(work) => format!("Retried {work}."),
            Self::MemberAdded { role } => {
                format!("Added a member as {}.", role_with_article(*role))
            }
            Self::AccountDisabled { name } => format!("Disabled the account of {name}."),
            Self::AccountEnabled { name } => format!("Enabled the account of {name}."),
            Self::MemberRemoved { left: true, .. } => "Left the program.".to_owned(),
            Self::MemberRemoved { name, left: false } => format!("Removed {name} from the team."),
            Self::RoleChanged { name, from, to } => {
                format!("Changed the role of {name} from {} to {}.", lower(from), lower(to))
            }
            Self::MemberSignedOut { name } => format!("Ended all sessions of {name}."),
            Self::GeneralSettingsChanged => "Changed the general settings.".to_owned(),
            Self::ProgramClosed => "Closed the program.".to_owned(),
            Self::ProgramCreated { name } => format!("Created the program {name}."),
            Self::ProgramReopened => "Reopened the program.".to_owned(),
            Self::OfferArchived { name } => format!("Archived the offer {name}."),
            Self::OfferChanged { name, commission: Some(commission) } => {
                format!("Changed the offer {name} to {commission} for new orders.")
            }
            Self::OfferChanged { name, commission: None } => format!("Changed the offer {name}."),
            Self::OfferCreated { name, commission } => {
                format!("Created the offer {name} with {commission}.")
            }
            Self::OfferRestored { name } => format!("Restored the offer {name}."),
            Self::OrderCredited { order, affiliate, note } => {
                format!("Credited {} to {affiliate}{}.", order_words(order), with_note(note))
            }
            Self::ManualCreditRemoved { order } => {
                format!("Removed the manual credit of {}.", order_words(order))
            }
            Self::PersonErased => "Erased a person’s data.".to_owned(),
            Self::PersonExported => "Exported a person’s data.".to_owned(),
            Self::PushesRetried { count } => {
                format!("Retried creating {}.", counted(*count, "failed code", "failed codes"))
            }
            Self::PushAttached { code, store } => {
                format!("Linked {code} to the code that {store} already had.")
            }
            Self::MissingCodesRetried { count, store } => {
                format!(
                    "Retried creating {} in {store}.",
                    counted(*count, "missing code", "missing codes")
                )
            }
            Self::PushRetried { code, store } => format!("Retried creating {code} in {store}."),
            Self::RegistrationChanged { was_open: false, is_open: true } => {
                "Opened Affiliate Registration.".to_owned()
            }
            Self::RegistrationChanged { was_open: true, is_open: false } => {
                "Closed Affiliate Registration.".to_owned()
            }
            Self::RegistrationChanged { .. } => "Changed Affiliate Registration.".to_owned(),
            Self::RetentionChanged => "Changed the retention periods.".to_owned(),
            Self::SyncCheckRequested { store } => {
                format!("Requested a check of the codes in {store}.")
            }
            Self::StoreConnected { platform, store, is_again: false } => {
                format!("Connected {}.", titled(store, *platform))
            }
            Self::StoreConnected { platform, store, is_again: true } => {
                format!("Reconnected {}.", titled(store, *platform))
            }
            Self::CountedCodesChanged { store } => {
                format!("Changed the codes to watch in {store}.")
            }
            Self::CredentialsSaved { store } => format!("Saved the API credentials of {store}."),
            Self::StoreCustomersErased => {
                "Erased the customer data of a disconnected store.".to_owned()
            }
            Self::StoreDisconnected { platform, store } => {
                format!("Disconnected {}.", titled(store, *platform))
            }
            Self::DiscountRulesChanged { store, was_on: false, is_on: true } => {
                format!("Turned on discount code creation in {store}.")
            }
            Self::DiscountRulesChanged { store, was_on: true, is_on: false } => {
                format!("Turned off discount code creation in {store}.")
            }
            Self::DiscountRulesChanged { store, .. } => {
                format!("Changed the discount settings of {store}.")
            }
            Self::StoreErasureRequested => {
                "Received the store’s request to erase its customer data.".to_owned()
            }
            Self::OrderImportRequested { store, from, until } => {
                let day = |at| calendar.date(calendar.date_of(at));
                let (from, until) = (day(*from), day(*until));
                format!("Requested orders of {store} from {from} to {until}.")
            }
            Self::PreviousSecretRemoved { store } => {
                format!("Removed the previous webhook secret of {store}.")
            }
            Self::ReturnRulesChanged { store } => {
                format!("Changed how cancellations and refunds in {store} affect commission.")
            }
            Self::SecretReplaced { store } => format!("Replaced the webhook secret of {store}."),
            Self::ViewStarted { name } => format!("Started viewing the program as {name}."),
            Self::ViewStopped { name } => format!("Stopped viewing the program as {name}."),
            Self::TwoFactorRequirementChanged { is_required: true } => {
                "Required two-factor sign-in for every member.".to_owned()
            }
            Self::TwoFactorRequirementChanged { is_required: false } => {
                "Stopped requiring two-factor sign-in.".to_owned()
            }
            Self::TriggerCreated { trigger, affiliate, exclusion: None } => {
                format!("Created {trigger} for {affiliate}.")
            }
            Self::TriggerCreated { trigger, affiliate, exclusion: Some(exclusion) } => {
                format!("Created {trigger} for {affiliate} and overrode the exclusion {exclusion}.")
            }
            Self::ReassignmentCanceled { trigger, affiliate } => {
                format!("Canceled the scheduled reassignment of {trigger} from {affiliate}.")
            }
            Self::ReassignmentScheduled { trigger, from, to, at } => {
                let at = calendar.moment(*at);
                format!("Scheduled the reassignment of {trigger} from {from} to {to} for {at}.")
            }
            Self::TriggersImported { count, file, overridden } => {
                let triggers = counted(*count, "trigger", "triggers");
                let overrode = match overridden {
                    0 => String::new(),
                    _ => format!(
                        " and overrode exclusions for {}",
                        counted(*overridden, "code", "codes")
                    ),
                };
                format!("Imported {triggers} from {file}{overrode}.")
            }
            Self::TriggerMerged { trigger } => {
                format!("Retired {trigger} because another trigger has the same value.")
            }
            Self::TriggerReassigned { trigger, from, to, was_scheduled: false } => {
                format!("Reassigned {trigger} from {from} to {to}.")
            }
            Self::TriggerReassigned { trigger, from, to, was_scheduled: true } => {
                format!("Reassigned {trigger} from {from} to {to} as scheduled.")
            }
            Self::TriggerReinstated { trigger } => format!("Reinstated {trigger}."),
            Self::TriggerRetired { trigger } => format!("Retired {trigger}."),
        }
    }

    /// A member's review of a conversion.
    fn review(&self) -> String {
        let Self::ConversionReviewed { conversion, review, denial_reason, is_fraud, is_undo, note } =
            self
        else {
            return String::new();
        };
        let what = match (*is_undo, *is_fraud, *review, *denial_reason) {
            (true, ..) => format!("Undid the last review of {conversion}"),
            (false, true, ..) => format!("Denied the order of {conversion} as fraud"),
            (false, false, None, _) => format!("Removed the review of {conversion}"),
            (false, false, Some(Review::Approved), _) => format!("Approved {conversion}"),
            (false, false, Some(Review::Pending), _) => format!("Set {conversion} to pending"),
            (false, false, Some(Review::Denied), None | Some(DenialReason::Other)) => {
                format!("Denied {conversion}")
            }
            (false, false, Some(Review::Denied), Some(reason)) => {
                format!("Denied {conversion} as “{reason}”")
            }
        };
        format!("{what}{}.", with_note(note))
    }
}
