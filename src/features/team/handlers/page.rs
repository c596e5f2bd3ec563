use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

use super::forms::{InviteForm, RequirementForm, RoleForm};
use crate::features::auth::pages::MerchantPage;
use crate::features::team::{self, InvitationRow, MemberRow};
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::session::Role;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::Version;
use crate::kit::web::{ok, rejected};

#[derive(Template)]
#[template(path = "settings/team.html")]
struct TeamPage {
    page: MerchantPage,
    members: Vec<MemberRow>,
    invitations: Vec<InvitationRow>,
    requires_two_factor: bool,
    form: InviteForm,
    errors: FormErrors,
    now: DateTime<Utc>,
}

impl TeamPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn is_owner(&self) -> bool {
        self.page.member_context.role == Role::Owner
    }

    fn is_oneself(&self, row: &MemberRow) -> bool {
        row.person.id == self.page.member_context.person.id
    }

    fn has(row: &MemberRow, role: &Role) -> bool {
        row.role == *role
    }

    /// Whether the errors are about the invitation, not about a member or the program.
    fn is_invitation_rejected(&self) -> bool {
        ["email", "role"].iter().any(|field| !self.errors.of(field).is_empty())
    }

    fn version(row: &MemberRow) -> Version {
        RoleForm::of(row.role).version
    }

    fn requirement_version(&self) -> Version {
        RequirementForm::of(self.requires_two_factor).version
    }

    /// When the link expires, if it still works.
    fn works_until(&self, row: &InvitationRow) -> Option<DisplayTime> {
        row.expires_at.filter(|until| *until > self.now).map(|until| self.when(&until))
    }

    fn roles() -> Vec<(&'static str, String)> {
        Role::ALL
            .iter()
            .map(|role| {
                let may = match role {
                    Role::Owner => "full access",
                    Role::Admin => "can’t manage members, API keys or privacy",
                    Role::Viewer => "read-only",
                };
                (role.as_str(), format!("{} ({may})", role.label()))
            })
            .collect()
    }
}

/// Shows the page, with the form's errors.
pub(super) async fn answer(
    db: &Db,
    page: MerchantPage,
    form: InviteForm,
    errors: FormErrors,
) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let (members, invitations) = db
        .merchant(merchant_id, move |conn| {
            let members = team::members(conn, merchant_id)?;
            diesel::QueryResult::Ok((members, team::open_invitations(conn, merchant_id)?))
        })
        .await?;
    let requires_two_factor = page.member_context.requires_two_factor;
    let now = clock::now();
    let is_fine = errors.is_empty();
    let shown = TeamPage { page, members, invitations, requires_two_factor, form, errors, now };
    if is_fine { ok(&shown) } else { rejected(&shown) }
}
