//! The pages as files of the node: there for everybody, packed, kept by hash, with a strict policy, and nothing else is.

use crate::support::Node;
use std::collections::BTreeSet;

const PAGES: [&str; 6] = ["/", "/setup", "/student", "/mentor", "/projector", "/admin"];

struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn get(node: &Node, path: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = reqwest::Client::new().get(format!("{}{path}", node.anonymous().base()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    Got {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.bytes().await.unwrap().to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_there_with_a_policy_that_lets_nothing_else_in() {
    let node = Node::start().await;
    for path in PAGES {
        let page = get(&node, path, &[]).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cache-control"), "no-cache");
        let known = get(&node, path, &[("if-none-match", page.header("etag"))]).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_load_is_small_and_kept_for_good() {
    let node = Node::start().await;
    for path in PAGES {
        let html = get(&node, path, &[]).await.body;
        let html = String::from_utf8(html).unwrap();
        let named: BTreeSet<&str> = html.split('"').filter(|part| part.starts_with("/assets/")).collect();
        assert!(named.len() >= 3, "{path}: {named:?}");
        let mut bytes = html.len();
        for asset in named {
            let packed = get(&node, asset, &[("accept-encoding", "gzip")]).await;
            assert_eq!(packed.status, 200, "{asset}");
            assert_eq!(packed.header("vary"), "Accept-Encoding");
            bytes += packed.body.len();
            if asset.contains('-') {
                assert_eq!(
                    packed.header("cache-control"),
                    "public, max-age=31536000, immutable",
                    "{asset}"
                );
                let plain = get(&node, asset, &[]).await;
                assert_eq!(plain.header("content-encoding"), "");
                // What is tiny is not smaller packed.
                let is_tiny = plain.body.len() < 500;
                assert!(is_tiny || packed.header("content-encoding") == "gzip", "{asset}");
                assert!(is_tiny || plain.body.len() > packed.body.len());
            }
        }
        assert!(bytes < 150_000, "{path} needs {bytes} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_nothing_beside_the_files() {
    let node = Node::start().await;
    for path in [
        "/assets/",
        "/assets/none.js",
        "/assets/..%2fwelcome.html",
        "/assets/%2e%2e%2fwelcome.html",
        "/welcome.html",
        "/student/",
        "/index.html",
    ] {
        assert_eq!(get(&node, path, &[]).await.status, 404, "{path}");
    }
}
