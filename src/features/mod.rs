//! One module per noun of the product: what it is, what can be done with it, its pages.

/// Ends access of people and merchants, and gives it back.
pub mod accounts;
/// Who promotes the merchant.
pub mod affiliates;
/// The REST API.
pub mod api;
/// What applicants sent, and the codes that were asked for.
pub mod applications;
/// The events of the audit log and their sentences.
pub(crate) mod audit;
/// People: signing in and out, sessions, passwords, roles, who may reach which route.
pub mod auth;
/// Whether a code is available: one decision for every way to get one.
pub mod availability;
/// Orders that are read from the store itself, because messages get lost.
pub(crate) mod backfills;
/// Coupon codes that affiliates ask for.
pub mod code_requests;
/// What Vouch and the stores have of each other's codes.
pub mod code_syncs;
/// Credits: one affiliate's share in one order, or an amount given by hand.
pub mod conversions;
/// What changed, and what needs somebody.
pub(crate) mod dashboard;
/// Emails: what they say, and the workers that send them.
pub mod emails;
/// Coupon codes that affiliates may not claim.
pub mod exclusions;
/// How an empty installation gets its first program.
pub mod first_run;
/// Webhooks of stores.
pub(crate) mod hooks;
/// Conversion triggers from CSV files.
pub mod imports;
/// What stores say of orders, taken in.
pub mod ingest;
/// Tenants: one affiliate program each.
pub mod merchants;
/// The commission terms that affiliates are on.
pub mod offers;
/// What stores report of orders.
pub(crate) mod orders;
/// The affiliate's side of a program.
pub(crate) mod portal;
/// Personal data: export, erasure, and how long it is kept.
pub mod privacy;
/// Codes on their way into the merchants' stores.
pub mod pushes;
/// Requests to recalculate orders.
pub mod recalculations;
/// How somebody becomes an affiliate: Channels > Affiliate Registration, and the public page.
pub mod registration;
/// Figures that are kept, not counted.
pub mod rollups;
/// What a merchant can set: Account > Settings.
pub(crate) mod settings;
/// Who does it.
pub mod store_workers;
/// Connections to store platforms.
pub mod stores;
/// The pages of support staff.
pub(crate) mod support;
/// What the last checks of the stores say of triggers.
pub mod sync_notes;
/// Who works for a merchant, and who is invited to.
pub mod team;
/// What ties orders to an affiliate.
pub mod triggers;
