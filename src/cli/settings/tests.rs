//! Which setting counts, where it came from, and what is said of mistakes.

use super::*;
use crate::config::Durability;
use clap::Parser;
use std::io::Write;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: SettingArgs,
}

fn load(flags: &[&str], environment: &[(&str, &str)], file: &str) -> Result<Loaded, Vec<Wrong>> {
    let mut kept = tempfile::NamedTempFile::new().unwrap();
    kept.write_all(file.as_bytes()).unwrap();
    let line = Line::try_parse_from(["serve"].iter().chain(flags)).unwrap();
    let args = line.args.with_file(Some(kept.path().to_owned()));
    let environment = |name: &str| {
        let found = environment.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    args.load_with(environment)
}

fn origin(loaded: &Loaded, name: &str) -> String {
    let place = SETTINGS.iter().position(|setting| setting.name == name).unwrap();
    match &loaded.origins[place] {
        Origin::File { line, .. } => format!("line {line}"),
        other => other.to_string(),
    }
}

#[test]
fn a_flag_counts_more_than_the_environment_and_that_more_than_the_file() {
    let file =
        "listen = '0.0.0.0:1'\n# a comment\ntime_zone = 'Europe/Berlin'\nboard_window = 10\ndurability = 'process'";
    let environment = [
        ("HOMEROOM_BOARD_WINDOW", "15"),
        ("HOMEROOM_PROJECTOR_PLACES", "7"),
        ("HOMEROOM_LISTEN", ""),
    ];
    let all = load(&["--board-window", "20"], &environment, file).unwrap();
    assert_eq!(all.settings.listen, "0.0.0.0:1");
    assert_eq!(all.settings.config.time_zone, "Europe/Berlin");
    assert_eq!(all.settings.config.board_window, 20);
    assert_eq!(all.settings.config.projector_places, 7);
    assert_eq!(all.settings.config.durability, Durability::Process);
    assert_eq!(all.settings.config.data, PathBuf::from("homeroom-data"));
    for (name, from) in [
        ("listen", "line 1"),
        ("time_zone", "line 3"),
        ("board_window", "flag --board-window"),
        ("projector_places", "environment HOMEROOM_PROJECTOR_PLACES"),
        ("data", "default"),
    ] {
        assert_eq!(origin(&all, name), from, "{name}");
    }
}

#[test]
fn lists_come_separated_or_repeated_and_empty_texts_are_absent() {
    let origins = ["--allowed-origins", "https://a.example,https://b.example"];
    let more = ["--allowed-origins", "https://c.example", "--admin-token", ""];
    let all = load(&[&origins[..], &more].concat(), &[], "database_url = ''").unwrap();
    let three = ["https://a.example", "https://b.example", "https://c.example"];
    assert_eq!(all.settings.config.allowed_origins, three);
    assert_eq!(all.settings.config.admin_token, None);
    assert_eq!(all.settings.config.database_url, None);
}

#[test]
fn a_mistake_is_named_with_its_place() {
    type Row<'r> = (&'r [&'r str], &'r [(&'r str, &'r str)], &'r str, &'r [&'r str]);
    let cases: &[Row<'_>] = &[
        (&[], &[], "\nprot = 1", &["line 2", "no setting prot"]),
        (&[], &[], "board-window = 1", &["line 1", "did you mean board_window?"]),
        (&[], &[], "listn = 'x'", &["did you mean listen?"]),
        (
            &[],
            &[],
            "\n\nboard_window = '20'",
            &["line 3", "board_window", "without quotes"],
        ),
        (&[], &[], "listen = 8080", &["line 1", "listen", "quotes"]),
        (&[], &[], "listen = \"x", &["line 1", "TOML"]),
        (&[], &[], "durability = 'some'", &["line 1", "full, process"]),
        (
            &[],
            &[],
            "\ntime_zone = 'Mars/Olympus'",
            &["line 2", "time_zone", "Mars/Olympus"],
        ),
        (
            &[],
            &[("HOMEROOM_BOARD_WINDOW", "many")],
            "",
            &["HOMEROOM_BOARD_WINDOW", "whole number"],
        ),
        (
            &[],
            &[("HOMEROOM_TIME_ZONE", "Mars")],
            "",
            &["environment HOMEROOM_TIME_ZONE", "Mars"],
        ),
        (&["--board-window", "0"], &[], "", &["flag --board-window", "from 1 to"]),
    ];
    for (flags, environment, file, parts) in cases {
        let wrong = load(flags, environment, file).unwrap_err();
        let said = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for part in *parts {
            assert!(said.contains(part), "{part:?} is not in {said:?}");
        }
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let wrong = load(&[], &[], "prot = 1\nboard_window = 'x'\nlog = 3").unwrap_err();
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}

#[test]
fn secrets_are_not_shown() {
    let mut all = load(&["--admin-token", "hunter2"], &[], "").unwrap();
    for setting in SETTINGS {
        assert!(!all.shown(setting).to_string().contains("hunter2"), "{}", setting.name);
    }
}
