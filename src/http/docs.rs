//! `/docs`: the API's reference as one page of plain HTML, made of the OpenAPI document at first use. No script, no network.

mod html;
mod page;
mod schema;

use super::answer;
use super::openapi;
use super::routes::Routes;
use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const STYLE: &str = include_str!("docs/style.css");

static PAGE: LazyLock<String> = LazyLock::new(|| page::render(openapi::value(), STYLE));

/// Nothing is loaded and nothing runs; the one style sheet is named by what is in it.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("a policy is ASCII")
});

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/docs", show)
}

async fn show() -> Response {
    let mut response = answer::with_type(StatusCode::OK, "text/html; charset=utf-8", Body::from(PAGE.as_str()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_link_of_the_page_leads_to_a_place_on_it_or_to_a_document() {
        let ids: BTreeSet<&str> = PAGE
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let links: BTreeSet<&str> = PAGE
            .split(" href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        for link in &links {
            let is_good = link
                .strip_prefix('#')
                .map_or(["/openapi.json", "/asyncapi.json"].contains(link), |id| {
                    ids.contains(id)
                });
            assert!(is_good, "{link}");
        }
        assert!(links.len() > 80, "{} links", links.len());
    }

    #[test]
    fn it_needs_nothing_from_elsewhere_and_shows_every_route() {
        for part in ["<script", "http://", "https://", "<img", "@import", "url("] {
            assert!(!PAGE.contains(part), "{part}");
        }
        for (method, path) in super::super::routes().listed {
            let heading = format!("<b>{}</b> <code>{path}</code>", method.to_uppercase());
            assert!(PAGE.contains(&heading), "{heading}");
        }
    }
}
