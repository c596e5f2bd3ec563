use std::collections::BTreeSet;

use diesel::prelude::*;
use vouch_core::email::EmailKey;

use crate::features::triggers::TriggerKind;
use crate::kit::audit::SubjectKind;
use crate::kit::db::schema::{
    affiliate_emails, affiliates, api_keys, applications, audit_log, invitations, members, orders,
    triggers, users,
};
use crate::kit::email::email_key;
use crate::kit::pseudonyms::is_pseudonym;

/// The criteria to look a person up within one merchant.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// As typed, in any spelling.
    pub emails: Vec<String>,
    /// Their orders in a store, by the store's own IDs.
    pub orders: Option<(i64, Vec<String>)>,
    /// A store sent the request, so a member stays a member, whatever they bought.
    pub keeps_members: bool,
    /// The second pass, for data that was being processed during the first. Bodies without an order
    /// are searched even if nothing else is found.
    pub is_repeat: bool,
}

impl Lookup {
    pub fn by_email(email: &str) -> Self {
        Self { emails: vec![email.to_owned()], ..Self::default() }
    }
}

/// The account that a person signs in with.
#[derive(Clone, Debug)]
pub(crate) struct UserAccount {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// Whether they're a member of the merchant's team now.
    pub(crate) is_member: bool,
}

/// All data of one merchant about a person.
#[derive(Clone, Debug, Default)]
pub(crate) struct DataSubject {
    /// The emails searched for, as keys.
    asked: BTreeSet<String>,
    /// The emails they're known by, as keys.
    pub(crate) mailboxes: BTreeSet<String>,
    /// The same emails as typed.
    pub(crate) spellings: BTreeSet<String>,
    /// Their names as an affiliate, an applicant or a member.
    pub(crate) names: BTreeSet<String>,
    pub(crate) affiliate_ids: Vec<i64>,
    pub(crate) application_ids: Vec<i64>,
    pub(crate) invitation_ids: Vec<i64>,
    /// Customer Email triggers with one of their emails.
    pub(crate) trigger_ids: Vec<i64>,
    /// Orders they placed.
    pub(crate) order_ids: Vec<i64>,
    pub(crate) login: Option<UserAccount>,
}

impl DataSubject {
    /// Searches all data of the merchant that can name people. All emails that an affiliate was
    /// ever known by count for orders and triggers. They don't lead to other affiliates, because
    /// two can share a payout email or have it one after the other.
    pub(crate) fn find(
        conn: &mut PgConnection,
        merchant_id: i64,
        lookup: &Lookup,
    ) -> QueryResult<Self> {
        let mut person = Self::default();
        for email in &lookup.emails {
            person.add_email(email);
        }
        person.asked = person.mailboxes.clone();
        person.find_affiliates(conn, merchant_id)?;
        person.find_applications(conn, merchant_id)?;
        person.find_login(conn, merchant_id, lookup)?;
        person.find_invitations(conn, merchant_id)?;
        person.find_triggers(conn, merchant_id)?;
        person.find_orders(conn, merchant_id, lookup)?;
        Ok(person)
    }

    /// Whether the merchant has no data about them.
    pub(crate) fn is_unknown(&self) -> bool {
        self.affiliate_ids.is_empty()
            && self.application_ids.is_empty()
            && self.invitation_ids.is_empty()
            && self.trigger_ids.is_empty()
            && self.order_ids.is_empty()
            && self.login.is_none()
    }

    /// Adds emails that they're also known by.
    pub(super) fn add_emails(&mut self, emails: &[String]) {
        emails.iter().for_each(|email| self.add_email(email));
    }

    fn add_email(&mut self, email: &str) {
        let Ok(key) = EmailKey::parse(email) else { return };
        if !is_pseudonym(key.as_str()) {
            self.spellings.insert(email.trim().to_owned());
            self.mailboxes.insert(key.as_str().to_owned());
        }
    }

    fn add_name(&mut self, name: &str) {
        if !name.trim().is_empty() {
            self.names.insert(name.trim().to_owned());
        }
    }

    fn is_asked(&self, email: &str) -> bool {
        EmailKey::parse(email).is_ok_and(|key| self.asked.contains(key.as_str()))
    }

    fn is_theirs(&self, email: &str) -> bool {
        EmailKey::parse(email).is_ok_and(|key| self.mailboxes.contains(key.as_str()))
    }

    fn keys(lookup: &Lookup) -> Vec<String> {
        lookup.emails.iter().map(|email| email_key(email)).collect()
    }

    fn find_affiliates(&mut self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
        let known: Vec<(i64, String, Vec<Option<String>>)> = affiliate_emails::table
            .filter(affiliate_emails::merchant_id.eq(merchant_id))
            .select((
                affiliate_emails::affiliate_id,
                affiliate_emails::kind,
                affiliate_emails::emails,
            ))
            .load(conn)?;
        let own = known.iter().filter(|(_, kind, _)| kind == "own");
        let ids: BTreeSet<i64> = own
            .filter(|(.., emails)| emails.iter().flatten().any(|email| self.is_asked(email)))
            .map(|(id, ..)| *id)
            .collect();
        for (id, _, emails) in &known {
            if ids.contains(id) {
                emails.iter().flatten().for_each(|email| self.add_email(email));
            }
        }
        self.affiliate_ids = ids.into_iter().collect();
        let rows: Vec<(String, String)> = affiliates::table
            .filter(affiliates::merchant_id.eq(merchant_id))
            .filter(affiliates::id.eq_any(&self.affiliate_ids))
            .filter(affiliates::erased_at.is_null())
            .select((affiliates::name, affiliates::email))
            .load(conn)?;
        for (name, email) in rows {
            self.add_name(&name);
            self.add_email(&email);
        }
        self.add_former_names(conn, merchant_id)
    }

    /// Adds their former names, as far as the audit log contains them.
    fn add_former_names(&mut self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
        type Changed = (Option<serde_json::Value>, Option<serde_json::Value>);
        let changes: Vec<Changed> = audit_log::table
            .filter(audit_log::merchant_id.eq(merchant_id))
            .filter(audit_log::subject_kind.eq(SubjectKind::Affiliate))
            .filter(audit_log::subject_id.eq_any(&self.affiliate_ids))
            .select((audit_log::before, audit_log::after))
            .load(conn)?;
        for fields in changes.into_iter().flat_map(|(before, after)| [before, after]).flatten() {
            if let Some(name) = fields.get("name").and_then(|name| name.as_str()) {
                self.add_name(name);
            }
        }
        Ok(())
    }

    fn find_applications(&mut self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
        let rows: Vec<(i64, String, String, Option<i64>)> = applications::table
            .filter(applications::merchant_id.eq(merchant_id))
            .select((
                applications::id,
                applications::email,
                applications::name,
                applications::affiliate_id,
            ))
            .load(conn)?;
        let mut ids = Vec::new();
        for (id, email, name, affiliate_id) in rows {
            let is_of_affiliate = affiliate_id.is_some_and(|id| self.affiliate_ids.contains(&id));
            // A row with a pseudonym is already erased.
            if !is_pseudonym(&email) && (is_of_affiliate || self.is_asked(&email)) {
                ids.push(id);
                self.add_name(&name);
                self.add_email(&email);
            }
        }
        self.application_ids = ids;
        Ok(())
    }

    /// The account counts only if it has or had a membership in this merchant. The merchant must
    /// not learn whether an email has an account elsewhere.
    fn find_login(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: i64,
        lookup: &Lookup,
    ) -> QueryResult<()> {
        let of_affiliates: Vec<Option<i64>> = affiliates::table
            .filter(affiliates::merchant_id.eq(merchant_id))
            .filter(affiliates::id.eq_any(&self.affiliate_ids))
            .select(affiliates::user_id)
            .load(conn)?;
        let by_key: Option<i64> = users::table
            .filter(users::email_key.eq_any(Self::keys(lookup)))
            .select(users::id)
            .first(conn)
            .optional()?;
        let found = of_affiliates.into_iter().flatten().next();
        let found = match (found, by_key) {
            (Some(id), _) => Some(id),
            (None, Some(id)) if is_involved(conn, merchant_id, id)? => Some(id),
            (None, _) => None,
        };
        let Some(user_id) = found else { return Ok(()) };
        let (name, email): (String, String) =
            users::table.find(user_id).select((users::name, users::email)).first(conn)?;
        if is_pseudonym(&email) {
            return Ok(());
        }
        let is_member: bool =
            diesel::select(diesel::dsl::exists(members::table.find((merchant_id, user_id))))
                .get_result(conn)?;
        if is_member && lookup.keeps_members {
            return Ok(());
        }
        self.add_name(&name);
        self.add_email(&email);
        self.login = Some(UserAccount { id: user_id, name, is_member });
        Ok(())
    }

    fn find_invitations(&mut self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
        let rows: Vec<(i64, String)> = invitations::table
            .filter(invitations::merchant_id.eq(merchant_id))
            .select((invitations::id, invitations::email))
            .load(conn)?;
        self.invitation_ids =
            rows.into_iter().filter(|(_, email)| self.is_asked(email)).map(|(id, _)| id).collect();
        Ok(())
    }

    fn find_triggers(&mut self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
        let rows: Vec<(i64, String)> = triggers::table
            .filter(triggers::merchant_id.eq(merchant_id))
            .filter(triggers::kind.eq(TriggerKind::CustomerEmail))
            .select((triggers::id, triggers::value))
            .load(conn)?;
        let mut ids = Vec::new();
        for (id, value) in rows {
            if self.is_theirs(&value) {
                self.spellings.insert(value);
                ids.push(id);
            }
        }
        self.trigger_ids = ids;
        Ok(())
    }

    fn find_orders(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: i64,
        lookup: &Lookup,
    ) -> QueryResult<()> {
        let of_merchant = || orders::table.filter(orders::merchant_id.eq(merchant_id));
        let mut ids: BTreeSet<i64> = of_merchant()
            .filter(orders::customer_email_key.eq_any(&self.mailboxes))
            .select(orders::id)
            .load(conn)?
            .into_iter()
            .collect();
        if let Some((store_id, refs)) = &lookup.orders {
            let named: Vec<i64> = of_merchant()
                .filter(orders::store_id.eq(store_id))
                .filter(orders::order_ref.eq_any(refs))
                .select(orders::id)
                .load(conn)?;
            ids.extend(named);
        }
        self.order_ids = ids.into_iter().collect();
        let typed: Vec<Option<String>> = of_merchant()
            .filter(orders::id.eq_any(&self.order_ids))
            .select(orders::customer_email)
            .distinct()
            .load(conn)?;
        for email in typed.into_iter().flatten() {
            // Orders that a store names can have another email, which isn't searched.
            if self.is_theirs(&email) {
                self.spellings.insert(email);
            }
        }
        Ok(())
    }
}

fn is_involved(conn: &mut PgConnection, merchant_id: i64, user_id: i64) -> QueryResult<bool> {
    use diesel::dsl::{exists, select};
    let is_member = select(exists(members::table.find((merchant_id, user_id)))).get_result(conn)?;
    if is_member {
        return Ok(true);
    }
    let acted = audit_log::table
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(audit_log::actor_user_id.eq(user_id));
    let invited = invitations::table
        .filter(invitations::merchant_id.eq(merchant_id))
        .filter(invitations::invited_by.eq(user_id));
    let created = api_keys::table
        .filter(api_keys::merchant_id.eq(merchant_id))
        .filter(api_keys::created_by.eq(user_id));
    for found in [
        select(exists(acted)).get_result(conn)?,
        select(exists(invited)).get_result(conn)?,
        select(exists(created)).get_result::<bool>(conn)?,
    ] {
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
