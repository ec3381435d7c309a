//! Rules about the source itself: what the domain and the engine may know, and that every file says what lives in it.

use std::fs;
use std::path::{Path, PathBuf};

/// What a `use` line of the domain may begin with. No runtime, clock, zone, randomness or log is among them.
const DOMAIN_USES: &[&str] = &[
    "std::",
    "serde::{Deserialize, Serialize}",
    "homeroom_schema::",
    "crate::domain::",
];
/// Parts of `std` and of the schema that are no pure data.
const DOMAIN_NEVER: &[&str] = &[
    "std::time",
    "std::thread",
    "std::fs",
    "std::net",
    "std::env",
    "SystemTime",
    "Instant",
    "homeroom_schema::store",
    "homeroom_schema::records",
    "homeroom_schema::Store",
    "tokio",
    "tracing",
    "async fn",
    ".await",
];
/// What the engine never imports: the edge and the databases.
const ENGINE_NEVER: &[&str] = &["axum::", "rusqlite::", "reqwest::", "homeroom::"];

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "{below} has sources");
    found
}

fn domain() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = sources("src/domain");
    files.push((
        root.join("domain.rs"),
        fs::read_to_string(root.join("domain.rs")).unwrap(),
    ));
    files
}

/// The lines of code: without comments, so that a page may speak of what code must not do.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines().map(str::trim_start))
        .filter(|(_, line)| !line.starts_with("//"))
}

/// What is imported, without `use`, `pub use` or `pub(crate) use`.
fn imported(line: &str) -> Option<&str> {
    let (visibility, path) = line.split_once("use ")?;
    (visibility.is_empty() || visibility.starts_with("pub")).then_some(path)
}

#[test]
fn the_domain_imports_only_std_serde_ids_limits_and_itself() {
    let modules: Vec<String> = domain()
        .iter()
        .filter_map(|(path, _)| Some(format!("{}::", path.file_stem()?.to_str()?)))
        .collect();
    for (path, text) in domain() {
        for (line, code) in code(&text) {
            let Some(import) = imported(code) else { continue };
            let is_own = modules.iter().any(|module| import.starts_with(module.as_str()));
            let is_allowed = is_own || DOMAIN_USES.iter().any(|allowed| import.starts_with(allowed));
            assert!(is_allowed, "{}:{line}: {code}", path.display());
        }
    }
}

#[test]
fn the_domain_knows_no_clock_no_runtime_and_no_store() {
    for (path, text) in domain() {
        for (line, code) in code(&text) {
            let never = DOMAIN_NEVER.iter().find(|never| code.contains(*never));
            assert_eq!(never, None, "{}:{line}: {code}", path.display());
        }
    }
}

#[test]
fn the_engine_imports_neither_the_edge_nor_a_database() {
    for (path, text) in sources("src") {
        for (line, code) in code(&text) {
            let words = || code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let never = ENGINE_NEVER
                .iter()
                .find(|never| words().any(|word| word.starts_with(*never)));
            assert_eq!(never, None, "{}:{line}: {code}", path.display());
        }
    }
}

#[test]
fn the_first_line_of_each_file_says_what_lives_there() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let first = text.lines().next().unwrap_or_default();
        // The crate's own page is its README.
        let is_readme = path.ends_with("lib.rs") && first == r#"#![doc = include_str!("../README.md")]"#;
        let header = first.strip_prefix("//! ").unwrap_or_default();
        assert!(
            is_readme || header.len() > 20,
            "{} begins with a header",
            path.display()
        );
    }
}

#[test]
fn the_files_of_the_domain_stay_short() {
    for (path, text) in domain() {
        assert!(text.lines().count() < 350, "{} is one thing", path.display());
    }
}
