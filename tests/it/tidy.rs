//! House rules that are tests: headers, the direction of dependencies, limits and invariants that nobody forgot, no
//! reminders, no machine's paths, a README that is true.

use crate::support::NodeProcess;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of ours with one of these endings, relative to the root, with its text.
fn files(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("a readable directory") {
            let entry = entry.expect("a readable entry");
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if path.is_dir() {
                let is_ours = !["target", "node_modules", "homeroom-data"].contains(&&*name);
                if is_ours && (!name.starts_with('.') || name == ".ci") {
                    waiting.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).expect("a readable text file");
                found.push((path.strip_prefix(root).expect("inside the root").to_path_buf(), text));
            }
        }
    }
    assert!(
        !found.is_empty(),
        "the files of {endings:?} were not found under {}",
        root.display()
    );
    found.sort();
    found
}

fn rust_files() -> Vec<(PathBuf, String)> {
    files(&[".rs"])
}

/// The words of a text: runs of letters, digits and underscores.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Lines of code without comments; a rule about names must not stumble over a sentence.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

#[test]
fn every_file_begins_with_what_lives_in_it() {
    let bare: Vec<_> = rust_files()
        .into_iter()
        // A crate whose documentation is its README includes it as its first line.
        .filter(|(_, text)| !text.starts_with("//!") && !text.starts_with("#![doc = include_str!"))
        .map(|(path, _)| path)
        .collect();
    assert!(bare.is_empty(), "no `//!` in the first line of {bare:?}");
}

#[test]
fn dependencies_point_one_way() {
    let forbidden: [(&str, &[&str]); 3] = [
        ("schema", &["homeroom_actors", "homeroom", "axum", "ractor"]),
        (
            "actors",
            &["homeroom", "axum", "rusqlite", "reqwest", "hyper", "tokio_tungstenite"],
        ),
        ("src", &["rusqlite", "r2d2", "ractor"]),
    ];
    for (path, text) in rust_files() {
        // Tests and examples of a crate may look at a store from outside.
        if path
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "examples")
        {
            continue;
        }
        let room = path
            .components()
            .next()
            .expect("a path")
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let Some((_, names)) = forbidden.iter().find(|(directory, _)| *directory == room) else {
            continue;
        };
        for line in code_lines(&text) {
            for name in words(line) {
                let is_path =
                    line.contains(&format!("{name}::")) || line.starts_with("use ") || line.starts_with("extern ");
                assert!(
                    !(is_path && names.contains(&name)),
                    "{} names {name}: {line}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_limit_is_used_beside_its_definition() {
    let all = rust_files();
    let (_, limits) = all
        .iter()
        .find(|(path, _)| path.ends_with("schema/src/limits.rs"))
        .expect("limits.rs");
    let names: Vec<&str> = limits
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split(':').next())
        .collect();
    assert!(names.len() > 20, "the limits were not found");
    let mut used = BTreeSet::new();
    for (path, text) in &all {
        if !path.ends_with("schema/src/limits.rs") {
            used.extend(words(text));
        }
    }
    let unused: Vec<_> = names.into_iter().filter(|name| !used.contains(name)).collect();
    assert!(unused.is_empty(), "bounds that bound nothing: {unused:?}");
}

#[test]
fn every_invariant_is_named_in_a_test() {
    let mut named = BTreeSet::new();
    for (path, text) in rust_files() {
        if path.ends_with("tests/it/tidy.rs") {
            continue;
        }
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        let tests = if is_test {
            text.as_str()
        } else {
            text.split_once("#[cfg(test)]").map_or("", |(_, tests)| tests)
        };
        named.extend(words(tests).map(str::to_owned));
    }
    let forgotten: Vec<_> = (1..=10)
        .map(|n| format!("I{n}"))
        .filter(|name| !named.contains(name))
        .collect();
    assert!(forgotten.is_empty(), "invariants that no test names: {forgotten:?}");
}

/// All that people wrote here, except what is made by programs.
fn texts() -> Vec<(PathBuf, String)> {
    files(&[
        ".rs",
        ".md",
        ".toml",
        ".sql",
        ".html",
        ".css",
        ".js",
        ".ts",
        "Makefile",
        "Dockerfile",
        "run",
    ])
}

#[test]
fn no_reminder_was_left_behind() {
    // Put together here, so that this file does not hold what it forbids.
    let reminders = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|parts| parts.concat());
    for (path, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            let found = words(line).find(|word| reminders.iter().any(|reminder| reminder == word));
            assert!(found.is_none(), "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    let places = [
        ["/wo", "rk/"],
        ["/ho", "me/"],
        ["/ro", "ot/"],
        ["/Use", "rs/"],
        ["C:", "\\"],
    ]
    .map(|parts| parts.concat());
    for (path, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            let found = places.iter().find(|place| line.contains(place.as_str()));
            assert!(found.is_none(), "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

/// Lines of the shell blocks of a Markdown text.
fn shell_lines(markdown: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut in_shell = false;
    for line in markdown.lines() {
        match line.trim_start().strip_prefix("```") {
            Some(language) => in_shell = !in_shell && ["sh", "bash", "console"].contains(&language.trim()),
            None if in_shell => lines.push(line.trim().trim_start_matches("$ ")),
            None => {}
        }
    }
    lines
}

#[tokio::test]
async fn the_readme_names_only_commands_that_exist() {
    let makefile = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile")).expect("a Makefile");
    let help = NodeProcess::command()
        .stdout(std::process::Stdio::piped())
        .arg("--help")
        .output()
        .await
        .expect("the binary runs");
    assert!(help.status.success(), "--help: {}", help.status);
    let help = String::from_utf8(help.stdout).expect("help is text");
    let mut checked = 0;
    for (path, text) in files(&[".md"]) {
        for line in shell_lines(&text) {
            let parts: Vec<&str> = line.split_whitespace().collect();
            let command = match parts.as_slice() {
                ["make", target, ..] => {
                    checked += 1;
                    assert!(
                        makefile.contains(&format!("\n{target}:")),
                        "{}: make {target}",
                        path.display()
                    );
                    continue;
                }
                [
                    "homeroom" | "target/release/homeroom" | "./target/release/homeroom",
                    command,
                    ..,
                ] => *command,
                ["cargo", "run", rest @ ..] => match rest.iter().position(|part| *part == "--") {
                    Some(place) if place + 1 < rest.len() => rest[place + 1],
                    _ => continue,
                },
                _ => continue,
            };
            if command.starts_with('-') || command.chars().all(char::is_uppercase) {
                continue;
            }
            checked += 1;
            let is_known = help.lines().any(|line| line.split_whitespace().next() == Some(command));
            assert!(
                is_known,
                "{}: homeroom {command} is not in --help:\n{help}",
                path.display()
            );
        }
    }
    // A check that found nothing to check has not checked.
    assert!(checked > 0, "no command was found in any Markdown file");
}
