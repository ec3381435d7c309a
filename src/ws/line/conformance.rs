//! F-N4: the Autobahn test suite against an echo of the product's own upgrade, bounds, line and closes. It runs where Python
//! 2.7 was found by `make tools`, and is left out loudly elsewhere.

#[expect(unreachable_pub, reason = "shared with the black-box suite")]
#[path = "../../../tests/it/support/report.rs"]
mod report;

use super::*;
use crate::ws::handshake;
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use tokio::net::TcpListener;
use tokio::process::Command;

/// Framing, pings, reserved bits, opcodes, fragments, UTF-8, closes, and one message in many fragments.
const GROUPS: [&str; 8] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];

/// Its packages lie in a folder of their own, which its first argument names.
const PROGRAM: &str = "import site, sys
site.addsitedir(sys.argv.pop(1))
from autobahntestsuite.wstest import run
run()";

/// Sends back what comes.
async fn echo(mut line: Line) {
    let close = loop {
        let has_room = line.outbox.has_room();
        match line.next(has_room).await {
            LineEvent::Received(Message::Text(text)) => line.push(text),
            LineEvent::Received(Message::Binary(bytes)) => line.outbox.put(bytes.len(), Message::Binary(bytes)),
            LineEvent::Received(_) | LineEvent::Flushed => {}
            LineEvent::Ended(close) => break close,
        }
    };
    line.close(close).await;
}

async fn echo_server() -> std::net::SocketAddr {
    let upgrade = |upgrade: WebSocketUpgrade| async {
        handshake::bounded(upgrade).on_upgrade(|socket| async { echo(Line::new(socket)).await })
    };
    let router = Router::new().route("/", get(upgrade));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn4_the_autobahn_suite_finds_no_fault() {
    const WHAT: &str = "the Autobahn suite, groups 1 to 7 and 10";
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/autobahn");
    let Ok(python) = std::fs::read_to_string(tools.join("python")) else {
        return report::left_out("F-N4", WHAT, "it needs Python 2.7, which `make tools` did not find");
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = format!("ws://{}", echo_server().await);
    let specification = json!({
        "outdir": directory.path(),
        "servers": [{"agent": "homeroom", "url": url}],
        "cases": GROUPS,
        "exclude-cases": [],
    });
    let file = directory.path().join("specification.json");
    std::fs::write(&file, specification.to_string()).expect("a file in it");
    let output = Command::new(python.trim())
        .args(["-c", PROGRAM])
        .arg(tools.join("packages"))
        .args(["-m", "fuzzingclient", "-s"])
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let index = std::fs::read(directory.path().join("index.json")).unwrap_or_else(|_| panic!("no report: {said}"));
    let index: Value = serde_json::from_slice(&index).expect("a report in JSON");
    let cases = index["homeroom"].as_object().expect("cases of one agent");
    let is_sound = |outcome: &Value| {
        ["OK", "NON-STRICT", "INFORMATIONAL"]
            .iter()
            .any(|sound| outcome == sound)
    };
    let failed: Vec<_> = cases
        .iter()
        .filter(|(_, case)| !is_sound(&case["behavior"]) || !is_sound(&case["behaviorClose"]))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(cases.len() > 240, "{} cases ran", cases.len());
    report::report_row("F-N4", WHAT, cases.len() as u64, "0 failed");
}
