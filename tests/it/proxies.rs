//! Behind a reverse proxy that ends TLS: what it says of its clients is believed of proxies that the settings name, and of
//! nobody else.

use crate::support::{Client, Node, Socket};

/// What a proxy in front says of a page of https://school.example.
const PROXIED: [(&str, &str); 4] = [
    ("origin", "https://school.example"),
    ("x-forwarded-for", "192.0.2.7"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "school.example"),
];

async fn is_let_in(client: &Client, headers: &[(&str, &str)]) -> bool {
    match Socket::try_connect(client, headers).await {
        Ok(_) => true,
        Err(refused) => {
            assert_eq!(refused.body["code"], "origin_not_allowed", "{}", refused.body);
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_says_which_host_its_client_named() {
    let node = Node::start_with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".into()];
        config.allowed_hosts = vec!["school.example".into()];
    })
    .await;
    let admin = node.admin();
    assert!(is_let_in(&admin, &PROXIED).await);
    let forwarded = ("forwarded", "for=192.0.2.7;proto=https;host=school.example");
    assert!(is_let_in(&admin, &[PROXIED[0], forwarded]).await);
    for origin in [
        "http://school.example",
        "https://evil.example",
        "https://school.example:8443",
        "null",
    ] {
        let mut headers = PROXIED;
        headers[0] = ("origin", origin);
        assert!(!is_let_in(&admin, &headers).await, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_is_believed() {
    for trusted in [vec![], vec!["192.0.2.0/24".to_owned()]] {
        let node = Node::start_with(move |config| config.trusted_proxies = trusted.clone()).await;
        let admin = node.admin();
        assert!(!is_let_in(&admin, &PROXIED).await);
        // What `Host` says still counts, whichever side ends TLS.
        let own = format!("https://{}", node.anonymous().base().trim_start_matches("http://"));
        assert!(is_let_in(&admin, &[("origin", &own)]).await);
    }
}

/// Pages of other sites are kept out by the name that the client used, also behind a proxy that rewrites `Host`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_name_stays_foreign_behind_a_trusted_proxy() {
    let node = Node::start_with(|config| config.trusted_proxies = vec!["127.0.0.1".into()]).await;
    let anyone = node.anonymous();
    let named = |host: &str| {
        anyone
            .request(reqwest::Method::GET, "/openapi.json")
            .header("x-forwarded-host", host)
    };
    anyone.send(named("evil.example")).await.problem(421, "unknown_host");
    anyone.send(named("classroom.local")).await.expect(200);
}
