//! TLS by certificate files: https and wss, renewal without a restart, and what is wrong with certificates told in words.

use crate::support::{ADMIN_TOKEN, Certificate, NodeProcess, eventually, within};
use homeroom::client::{Client, LiveSocket, trust};
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A directory with a certificate, and a node that uses it.
struct Secure {
    directory: TempDir,
    node: NodeProcess,
    address: String,
}

fn spawn(directory: &Path, certificate: &Path, key: &Path) -> NodeProcess {
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let data = directory.join("data");
    NodeProcess::spawn(&data, &["--tls-cert", certificate, "--tls-key", key])
}

impl Secure {
    async fn start(certificate: &Certificate) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = certificate.write(directory.path());
        let node = spawn(directory.path(), &certificate, &key);
        let said = node.stderr_with("homeroom is ready on https://").await;
        let address = said.split("homeroom is ready on https://").nth(1).unwrap();
        let address = address.split_whitespace().next().unwrap().to_owned();
        Self {
            directory,
            node,
            address,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    async fn metric(&self, client: &reqwest::Client, name: &str) -> f64 {
        let text = client
            .get(self.url("/metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name}: {text}"))
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_speaks_https_and_wss_and_says_so_to_plain_http() {
    let certificate = Certificate::good();
    let secure = Secure::start(&certificate).await;
    let client = certificate.client();
    // Nobody waits for a hand that is not given.
    let silent = TcpStream::connect(&secure.address).await.unwrap();
    let ready = client.get(secure.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    let left = secure.metric(&client, "homeroom_tls_certificate_expires_seconds").await;
    assert!(left > 10.0 * 365.0 * 86_400.0, "{left}");
    // A stranger to this authority is not let in by it.
    assert!(
        Certificate::good()
            .client()
            .get(secure.url("/readyz"))
            .send()
            .await
            .is_err()
    );

    let mut plain = TcpStream::connect(&secure.address).await.unwrap();
    plain
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: node\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    within("an answer and the end", plain.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("tls_required"),
        "{answer}"
    );

    // The tools of the command line: with the authority they reach the node, by HTTP and by socket; without it they say why.
    let url = format!("https://{}", secure.address);
    let (file, _) = certificate.write(secure.directory.path());
    let health = |ca: Option<&Path>| {
        let mut command = NodeProcess::command();
        command.args(["health", "--url", &url]);
        if let Some(ca) = ca {
            command.arg("--ca").arg(ca);
        }
        NodeProcess::run(command)
    };
    assert_eq!(health(Some(&file)).wait().await.code(), Some(0));
    let mut stranger = health(None);
    assert_eq!(stranger.wait().await.code(), Some(3));
    let said = stranger.stderr_with("certificate").await;
    assert!(said.contains("--ca"), "{said}");
    trust(file);
    let client = Client::new(&url, ADMIN_TOKEN).unwrap();
    let mut socket = LiveSocket::open(&client).await.unwrap();
    socket.send(r#"{"type":"ping","id":1}"#.into()).await.unwrap();
    within("a pong", socket.next()).await.unwrap();
    socket.close().await;
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_taken_without_a_restart_and_a_wrong_one_is_not() {
    let (first, second) = (Certificate::good(), Certificate::good());
    let secure = Secure::start(&first).await;
    let reaches = |certificate: &Certificate| {
        let asked = certificate.client().get(secure.url("/healthz")).send();
        async move { asked.await.is_ok() }
    };
    assert!(reaches(&first).await && !reaches(&second).await);
    second.write(secure.directory.path());
    eventually("the new certificate", || async { reaches(&second).await.then_some(()) }).await;
    // A key of another one: the node says so and goes on with what it has.
    std::fs::write(secure.directory.path().join("node.key"), &first.key).unwrap();
    secure.node.signal("HUP").await;
    let said = secure.node.stderr_with("is not the key of the certificate").await;
    assert!(said.contains("the one before stays"), "{said}");
    assert!(reaches(&second).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_is_told_and_the_node_starts() {
    for (from, to, said) in [
        (2020, 2021, "expired on 2021-01-01"),
        (2080, 2090, "is not valid before 2080-01-01"),
    ] {
        let certificate = Certificate::between(from, to);
        let mut secure = Secure::start(&certificate).await;
        secure.node.stderr_with(said).await;
        let error = certificate.client().get(secure.url("/readyz")).send().await;
        assert!(error.is_err(), "the certificate was really not valid");
        secure.node.sigterm().await;
        assert!(secure.node.wait().await.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_cannot_be_used_keep_the_node_from_starting_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = Certificate::good().write(directory.path());
    let other = directory.path().join("other.key");
    std::fs::write(&other, &Certificate::good().key).unwrap();
    let absent = directory.path().join("absent.pem");
    for (certificate, key, said) in [
        (&certificate, &other, "tls_key: "),
        (&certificate, &other, "is not the key of the certificate in"),
        (&absent, &key, "tls_cert: "),
        (&key, &key, "holds no certificate"),
    ] {
        let mut node = spawn(directory.path(), certificate, key);
        assert!(!node.wait().await.success());
        node.stderr_with(said).await;
    }
}
