//! Enums that are stored as text with a check constraint.

/// Any of the enums that [`text_enum!`](crate::text_enum!) declares.
pub trait TextEnum: Copy + PartialEq + std::fmt::Display + 'static {
    /// Every value, in the order of declaration.
    const ALL: &'static [Self];

    /// The name it is stored under.
    fn as_str(self) -> &'static str;

    /// The word on the screen.
    fn label(self) -> &'static str;

    /// Names and words of all of them, for a select.
    fn options() -> Vec<(&'static str, &'static str)> {
        Self::ALL.iter().map(|one| (one.as_str(), one.label())).collect()
    }

    /// The value of that name, if there is one.
    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == name)
    }
}

/// Declares an enum that is stored under the given names, displayed with the given labels, and
/// parsed from forms and URLs by name.
///
/// The column has a `check` constraint with the same names. Any other value is a query error, not a
/// panic.
#[macro_export]
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $text:literal, $label:literal; )+ }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        $vis enum $name { $( $(#[$vmeta])* #[serde(rename = $text)] $variant, )+ }

        impl $name {
            /// Every value, in the order of declaration.
            #[allow(dead_code, reason = "not every set is listed")]
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the database, in URLs and in forms.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The text on the screen.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// The value with that name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl $crate::TextEnum for $name {
            const ALL: &'static [Self] = $name::ALL;

            fn as_str(self) -> &'static str {
                $name::as_str(self)
            }

            fn label(self) -> &'static str {
                $name::label(self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.label())
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg>>::to_sql(
                    self.as_str(), out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let text = <String as diesel::deserialize::FromSql<
                    diesel::sql_types::Text, diesel::pg::Pg>>::from_sql(value)?;
                Self::parse(&text)
                    .ok_or_else(|| format!("{text:?} isn't a {}", stringify!($name)).into())
            }
        }
    };
}
