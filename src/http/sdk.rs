//! The client library of `web/sdk` as files of this node, built into the program: `/sdk/homeroom.js` and its types. There are
//! these two and no folder behind them, so no path can lead anywhere else.

use super::answer::{self, EntityTag};
use super::routes::Routes;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use std::sync::LazyLock;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file as it is served.
struct File {
    media_type: &'static str,
    text: &'static str,
    tag: EntityTag,
}

impl File {
    fn new(media_type: &'static str, text: &'static str) -> Self {
        let tag = EntityTag::of(text);
        Self { media_type, text, tag }
    }

    /// Pages keep it and ask each time whether it is still the same, since its address does not change with a new version of
    /// the node. It holds nothing of anybody, so pages of other origins may load it, too.
    fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = answer::unless_known(request, &self.tag, self.media_type, "public, no-cache", || {
            self.text.into()
        });
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        response
    }
}

static LIBRARY: LazyLock<File> = LazyLock::new(|| {
    let text = include_str!("../../web/sdk/dist/homeroom.js");
    File::new("text/javascript; charset=utf-8", text)
});
static TYPES: LazyLock<File> = LazyLock::new(|| {
    let text = include_str!("../../web/sdk/dist/homeroom.d.ts");
    File::new("text/plain; charset=utf-8", text)
});

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.get("/sdk/homeroom.js", library);
    routes.get("/sdk/homeroom.d.ts", types)
}

async fn library(headers: HeaderMap) -> Response {
    LIBRARY.answer(&headers)
}

async fn types(headers: HeaderMap) -> Response {
    TYPES.answer(&headers)
}
