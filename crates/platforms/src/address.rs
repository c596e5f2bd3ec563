//! Stores on this machine.

/// Recognizes a development store on this machine: `http://127.0.0.1:8099`, with or without a path.
pub(crate) fn local_address(typed: &str) -> Option<String> {
    let typed = typed.trim().trim_end_matches('/');
    let rest = typed.strip_prefix("http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let port =
        ["127.0.0.1:", "localhost:", "[::1]:"].iter().find_map(|own| host.strip_prefix(own))?;
    let fits = port.parse::<u16>().is_ok_and(|port| port > 0)
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
    fits.then(|| typed.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::PROVIDERS;

    #[test]
    fn a_store_on_this_machine_needs_a_setting() {
        for provider in PROVIDERS {
            let parse = |typed, local| provider.settings().parse_address(typed, local).ok();
            for (typed, local) in [
                ("http://127.0.0.1:8099/shop", "http://127.0.0.1:8099/shop"),
                (" http://localhost:1/ ", "http://localhost:1"),
                ("http://[::1]:80", "http://[::1]:80"),
            ] {
                assert_eq!(parse(typed, true).as_deref(), Some(local), "{}", provider.platform());
                assert_ne!(parse(typed, false).as_deref(), Some(local), "{}", provider.platform());
            }
            for typed in
                ["http://127.0.0.1", "http://10.0.0.1:80", "http://127.0.0.1.evil.example:80"]
            {
                assert_ne!(parse(typed, true).as_deref(), Some(typed), "{typed}");
            }
        }
    }
}
