//! The client library of `web/sdk`: what the node serves is what its sources give, it passes its own tests, and those include
//! a real node that is killed under it.

use crate::document::{tool, without_tool};
use crate::support::{Node, left_out, report_row};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::process::Command;

const FILES: [(&str, &str); 2] = [("homeroom.js", "text/javascript"), ("homeroom.d.ts", "text/plain")];

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web/sdk")
}

/// Node.js, if the compilers of the library are there as well.
fn node_js() -> Option<PathBuf> {
    tool("sdk/node_modules/typescript")?;
    tool("node")
}

/// Runs it to its end and requires that it succeeded.
async fn succeeds(mut run: Command) {
    let ran = run.output().await.expect("it starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    let also = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{run:?}: {}\n{said}\n{also}", ran.status);
}

/// Runs `build.mjs`.
async fn build(node_js: &Path, arguments: &[&Path]) {
    let mut run = Command::new(node_js);
    run.arg(library().join("build.mjs")).args(arguments);
    succeeds(run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_library_is_there_for_everybody_and_spared_for_whoever_has_it() {
    let node = Node::start().await;
    for (name, media_type) in FILES {
        let url = format!("{}/sdk/{name}", node.anonymous().base());
        let answer = reqwest::get(&url).await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), format!("{media_type}; charset=utf-8"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "public, no-cache");
        let tag = header("etag");
        let kept = std::fs::read_to_string(library().join("dist").join(name)).unwrap();
        assert_eq!(answer.text().await.unwrap(), kept, "{name}");
        let again = reqwest::Client::new()
            .get(&url)
            .header("if-none-match", &tag)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (again.status().as_u16(), again.headers()["etag"].to_str().unwrap()),
            (304, tag.as_str())
        );
        assert!(again.bytes().await.unwrap().is_empty());
        // As every answer, it is described.
        node.anonymous().get(&format!("/sdk/{name}")).await;
    }
    for path in [
        "/sdk",
        "/sdk/",
        "/sdk/build.mjs",
        "/sdk/..%2fbuild.mjs",
        "/sdk/%2e%2e/healthz",
        "/sdk/homeroom.js/",
    ] {
        let answer = reqwest::get(format!("{}{path}", node.anonymous().base()))
            .await
            .unwrap();
        let is_other_route = path.ends_with("/healthz");
        assert!(answer.status() == 404 || is_other_route, "{path}: {}", answer.status());
    }
}

#[test]
fn what_builds_the_library_is_pinned_without_naming_a_registry() {
    let lock = std::fs::read_to_string(library().join("package-lock.json")).unwrap();
    let lock: Value = serde_json::from_str(&lock).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    assert!(packages.len() > 3);
    for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
        assert!(package["integrity"].is_string(), "{name} has no digest");
        assert!(package.get("resolved").is_none(), "{name} names where it came from");
    }
    for (name, version) in packages[""]["devDependencies"].as_object().unwrap() {
        let version = version.as_str().unwrap();
        assert!(
            version.chars().all(|c| c.is_ascii_digit() || c == '.'),
            "{name} {version} is not one version"
        );
    }
    assert!(
        packages[""].get("dependencies").is_none(),
        "the library depends on nothing"
    );
}

#[tokio::test]
async fn what_is_checked_in_is_what_the_sources_give() {
    let Some(node_js) = node_js() else {
        return without_tool("SDK", "the compilers of the client library");
    };
    let out = tempfile::tempdir().unwrap();
    build(&node_js, &[out.path()]).await;
    for (name, _) in FILES {
        let built = std::fs::read(out.path().join(name)).unwrap();
        let kept = std::fs::read(library().join("dist").join(name)).unwrap();
        assert!(
            built == kept,
            "web/sdk/dist/{name} is not what its sources give: node web/sdk/build.mjs"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_library_passes_its_tests_against_a_real_node() {
    let Some(node_js) = node_js() else {
        return without_tool("SDK", "the compilers of the client library");
    };
    let out = tempfile::tempdir().unwrap();
    build(&node_js, &[Path::new("--tests"), out.path()]).await;
    let mut run = Command::new(&node_js);
    run.args(["--test", "--test-reporter=spec"]);
    let mut count = 0;
    for entry in std::fs::read_dir(out.path()).unwrap() {
        run.arg(entry.unwrap().path());
        count += 1;
    }
    assert!(count >= 5, "only {count} files of tests");
    let report = out.path().join("report.jsonl");
    run.env("HOMEROOM_BINARY", env!("CARGO_BIN_EXE_homeroom"));
    run.env("HOMEROOM_SDK_REPORT", &report);
    succeeds(run).await;
    let mut happened = 0;
    for line in std::fs::read_to_string(&report).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        if row["left_out"].is_string() {
            left_out(text("row"), text("what"), text("left_out"));
        } else {
            happened += 1;
            report_row(
                text("row"),
                text("what"),
                row["happened"].as_u64().unwrap(),
                text("outcome"),
            );
        }
    }
    assert!(happened >= 3, "faults of only {happened} kinds happened");
}
