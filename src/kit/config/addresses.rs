//! The listen address and the public URL.

use std::net::SocketAddr;

use actix_web::http::Uri;

use super::error::{ConfigError, bad};

pub(super) fn listen(typed: &str) -> Result<SocketAddr, ConfigError> {
    typed.parse().map_err(|_| {
        bad(
            "VOUCH_LISTEN",
            format!("enter an IP address and a port, such as 127.0.0.1:8080, not {typed:?}"),
        )
    })
}

pub(super) fn public_url(typed: &str) -> Result<String, ConfigError> {
    let refuse = |reason: &str| bad("VOUCH_PUBLIC_URL", format!("{typed:?} {reason}"));
    let uri: Uri = typed
        .trim()
        .parse()
        .map_err(|_| refuse("isn't a URL, such as https://vouch.example.com"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refuse("must begin with https:// or http://"));
    };
    if !matches!(scheme, "https" | "http") {
        return Err(refuse("must begin with https:// or http://"));
    }
    if authority.host().is_empty() || authority.as_str().contains('@') {
        return Err(refuse("must contain only a host and, if needed, a port"));
    }
    if uri.path() != "/" || uri.query().is_some() || typed.contains('#') {
        return Err(refuse("must not have a path, because Vouch needs its own host"));
    }
    Ok(format!("{scheme}://{}", authority.as_str().to_lowercase()))
}

pub(super) fn default_public_url(listen: SocketAddr) -> Result<String, ConfigError> {
    if listen.ip().is_unspecified() {
        return Err(bad(
            "VOUCH_PUBLIC_URL",
            format!("enter the URL that browsers use for Vouch, because VOUCH_LISTEN is {listen}"),
        ));
    }
    Ok(format!("http://{listen}"))
}

pub(super) fn local_stores(typed: &str, public_url: &str) -> Result<bool, ConfigError> {
    match typed.trim() {
        "" | "0" => Ok(false),
        "1" if is_loopback(public_url) => Ok(true),
        "1" => Err(bad(
            "VOUCH_LOCAL_STORES",
            format!(
                "1 is only for development, with VOUCH_PUBLIC_URL on this machine, not {public_url}"
            ),
        )),
        other => Err(bad("VOUCH_LOCAL_STORES", format!("enter 0 or 1, not {other:?}"))),
    }
}

/// Whether a public URL from [`public_url`] can only be reached from this machine.
pub(super) fn is_loopback(public_url: &str) -> bool {
    let Some(authority) = public_url.split("://").nth(1) else {
        return false;
    };
    let Ok(uri) = authority.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
