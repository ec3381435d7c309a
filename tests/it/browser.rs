//! The pages in a real browser: Debian's Chromium, driven by the stories of `web/pages/test` against real nodes. And what is
//! checked in of the pages is what their sources give.

use crate::document::{tool, without_tool};
use crate::support::report_row;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::process::Command;

const CHROMIUM: &str = "/usr/bin/chromium";

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web/pages")
}

/// Node.js, if everything that builds the pages and drives a browser is there as well.
fn node_js() -> Option<PathBuf> {
    tool("sdk/node_modules/typescript")?;
    tool("pages/node_modules/preact")?;
    tool("browser/node_modules/playwright-core")?;
    tool("node")
}

/// Runs it to its end and requires that it succeeded.
async fn succeeds(mut run: Command) {
    let ran = run.output().await.expect("it starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    let also = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{run:?}: {}\n{said}\n{also}", ran.status);
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[tokio::test]
async fn the_pages_that_are_checked_in_are_what_their_sources_give() {
    let Some(node_js) = node_js() else {
        return without_tool("PAGES", "the compilers and libraries of the pages");
    };
    let out = tempfile::tempdir().unwrap();
    let mut build = Command::new(&node_js);
    build.arg(pages().join("build.mjs")).arg(out.path());
    succeeds(build).await;
    let listed = |folder: &Path| {
        let mut found = Vec::new();
        files(folder, &mut found);
        let mut named: Vec<(PathBuf, Vec<u8>)> = found
            .into_iter()
            .map(|path| {
                (
                    path.strip_prefix(folder).unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                )
            })
            .collect();
        named.sort();
        named
    };
    let (built, kept) = (listed(out.path()), listed(&pages().join("dist")));
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(
        names(&built),
        names(&kept),
        "build them again: node web/pages/build.mjs"
    );
    assert!(
        built == kept,
        "web/pages/dist is not what its sources give: node web/pages/build.mjs"
    );
}

#[test]
fn what_the_pages_are_made_of_is_pinned_without_naming_a_registry() {
    for lock in ["web/pages/package-lock.json", ".ci/browser/package-lock.json"] {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join(lock);
        let lock: Value = serde_json::from_str(&std::fs::read_to_string(lock).unwrap()).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package["integrity"].is_string(), "{name} has no digest");
            assert!(package.get("resolved").is_none(), "{name} names where it came from");
        }
    }
}

#[tokio::test]
async fn what_needs_no_browser_is_tested_without_one() {
    let Some(node_js) = node_js() else {
        return without_tool("PAGES", "the compilers and libraries of the pages");
    };
    let out = tempfile::tempdir().unwrap();
    let mut build = Command::new(&node_js);
    build.arg(pages().join("build.mjs")).arg("--tests").arg(out.path());
    succeeds(build).await;
    let mut run = Command::new(&node_js);
    run.args(["--test", "--test-reporter=spec"]);
    let mut found = Vec::new();
    files(out.path(), &mut found);
    assert!(!found.is_empty());
    run.args(found);
    succeeds(run).await;
}

/// Runs one file of stories against nodes of its own.
async fn play(file: &str) {
    let Some(node_js) = node_js().filter(|_| Path::new(CHROMIUM).exists()) else {
        return without_tool("PAGES", "Chromium and what drives it");
    };
    let out = tempfile::tempdir().unwrap();
    let report = out.path().join("report.jsonl");
    let mut run = Command::new(&node_js);
    run.args(["--test", "--test-reporter=spec"])
        .arg(pages().join("test").join(file));
    run.env("HOMEROOM_BINARY", env!("CARGO_BIN_EXE_homeroom"));
    run.env("HOMEROOM_PAGES_REPORT", &report);
    run.kill_on_drop(true);
    succeeds(run).await;
    for line in std::fs::read_to_string(&report).unwrap_or_default().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let happened = row["happened"].as_u64().unwrap();
        report_row(text("row"), text("what"), happened, text("outcome"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stories_of_students_and_screens_come_true() {
    play("stories.test.ts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stories_of_those_who_teach_come_true() {
    play("teaching.test.ts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stories_of_who_looks_after_the_class_come_true() {
    play("admin.test.ts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_has_a_barrier_and_the_student_page_is_light() {
    play("quality.test.ts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_input_shows_as_text() {
    play("hostile.test.ts").await;
}
