use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::features::code_syncs::CountedCodes;
use crate::kit::web::version::{Edits, Labeled, Version};

/// The store codes without a trigger that count, as typed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CountedForm {
    pub(super) counted: String,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    pub(super) version: Version,
}

impl CountedForm {
    pub(super) fn of(codes: &CountedCodes) -> Self {
        let form = Self { counted: codes.text(), version: Version::default() };
        Self { version: Version::of(&form), ..form }
    }
}

impl Edits for CountedForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        Ok(vec![("Codes to watch", self.counted.clone())])
    }
}
