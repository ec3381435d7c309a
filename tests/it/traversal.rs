//! F-S8: names that point elsewhere, in every place of a path, byte for byte as they are written here: 404 or 400, no
//! file outside is read or made, and none of the node's own is given out.

use crate::support::{ADMIN_TOKEN, Class, NodeProcess, Raw, document, raw_request, report_row, statuses};
use std::collections::BTreeSet;
use std::path::Path;

const CANARY: &str = "canary-3b1f77d0";

const NAMES: [&str; 24] = [
    "..",
    ".",
    "../canary",
    "../../canary",
    "..%2fcanary",
    "..%2Fcanary",
    "%2e%2e%2fcanary",
    "%2e%2e/canary",
    "..%5ccanary",
    "..\\canary",
    "%252e%252e%252fcanary",
    "..%252fcanary",
    "%c0%ae%c0%ae%c0%afcanary",
    "%uff0e%uff0e%u2215canary",
    "....//canary",
    "..;/canary",
    "canary%00",
    "homeroom.sqlite3%00.json",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "homeroom.sqlite3",
    "admin-token",
];

/// Every file below a directory.
fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path.clone());
            }
            found.insert(path.strip_prefix(directory).unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

/// Every place of a path of the document, filled with a name; and the name under every fixed beginning.
fn targets(path: &str, name: &str) -> Vec<String> {
    let mut targets = vec![format!("{}/{name}", path.split("/{").next().unwrap())];
    let parts: Vec<&str> = path.split('/').collect();
    for (place, part) in parts.iter().enumerate() {
        if part.starts_with('{') {
            let filled = parts.iter().enumerate().map(|(other, part)| match () {
                () if other == place => name,
                () if part.starts_with('{') => "1",
                () => part,
            });
            targets.push(filled.collect::<Vec<_>>().join("/"));
        }
    }
    targets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fs8_names_that_point_elsewhere_lead_nowhere() {
    let around = tempfile::tempdir().unwrap();
    let data = around.path().join("data");
    std::fs::create_dir(&data).unwrap();
    for place in [around.path().join("canary"), data.join("canary")] {
        std::fs::write(place, CANARY).unwrap();
    }
    let node = NodeProcess::start(&data).await;
    Class::import(&node.admin(), 0, 2).await;
    let before = files(around.path());
    let mut asked = BTreeSet::new();
    for (method, path, operation) in document::operations() {
        let body = document::example_body(operation).map_or_else(String::new, |body| body.to_string());
        for name in NAMES {
            for target in targets(path, name) {
                if !asked.insert(format!("{method} {target}")) {
                    continue;
                }
                let method = method.to_uppercase();
                let bytes = raw_request(&node.admin(), &method, &target, "Connection: close\r\n", &body);
                let text = Raw::exchange(&node.admin(), bytes).await;
                let status = statuses(&text)[0];
                assert!([400, 404, 405].contains(&status), "{method} {target}: {text}");
                for secret in [CANARY, ADMIN_TOKEN, "SQLite format 3", "root:"] {
                    assert!(!text.contains(secret), "{method} {target} gave a file out: {text:.200}");
                }
            }
        }
    }
    let made: Vec<String> = files(around.path()).difference(&before).cloned().collect();
    let own = |name: &String| {
        ["data/homeroom.", "data/backups", "data/erasures"]
            .iter()
            .any(|own| name.starts_with(own))
    };
    assert!(made.iter().all(own), "files were made: {made:?}");
    let gone: Vec<String> = before.difference(&files(around.path())).cloned().collect();
    assert!(gone.iter().all(own), "files are gone: {gone:?}");
    for place in [around.path().join("canary"), data.join("canary")] {
        assert_eq!(std::fs::read_to_string(place).unwrap(), CANARY);
    }
    node.admin().get("/users/1").await.expect(200);
    report_row(
        "F-S8",
        "names that point elsewhere",
        asked.len() as u64,
        "400, 404 or 405; 0 files outside",
    );
}
