//! The rules for logs, each on a few rows.

use super::*;
use crate::replay::plan::Skips;

const HEADER: &str = "time,run,actor_id,affected_id,module_id,group_id,grade_item_id,component,event,context\n";

fn read_rows(files: &[&str]) -> (Roster, Vec<String>, Skips) {
    let sources: Vec<Source> = files
        .iter()
        .enumerate()
        .map(|(number, rows)| Source::shipped(&format!("{number}.csv"), format!("{HEADER}{rows}").leak()))
        .collect();
    let mut skips = Skips::default();
    let (roster, commands, _) = read(&sources, &mut skips).expect("readable");
    let text = |command: &Command| match command.deed {
        Deed::Progress { unit_id, percentage } => format!("{} {unit_id} to {percentage}", command.user_id),
        Deed::Earn {
            action, reference_id, ..
        } => format!("{} {} {reference_id}", command.user_id, action.name()),
    };
    (roster, commands.iter().map(text).collect(), skips)
}

#[test]
fn every_event_of_the_table_gives_what_it_should() {
    let view = "2019-01-01T00:00:00Z,r,1,,5,,,File,Course module viewed,File: a\n";
    for (row, wanted) in [
        (
            "r,2,,5,,,Page,Course module viewed,x",
            vec!["2 5 to 100", "2 read_content 5"],
        ),
        (
            "r,2,,5,,,Forum,Course module viewed,x",
            vec!["2 5 to 50", "2 read_content 5"],
        ),
        (
            "r,2,,5,,,Assignment,Submission created.,x",
            vec!["2 5 to 100", "2 contribute_resource 5"],
        ),
        (
            "r,2,,5,,,Assignment,A submission has been submitted.,x",
            vec!["2 5 to 100", "2 contribute_resource 5"],
        ),
        (
            "r,2,3,5,,,System,Course activity completion updated,x",
            vec!["3 5 to 100"],
        ),
        (
            "r,2,3,5,,,Assignment,The submission has been graded.,x",
            vec!["3 complete_quiz 5"],
        ),
        ("r,2,3,,,9,System,User graded,x", vec!["3 complete_quiz 10000009"]),
        ("r,2,,5,,,Comments,Comment created,x", vec!["2 community_feedback 5"]),
        ("r,2,,6,,,Assignment,Submission created.,not a unit", vec![]),
        ("r,2,,,,,System,Course viewed,x", vec![]),
    ] {
        let (_, commands, skips) = read_rows(&[&format!("{view}2019-01-02T00:00:00Z,{row}\n")]);
        assert_eq!(commands[2..], wanted, "{row}");
        assert_eq!(skips.count, 0, "{row}");
    }
}

#[test]
fn staff_of_one_run_is_staff_in_all_and_gives_nothing() {
    let (roster, commands, _) = read_rows(&[
        "2019-01-01T00:00:00Z,a,7,,5,,,File,Course module viewed,x\n2019-01-01T00:00:00Z,a,1,,5,,,File,Course module viewed,\n",
        "2019-01-01T00:00:00Z,b,7,,,,,System,Log report viewed,x\n",
    ]);
    assert_eq!(commands, ["1 5 to 100", "1 read_content 5"]);
    let roles: Vec<_> = roster.users.iter().map(|user| (user.id, user.role)).collect();
    assert_eq!(roles, [(1, Role::Student), (7, Role::Mentor)]);
    // The member of staff viewed first, but the first view of a student counts; it has no title.
    assert_eq!(
        roster.units,
        [Unit {
            id: 5,
            title: "Unit 5".into(),
            qualification_id: 1
        }]
    );
    assert_eq!(roster.enrolments, [(1, 1)]);
}

#[test]
fn runs_have_their_groups_or_one_team_and_the_busiest_of_staff_as_mentor() {
    let (roster, ..) = read_rows(&[
        "2019-01-01T00:00:00Z,b,9,,,,,S,Course created,x\n2019-01-01T00:00:00Z,b,8,,,,,S,Course created,x\n\
         2019-01-01T00:00:00Z,b,9,1,,44,,S,Group member added,x\n2019-01-01T00:00:00Z,b,8,9,,44,,S,Group member added,x\n\
         2019-01-01T00:00:00Z,b,2,,,,,S,Course viewed,x\n",
        "2019-01-01T00:00:00Z,a,2,,,,,S,Course viewed,x\n2019-01-01T00:00:00Z,a,3,,,,,S,Course viewed,x\n",
    ]);
    let teams: Vec<_> = roster.teams.iter().map(|team| (team.id, team.mentor_id)).collect();
    assert_eq!(teams, [(100_001, None), (44, Some(8))]);
    assert_eq!(roster.team_members, [(100_001, 2), (100_001, 3), (44, 1)]);
    assert_eq!(roster.enrolments, [(1, 2), (1, 3), (2, 1), (2, 2)]);
}

#[test]
fn a_day_that_never_was_is_skipped_with_its_line() {
    let (roster, commands, skips) = read_rows(&["2018-02-29T18:59:00Z,r,1,,5,,,File,Course module viewed,x\n\
         2018-03-01T18:59:00Z,r,x,,5,,,File,Course module viewed,x\n2018-03-01T18:59:00Z,r,3,,5\n"]);
    assert_eq!((roster, commands.len()), (Roster::default(), 0));
    let lines: Vec<_> = skips.listed.iter().map(|skip| skip.line).collect();
    assert_eq!(lines, [2, 3, 4]);
    assert!(skips.listed[0].reason.contains("2018-02-29"));
}

#[test]
fn commands_go_by_time_then_file_then_row() {
    let (_, commands, _) = read_rows(&[
        "2019-01-03T00:00:00Z,a,1,,5,,,File,Course module viewed,x\n2019-01-02T00:00:00Z,a,2,,5,,,URL,Course module viewed,x\n",
        "2019-01-02T00:00:00Z,b,3,,5,,,Quiz,Course module viewed,x\n",
    ]);
    let wanted = [
        "2 5 to 100",
        "2 read_content 5",
        "3 5 to 50",
        "3 read_content 5",
        "1 5 to 100",
        "1 read_content 5",
    ];
    assert_eq!(commands, wanted);
}

#[test]
fn titles_are_one_line_and_not_too_long() {
    assert_eq!(title("File: a\nb\tc", 5), "File: a b c");
    assert_eq!(title(&"é".repeat(300), 5).chars().count(), 200);
    assert_eq!(title(" \n", 5), "Unit 5");
}
