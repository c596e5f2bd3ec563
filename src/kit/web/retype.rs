use actix_web::http::Uri;
use askama::Template;
use url::form_urlencoded;

use super::form_errors::FormErrors;
use super::secret_fields::is_secret;
use super::text::{code_point, is_refused, refused_in};
use crate::kit::error::{AppError, SentField, UnreadableForm};

/// A form with forbidden characters, which are removed from the input. One page serves every form:
/// the affected fields can be corrected, the others are sent along unchanged. Secrets must be typed
/// again.
#[derive(Debug, Template)]
#[template(path = "retype.html")]
pub(crate) struct Retype {
    /// The path that the form was sent to.
    action: String,
    fields: Vec<ResentField>,
    errors: FormErrors,
}

#[derive(Debug)]
struct ResentField {
    name: String,
    value: String,
    kind: Kind,
}

impl ResentField {
    fn of(sent: &SentField) -> Self {
        let kind = match sent.refused {
            _ if is_secret(&sent.name) => Kind::Secret,
            None => Kind::Hidden,
            Some(_) if sent.value.contains('\n') => Kind::Lines,
            Some(_) => Kind::Line,
        };
        Self { name: sent.name.clone(), value: sent.value.clone(), kind }
    }

    fn label(&self) -> String {
        label_of(&self.name)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// Sent along unchanged.
    Hidden,
    Line,
    Lines,
    Secret,
}

impl Retype {
    /// Rejects a form sent to `action` if a value contains a forbidden character.
    ///
    /// Fails with [`AppError::Unreadable`], which contains the form. Fails with `BadRequest` if the
    /// name of a field contains one, because Vouch has no such form.
    pub(super) fn check(action: &Uri, body: &[u8]) -> Result<(), AppError> {
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if refused_in(&name).is_some() {
                return Err(AppError::BadRequest(
                    "This form has a field that Vouch doesn’t know. Go back, reload the page and try again."
                        .into(),
                ));
            }
            let refused = refused_in(&value);
            let hides = is_secret(&name);
            let readable = value.chars().filter(|c| !hides && !is_refused(*c));
            let value = readable.collect();
            fields.push(SentField { name: name.into_owned(), value, refused });
        }
        if fields.iter().all(|field| field.refused.is_none()) {
            return Ok(());
        }
        let action = action.path_and_query().map_or("/", |action| action.as_str()).to_owned();
        Err(AppError::Unreadable(Box::new(UnreadableForm { action, fields })))
    }

    pub(super) fn of(form: &UnreadableForm) -> Self {
        let mut errors = FormErrors::new();
        for field in &form.fields {
            let Some(c) = field.refused else { continue };
            let (label, c) = (label_of(&field.name), code_point(c));
            errors.add(&field.name, format!("{label}: we removed an unsupported character ({c})."));
        }
        let fields = form.fields.iter().map(ResentField::of).collect();
        Self { action: form.action.clone(), fields, errors }
    }
}

/// The label of a field, derived from its name: `Client secret` for `client_secret`.
pub(super) fn label_of(name: &str) -> String {
    let name = name.strip_suffix("_id_q").or(name.strip_suffix("_q")).unwrap_or(name);
    let word = |word| match word {
        "api" => "API",
        "id" => "ID",
        "sku" => "SKU",
        "skus" => "SKUs",
        word => word,
    };
    let words = name.split('_').map(word).collect::<Vec<_>>().join(" ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use scraper::{Html, Selector};

    use super::*;

    fn refused(body: &str) -> Html {
        let action = Uri::from_static("/settings/portal?tab=1");
        let Err(AppError::Unreadable(form)) = Retype::check(&action, body.as_bytes()) else {
            panic!("the form was read");
        };
        Html::parse_document(&Retype::of(&form).render().unwrap())
    }

    fn value(page: &Html, selector: &str) -> Option<String> {
        let found = page.select(&Selector::parse(selector).unwrap()).next()?;
        Some(found.attr("value").map_or_else(|| found.text().collect(), str::to_owned))
    }

    #[test]
    fn a_form_without_such_characters_is_read() {
        let action = Uri::from_static("/");
        for body in ["", "a=b&c", "note=two%0D%0Alines%09%C3%A9"] {
            assert!(Retype::check(&action, body.as_bytes()).is_ok(), "{body}");
        }
    }

    #[test]
    fn a_refused_form_keeps_what_was_typed() {
        let page =
            refused("csrf=t0ken&name=A%00nn&ids=1&ids=2&note=one%0Atw%0Bo&password=s%01ecret");
        assert_eq!(
            value(&page, "form[action='/settings/portal?tab=1'] [name=csrf]").unwrap(),
            "t0ken"
        );
        assert_eq!(value(&page, "input[type=text][name=name][aria-invalid]").unwrap(), "Ann");
        assert_eq!(page.select(&Selector::parse("[type=hidden][name=ids]").unwrap()).count(), 2);
        assert_eq!(value(&page, "textarea[name=note]").unwrap(), "one\ntwo");
        assert_eq!(value(&page, "input[type=password]").unwrap(), "");
        assert!(!page.html().contains("secret"));
    }

    #[test]
    fn what_a_field_is_called_is_checked_too() {
        let refused = Retype::check(&Uri::from_static("/"), b"a%00=b");
        assert!(matches!(refused, Err(AppError::BadRequest(_))));
    }
}
