//! Static files: embedded in the binary, named by their content, compressed once.
//!
//! A page links to [`asset`]`("app.css")`, which is `/static/app.3f9a1c2b.css`. The name changes
//! with the content, so browsers can cache a file forever and never show an old one.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::web::{Bytes, Path, ServiceConfig, get};
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::gzip::accepts_gzip;

/// The path of all static files.
const PREFIX: &str = "/static/";

/// Browsers cache a file for a year without revalidation, because its name depends on its content.
const FOREVER: &str = "public, max-age=31536000, immutable";

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

struct Asset {
    content_type: &'static str,
    plain: Bytes,
    /// Only if compression saves bytes.
    gzip: Option<Bytes>,
}

struct Assets {
    /// Maps `app.css` to `/static/app.3f9a1c2b.css`.
    urls: HashMap<String, String>,
    /// Maps `app.3f9a1c2b.css` to its content.
    by_hashed_name: HashMap<String, Asset>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(load);

/// The URL of the static file `path`, for example `vendor/htmx.min.js`, with its content hash.
///
/// A missing file yields a URL that returns 404, because a page without a picture is better than no
/// page. A test checks that all templates name existing files.
#[must_use]
pub fn asset(path: &str) -> &'static str {
    ASSETS.urls.get(path).map_or("/static/missing", String::as_str)
}

/// Registers `GET /static/{path:.*}`.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.route("/static/{path:.*}", get().to(serve));
}

/// `GET /static/{path:.*}`
pub(crate) async fn serve(path: Path<String>, request: HttpRequest) -> HttpResponse {
    let Some(asset) = ASSETS.by_hashed_name.get(path.as_str()) else {
        return HttpResponse::NotFound()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type("text/plain; charset=utf-8")
            .body("Not found.\n");
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, asset.content_type))
        .insert_header((header::CACHE_CONTROL, FOREVER))
        .insert_header((header::VARY, "Accept-Encoding"));
    match &asset.gzip {
        Some(gzip) if accepts_gzip(&request) => {
            response.insert_header((header::CONTENT_ENCODING, "gzip")).body(gzip.clone())
        }
        _ => response.body(asset.plain.clone()),
    }
}

/// Compresses every file at start, so that the first visitor doesn't wait.
pub(crate) fn warm_up() {
    LazyLock::force(&ASSETS);
}

fn load() -> Assets {
    let mut assets = Assets { urls: HashMap::new(), by_hashed_name: HashMap::new() };
    for path in Files::iter() {
        let Some(plain) = served(&path) else {
            continue;
        };
        let hashed = hashed_name(&path, &plain);
        assets.urls.insert(path.to_string(), format!("{PREFIX}{hashed}"));
        let asset = Asset { content_type: content_type(&path), gzip: gzip(&plain), plain };
        assets.by_hashed_name.insert(hashed, asset);
    }
    assets
}

/// The content as served: Vouch's own script without its comments, a tenth of its size.
fn served(path: &str) -> Option<Bytes> {
    let content = Files::get(path)?.data;
    if path != "app.js" {
        return Some(Bytes::from(content.into_owned()));
    }
    let lines = content.split_inclusive(|byte| *byte == b'\n');
    let code = lines.filter(|line| !line.trim_ascii_start().starts_with(b"//"));
    Some(Bytes::from(code.collect::<Vec<_>>().concat()))
}

/// `vendor/htmx.min.js` becomes `vendor/htmx.min.0a1b2c3d.js`. The first 32 bits of SHA-256 are
/// enough to distinguish two versions of one file.
fn hashed_name(path: &str, content: &[u8]) -> String {
    let hash = hex::encode(&Sha256::digest(content)[..4]);
    match path.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{path}.{hash}"),
    }
}

/// `None` if the compressed form isn't smaller.
fn gzip(content: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < content.len()).then(|| Bytes::from(compressed))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use actix_web::{App, test};

    use super::*;

    async fn fetch(url: &str, accept: &str) -> (HttpResponse<()>, Bytes) {
        let app = test::init_service(App::new().configure(configure)).await;
        let request = test::TestRequest::get()
            .uri(url)
            .insert_header((header::ACCEPT_ENCODING, accept))
            .to_request();
        let response = test::call_service(&app, request).await;
        let (_, response) = response.into_parts();
        let (head, body) = response.into_parts();
        let body = actix_web::body::to_bytes(body).await.ok().unwrap();
        (head, body)
    }

    fn value(response: &HttpResponse<()>, name: header::HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[actix_web::test]
    async fn a_file_is_served_for_ever_under_a_name_with_its_hash() {
        let url = asset("app.css");
        assert!(url.starts_with("/static/app.") && url.len() == "/static/app.12345678.css".len());
        let (head, body) = fetch(url, "identity").await;
        assert_eq!(head.status(), 200);
        assert_eq!(value(&head, header::CACHE_CONTROL), FOREVER);
        assert_eq!(value(&head, header::CONTENT_TYPE), "text/css; charset=utf-8");
        assert_eq!(value(&head, header::CONTENT_ENCODING), "");
        assert_eq!(body, Files::get("app.css").unwrap().data.into_owned());
    }

    #[actix_web::test]
    async fn the_compressed_form_unpacks_to_the_same_bytes() {
        let url = asset("app.css");
        let (head, body) = fetch(url, "br, gzip;q=0.8").await;
        assert_eq!(value(&head, header::CONTENT_ENCODING), "gzip");
        assert_eq!(value(&head, header::VARY), "Accept-Encoding");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, Files::get("app.css").unwrap().data.into_owned());
    }

    #[actix_web::test]
    async fn a_client_that_refuses_gzip_gets_the_plain_file() {
        let (head, _) = fetch(asset("app.css"), "gzip;q=0, identity").await;
        assert_eq!(value(&head, header::CONTENT_ENCODING), "");
    }

    #[actix_web::test]
    async fn what_does_not_exist_is_not_found_and_not_kept() {
        for url in ["/static/app.css", "/static/app.00000000.css", "/static/../Cargo.toml"] {
            let (head, _) = fetch(url, "gzip").await;
            assert_eq!(head.status(), 404, "{url}");
        }
        let (head, _) = fetch("/static/nothing.css", "gzip").await;
        assert_eq!(value(&head, header::CACHE_CONTROL), "no-store");
    }

    #[::core::prelude::v1::test]
    fn every_file_has_a_content_type_of_its_own() {
        for path in Files::iter() {
            assert_ne!(content_type(&path), "application/octet-stream", "{path}");
        }
    }

    #[::core::prelude::v1::test]
    fn styles_and_scripts_stay_small() {
        let compressed = |extension: &str| -> usize {
            Files::iter()
                .filter(|path| path.ends_with(extension))
                .filter_map(|path| served(&path))
                .filter_map(|content| gzip(&content))
                .map(|bytes| bytes.len())
                .sum()
        };
        assert!(compressed(".css") <= 45 * 1024, "{} bytes of CSS", compressed(".css"));
        assert!(compressed(".js") <= 20 * 1024, "{} bytes of JavaScript", compressed(".js"));
    }

    #[::core::prelude::v1::test]
    fn templates_name_only_files_that_exist() {
        let mut folders =
            vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("templates")];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for named in text.split("asset(\"").skip(1) {
                    let named = named.split('"').next().unwrap();
                    assert!(Files::get(named).is_some(), "{} names {named}", path.display());
                    seen += 1;
                }
            }
        }
        assert!(seen > 0);
    }
}
