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
