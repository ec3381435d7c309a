//! The pages of `web/pages` as files of this node, built into the program: HTML by its path, scripts and styles under names
//! that hold their content's hash, and so for good. Nothing is loaded from elsewhere and no page runs what is not a file of
//! the node.

use super::answer::{self, EntityTag};
use super::routes::Routes;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "web/pages/dist"]
struct Dist;

/// Scripts, styles and pictures of the node alone; the page's own addresses for everything else; in no frame of anybody.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// A name with a hash is never another file.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// A file as it is served.
struct File {
    media_type: &'static str,
    caching: &'static str,
    plain: Bytes,
    packed: Bytes,
    tag: EntityTag,
}

static FILES: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    let named = Dist::iter().filter_map(|name| Some((name.to_string(), Dist::get(&name)?.data)));
    named
        .map(|(name, data)| {
            let file = File::new(&name, &data);
            (name, file)
        })
        .collect()
});

impl File {
    fn new(name: &str, content: &[u8]) -> Self {
        let media_type = match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        let has_hash = name.starts_with("assets/") && name.contains('-');
        Self {
            media_type,
            caching: if has_hash { FOR_GOOD } else { ASK_AGAIN },
            plain: Bytes::copy_from_slice(content),
            packed: packed(content),
            tag: EntityTag::of(&String::from_utf8_lossy(content)),
        }
    }

    fn answer(&'static self, request: &HeaderMap) -> Response {
        let is_packed = takes_gzip(request) && self.packed.len() < self.plain.len();
        let mut response = answer::unless_known(request, &self.tag, self.media_type, self.caching, || {
            Body::from(if is_packed {
                self.packed.clone()
            } else {
                self.plain.clone()
            })
        });
        let headers = response.headers_mut();
        if is_packed && response_has_body(headers) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.caching));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(OPENER, HeaderValue::from_static("same-origin"));
        headers.insert(
            PERMISSIONS,
            HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
        );
        response
    }
}

/// 304 has no type, since it has no body.
fn response_has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(axum::http::header::CONTENT_TYPE)
}

fn packed(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    // Writing to memory cannot fail; an empty one is never smaller than nothing, and so never sent.
    written.map_or_else(|_| Bytes::copy_from_slice(content), Bytes::from)
}

/// Whether the other side takes gzip (RFC 9110, section 12.5.3), as browsers say it.
fn takes_gzip(request: &HeaderMap) -> bool {
    let values = request
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/", welcome)
        .get("/setup", setup)
        .get("/student", student)
        .get("/mentor", mentor)
        .get("/projector", projector)
        .get("/admin", admin)
        .get("/assets/{file}", asset)
}

macro_rules! pages {
    ($($name:ident)*) => {$(
        async fn $name(headers: HeaderMap) -> Response {
            page(concat!(stringify!($name), ".html"), &headers)
        }
    )*};
}

pages! { welcome setup student mentor projector admin }

fn page(name: &str, headers: &HeaderMap) -> Response {
    use axum::response::IntoResponse as _;
    FILES
        .get(name)
        .map_or_else(|| Problem::not_found().into_response(), |file| file.answer(headers))
}

async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    page(&format!("assets/{file}"), &headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_there_and_loads_files_of_the_node_alone() {
        for name in ["welcome", "setup", "student", "mentor", "projector", "admin"] {
            let file = &FILES[&format!("{name}.html")];
            let html = std::str::from_utf8(&file.plain).expect("UTF-8");
            let is_handler = |rest: &str| {
                rest.trim_start_matches(|c: char| c.is_ascii_lowercase())
                    .starts_with('=')
            };
            let has_handler = html.split(" on").skip(1).any(is_handler);
            assert!(
                !html.contains("<style") && !html.contains(" style=") && !has_handler,
                "{name}: inline"
            );
            for part in html.split(['"']).filter(|part| part.starts_with("/assets/")) {
                assert!(FILES.contains_key(&part[1..]), "{name}: {part}");
            }
            assert!(!html.contains("http://") && !html.contains("https://"), "{name}");
            assert_eq!(file.caching, ASK_AGAIN);
        }
    }

    #[test]
    fn names_with_a_hash_are_kept_for_good_and_all_are_sent_packed() {
        let scripts: Vec<_> = FILES.iter().filter(|(name, _)| name.ends_with(".js")).collect();
        assert!(scripts.len() > 6);
        for (name, file) in scripts {
            assert_eq!(file.caching, FOR_GOOD, "{name}");
        }
        for (sent, is_packed) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(sent))]);
            assert_eq!(takes_gzip(&headers), is_packed, "{sent}");
        }
    }
}
