//! The names of form fields whose values are never shown or stored.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use vouch_platforms::PROVIDERS;
use vouch_platforms::form::FormPart;

/// The fields of Vouch's own forms.
const OWN: [&str; 4] = ["current", "new", "new_secret", "password"];

/// With the fields of every platform's credentials.
static ALL: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let settings = PROVIDERS.iter().map(|provider| provider.settings());
    let parts = settings
        .flat_map(|form| form.connect_form().into_iter().chain(form.credentials_form(None)));
    let secrets = parts.flat_map(|part| secrets_of(&part));
    secrets.chain(OWN).collect()
});

fn secrets_of(part: &FormPart) -> Vec<&'static str> {
    let secrets = part.fields().iter().filter(|field| field.is_secret);
    secrets.map(|field| field.name).collect()
}

pub(super) fn is_secret(field: &str) -> bool {
    ALL.contains(field)
}

#[cfg(test)]
mod tests {
    use vouch_platforms::form::Control;

    use super::*;

    #[test]
    fn the_secrets_of_every_platform_are_known() {
        for provider in PROVIDERS {
            let settings = provider.settings();
            let forms = [settings.connect_form(), settings.credentials_form(None)];
            let fields: Vec<_> = forms.iter().flatten().flat_map(FormPart::fields).collect();
            assert!(fields.iter().any(|field| field.is_secret), "{}", provider.platform());
            for field in fields {
                let hides = field.is_secret || field.control == Control::Password;
                assert_eq!(is_secret(field.name), hides, "{}", field.name);
            }
        }
        assert!(is_secret("webhook_secret") && is_secret("password") && !is_secret("note"));
    }
}
