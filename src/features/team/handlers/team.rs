use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::forms::{InviteForm, RequirementForm, RoleForm};
use super::page::answer;
use crate::features::auth::pages::MerchantPage;
use crate::features::team::text;
use crate::features::team::{self, InviteError, MemberError};
use crate::kit::audit::SubjectKind;
use crate::kit::db::Db;
use crate::kit::email::EmailLimits;
use crate::kit::error::{AppError, AppResult};
use crate::kit::secrets::Encryptor;
use crate::kit::session::Role;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::see_other;
use crate::kit::web::version::{Edits as _, Record};

const HERE: &str = "/settings/team";

/// `GET /settings/team`
pub(crate) async fn index(db: Data<Db>, page: MerchantPage) -> AppResult<HttpResponse> {
    answer(&db, page, InviteForm::default(), FormErrors::new()).await
}

/// `POST /settings/team/invitations`
pub(crate) async fn invite(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    limits: Data<EmailLimits>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<InviteForm>,
) -> AppResult<HttpResponse> {
    let mut errors = FormErrors::new();
    errors.check_email("email", &form.email);
    let role = Role::parse(&form.role);
    if role.is_none() {
        errors.add("role", "Choose a role.");
    }
    let Some(role) = role.filter(|_| errors.is_empty()) else {
        return answer(&db, page, form, errors).await;
    };
    limits.take(page.merchant_id(), &form.email)?;
    let (actor, email) = (page.actor(), form.email.clone());
    let outcome = db
        .merchant(page.merchant_id(), move |conn| {
            match team::invite(conn, &actor, &encryptor, &email, role) {
                Err(InviteError::Database(error)) => Err(error),
                outcome => Ok(outcome),
            }
        })
        .await?;
    if let Err(refusal) = outcome {
        return answer(&db, page, form, FormErrors::one("email", refusal.to_string())).await;
    }
    page.done(text::invited(form.email.trim(), page.sends_email()))?;
    Ok(see_other(HERE))
}

/// `POST /settings/team/invitations/{invitation_id}/sending`
pub(crate) async fn resend(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    limits: Data<EmailLimits>,
    page: MerchantPage,
    invitation_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let email = db
        .merchant(page.merchant_id(), move |conn| -> AppResult<String> {
            let id = *invitation_id;
            limits.take(actor.merchant_id, &team::invited_address(conn, actor.merchant_id, id)?)?;
            Ok(team::resend(conn, &actor, &encryptor, id)?)
        })
        .await?;
    page.done(text::resent(&email, page.sends_email()))?;
    Ok(see_other(HERE))
}

/// `POST /settings/team/invitations/{invitation_id}/withdrawal`
pub(crate) async fn withdraw(
    db: Data<Db>,
    page: MerchantPage,
    invitation_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let email = db
        .merchant(page.merchant_id(), move |conn| team::withdraw(conn, &actor, *invitation_id))
        .await?;
    page.done(text::withdrawn(&email))?;
    Ok(see_other(HERE))
}

/// `POST /settings/team/members/{member_id}/role`
pub(crate) async fn change_role(
    db: Data<Db>,
    page: MerchantPage,
    member_id: Path<i64>,
    CsrfForm(form): CsrfForm<RoleForm>,
) -> AppResult<HttpResponse> {
    let Some(role) = Role::parse(&form.role) else {
        return Err(AppError::BadRequest(text::CHOOSE_ROLE.to_owned()));
    };
    let actor = page.actor();
    let outcome = db
        .merchant(page.merchant_id(), move |conn| {
            let merchant_id = actor.merchant_id;
            let action = Some("member.role_changed");
            let record =
                Record { merchant_id, kind: SubjectKind::Member, id: Some(*member_id), action };
            form.check_version(conn, record, |conn| {
                let members = team::members(conn, merchant_id)?;
                let member = members.iter().find(|member| member.person.id == *member_id);
                member.map(|member| RoleForm::of(member.role)).ok_or(diesel::NotFound)
            })?;
            AppResult::Ok(settled(team::change_role(conn, &actor, *member_id, role))?)
        })
        .await?;
    match outcome {
        Ok(member) => {
            let role = member.role.label().to_lowercase();
            page.done(text::role_changed(&member.person.name, &role))?;
            Ok(see_other(HERE))
        }
        Err(refusal) => refused(&db, page, refusal).await,
    }
}

/// `POST /settings/team/members/{member_id}/removal`
pub(crate) async fn remove(
    db: Data<Db>,
    page: MerchantPage,
    member_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let outcome = db
        .merchant(page.merchant_id(), move |conn| settled(team::remove(conn, &actor, *member_id)))
        .await?;
    match outcome {
        Ok(member) => {
            page.done(text::removed(&member.person.name))?;
            Ok(see_other(HERE))
        }
        Err(refusal) => refused(&db, page, refusal).await,
    }
}

/// `POST /settings/team/departure`: ends one's own membership.
pub(crate) async fn leave(
    db: Data<Db>,
    page: MerchantPage,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let outcome =
        db.merchant(page.merchant_id(), move |conn| settled(team::leave(conn, &actor))).await?;
    match outcome {
        Ok(()) => {
            crate::features::auth::sign_in::leave_program(page.session());
            page.leave(FlashKind::Success, text::left(page.merchant_name()))?;
            Ok(see_other("/programs"))
        }
        Err(refusal) => refused(&db, page, refusal).await,
    }
}

/// `POST /settings/team/two-factor`: sets whether members must use two-factor sign-in.
pub(crate) async fn require_two_factor(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<RequirementForm>,
) -> AppResult<HttpResponse> {
    let required = form.required == "true";
    if required && !page.member_context.person.has_two_factor() {
        let errors = FormErrors::one("required", text::SET_UP_YOURSELF);
        return answer(&db, page, InviteForm::default(), errors).await;
    }
    let actor = page.actor();
    db.merchant(page.merchant_id(), move |conn| {
        let id = actor.merchant_id;
        let action = Some("team.two_factor_changed");
        let record = Record { merchant_id: id, kind: SubjectKind::Merchant, id: Some(id), action };
        form.check_version(conn, record, |conn| {
            team::requires_two_factor(conn, id).map(RequirementForm::of)
        })?;
        AppResult::Ok(team::require_two_factor(conn, &actor, required)?)
    })
    .await?;
    page.done(match required {
        true => text::TWO_FACTOR_REQUIRED,
        false => text::TWO_FACTOR_OPTIONAL,
    })?;
    Ok(see_other(HERE))
}

/// Separates database errors, which are ours, from errors the person can fix.
fn settled<T>(
    outcome: Result<T, MemberError>,
) -> Result<Result<T, MemberError>, diesel::result::Error> {
    match outcome {
        Err(MemberError::Database(error)) => Err(error),
        outcome => Ok(outcome),
    }
}

async fn refused(db: &Db, page: MerchantPage, refusal: MemberError) -> AppResult<HttpResponse> {
    if matches!(refusal, MemberError::NotOwner) {
        return Err(AppError::Forbidden);
    }
    let errors = FormErrors::one("", refusal.to_string());
    answer(db, page, InviteForm::default(), errors).await
}
