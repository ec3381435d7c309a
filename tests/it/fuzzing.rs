//! F-A6: schemathesis makes requests of the API document, good and bad, alone and in sequences, and finds nothing that is
//! not as the document says.

use crate::document::{tool, without_tool};
use crate::support::{ADMIN_TOKEN, Class, NodeProcess, Random, earn, report_row, soak};
use std::path::Path;
use tokio::process::Command;

/// Cases that the long version has to reach.
const CASES_MIN: u64 = 10_000;

fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().unwrap_or_default();
    let digits = before.trim_end().rsplit(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa6_schemathesis_finds_nothing() {
    let Some(schemathesis) = tool("python/bin/schemathesis") else {
        return without_tool("F-A6", "schemathesis");
    };
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(&directory.path().join("data")).await;
    let admin = node.admin();
    // Ids as in the document's examples, so that they lead somewhere.
    Class::import(&admin, 0, 5).await;
    let example = crate::support::document::operations()
        .into_iter()
        .find_map(|(_, path, operation)| {
            (path == "/import").then(|| crate::support::document::example_body(operation))
        });
    let mut rows = example.flatten().expect("an example of an import");
    let mentor = serde_json::json!({"id": 90, "name": "Mo Mentor", "role": "mentor"});
    rows["users"].as_array_mut().expect("users").push(mentor);
    admin.post("/import", rows).await.ok();
    admin.post("/points/earn", earn(7, "read_content", 10)).await.ok();
    let own_token = admin.get("/me").await.expect(200)["token_id"].clone();
    let seed = Random::seeded("schemathesis").between(0, 1 << 32);
    let seconds = if soak() { "600" } else { "60" };
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/fuzz");
    let mut run = Command::new(schemathesis);
    run.current_dir(directory.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", &fuzz)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOMEROOM_FUZZ_TOKEN", ADMIN_TOKEN)
        .env("HOMEROOM_FUZZ_TOKEN_ID", own_token.to_string())
        .arg("--config-file")
        .arg(fuzz.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/openapi.json", node.anonymous().base()))
        .args(["--max-time", seconds, "--seed", &seed.to_string(), "--no-color"]);
    let ran = run.output().await.expect("schemathesis starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    let also = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "seed {seed}\n{said}\n{also}");
    let (cases, routes) = (number_before(&said, " generated"), number_before(&said, " selected /"));
    assert_eq!(routes, crate::support::document::operations().len() as u64, "{said}");
    assert!(
        cases >= if soak() { CASES_MIN } else { 1_000 },
        "only {cases} cases\n{said}"
    );
    admin.get("/readyz").await.expect(200);
    assert!(!node.stderr().contains("panicked"), "{}", node.stderr());
    let outcome =
        format!("{routes} routes, every check: 0 server errors, 0 breaks of a schema, 0 wrong statuses (seed {seed})");
    report_row("F-A6", "cases of schemathesis", cases, &outcome);
}
