//! F-A6: schemathesis makes requests of the API document, good and bad, alone and in sequences, and finds nothing that is
//! not as the document says.

use crate::document::{tool, without_tool};
use crate::support::{ADMIN_TOKEN, Class, NodeProcess, Random, document, earn, report_row, soak};
use std::path::Path;
use tokio::process::Command;

/// Cases that the long version has to reach.
const CASES_MIN: u64 = 10_000;
/// What the short version begins with.
const SEED: u64 = 1;

fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().unwrap_or_default();
    let digits = before.trim_end().rsplit(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Runs it to its end, requires that it found nothing on any route, and gives the number of its cases.
async fn cases_without_findings(mut run: Command, fuzz: &Path) -> u64 {
    run.env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", fuzz)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOMEROOM_FUZZ_TOKEN", ADMIN_TOKEN);
    let ran = run.output().await.expect("schemathesis starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    let also = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{also}");
    let routes = number_before(&said, " selected /");
    // All but the stream of events, whose answer never ends.
    assert_eq!(routes + 1, document::operations().len() as u64, "{said}");
    number_before(&said, " generated,")
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
    let example = document::operations()
        .into_iter()
        .find_map(|(_, path, operation)| (path == "/import").then(|| document::example_body(operation)));
    let mut rows = example.flatten().expect("an example of an import");
    let mentor = serde_json::json!({"id": 90, "name": "Mo Mentor", "role": "mentor"});
    rows["users"].as_array_mut().expect("users").push(mentor);
    admin.post("/import", rows).await.ok();
    admin.post("/points/earn", earn(7, "read_content", 10)).await.ok();
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/fuzz");
    // From a file: where it reads the document from a node, it leaves that route out.
    std::fs::write(
        directory.path().join("openapi.json"),
        homeroom::http::openapi_document(),
    )
    .unwrap();
    let own_token = admin.get("/me").await.expect(200)["token_id"].clone();
    let mut random = Random::seeded("schemathesis");
    let (rounds, seconds, cases_min) = if soak() { (20, "300", CASES_MIN) } else { (1, "75", 300) };
    let (mut cases, mut seeds) = (0, Vec::new());
    while cases < cases_min && seeds.len() < rounds {
        // The gate makes the same requests each time; the long version looks further.
        let seed = if soak() { random.between(0, 1 << 32) } else { SEED };
        let seed = seed.to_string();
        let mut run = Command::new(&schemathesis);
        run.current_dir(directory.path())
            .env("HOMEROOM_FUZZ_TOKEN_ID", own_token.to_string())
            .arg("--config-file")
            .arg(fuzz.join("schemathesis.toml"))
            .args(["run", "openapi.json", "--url", node.anonymous().base()])
            .args(["--max-time", seconds, "--seed", &seed, "--no-color"]);
        cases += cases_without_findings(run, &fuzz).await;
        seeds.push(seed);
    }
    assert!(cases >= cases_min, "only {cases} cases");
    admin.get("/readyz").await.expect(200);
    assert!(!node.stderr().contains("panicked"), "{}", node.stderr());
    let seeds = seeds.join(", ");
    let outcome = format!("every check: 0 server errors, 0 breaks of a schema, 0 wrong statuses (seeds {seeds})");
    report_row("F-A6", "cases of schemathesis", cases, &outcome);
}
