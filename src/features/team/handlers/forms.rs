use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kit::session::Role;
use crate::kit::web::version::{Edits, Labeled, Version, chosen, ticked};

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct InviteForm {
    pub(super) email: String,
    pub(super) role: String,
}

impl Default for InviteForm {
    fn default() -> Self {
        Self { email: String::new(), role: Role::Admin.as_str().to_owned() }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RoleForm {
    pub(super) role: String,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    pub(super) version: Version,
}

impl RoleForm {
    pub(super) fn of(role: Role) -> Self {
        let form = Self { role: role.as_str().to_owned(), version: Version::default() };
        Self { version: Version::of(&form), ..form }
    }
}

impl Edits for RoleForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        let roles = Role::ALL.iter().map(|role| (role.as_str(), role.label()));
        Ok(vec![("Role", chosen(roles, &self.role))])
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RequirementForm {
    pub(super) required: String,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    pub(super) version: Version,
}

impl RequirementForm {
    pub(super) fn of(is_required: bool) -> Self {
        let required = if is_required { "true" } else { "" }.to_owned();
        let form = Self { required, version: Version::default() };
        Self { version: Version::of(&form), ..form }
    }
}

impl Edits for RequirementForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        Ok(vec![("Require two-factor sign-in", ticked(self.required == "true"))])
    }
}
