//! The rules for assessment results, each on a few rows.

use super::*;

const COURSES: &str =
    "code_module,code_presentation,module_presentation_length\nBBB,2013B,9\nAAA,2013J,9\nAAA,2013Q,9\n";
const ASSESSMENTS: &str = "code_module,code_presentation,id_assessment,assessment_type,date,weight\n\
    AAA,2013J,10,TMA,5,1\nBBB,2013B,20,CMA,,1\nZZZ,2013B,30,CMA,,1\n";

fn read_sets(registrations: &str, submissions: &str) -> (Roster, Vec<Command>, Skips) {
    let source = |name: &str, text: String| Source::shipped(name, text.leak());
    let registrations = format!("code_module,code_presentation,id_student,date_registration\n{registrations}");
    let submissions = format!("id_assessment,id_student,date_submitted,is_banked,score\n{submissions}");
    let files = [
        (Kind::Assessments, source("a.csv", ASSESSMENTS.into())),
        (Kind::Courses, source("c.csv", COURSES.into())),
        (Kind::Registrations, source("r.csv", registrations)),
        (Kind::Submissions, source("s.csv", submissions)),
    ];
    let mut skips = Skips::default();
    let (roster, commands, _) = read(&files, &mut skips).expect("readable");
    (roster, commands, skips)
}

#[test]
fn runs_units_and_unknown_presentations_are_told_apart() {
    let (roster, _, skips) = read_sets("", "");
    let runs: Vec<_> = roster.qualifications.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(runs, ["AAA 2013J", "BBB 2013B"]);
    let units: Vec<_> = roster
        .units
        .iter()
        .map(|unit| (unit.id, unit.title.as_str(), unit.qualification_id))
        .collect();
    assert_eq!(units, [(10, "TMA 10", 1), (20, "CMA 20", 2)]);
    let reasons: Vec<_> = skips
        .listed
        .iter()
        .map(|skip| (skip.file.as_str(), skip.line))
        .collect();
    assert_eq!(reasons, [("c.csv", 4), ("a.csv", 4)]);
}

#[test]
fn teams_follow_from_the_number_of_students() {
    let rows: String = (1..=26).map(|student| format!("AAA,2013J,{student},-3\n")).collect();
    let (roster, ..) = read_sets(&rows, "");
    let teams: Vec<_> = roster.teams.iter().map(|team| (team.id, team.mentor_id)).collect();
    assert_eq!(teams, [(1_000, Some(90_001_000)), (1_001, Some(90_001_001))]);
    assert_eq!(roster.team_members[..3], [(1_001, 1), (1_000, 2), (1_001, 3)]);
    assert_eq!((roster.enrolments.len(), roster.users.len()), (26, 28));
}

#[test]
fn submissions_go_by_time_then_file_and_banked_ones_not_at_all() {
    let rows = "10,1,2,False,78\n20,1,2,False,\n10,2,2,True,90\n10,3,-1,False,100\n10,4,x,False,1\n10,4,1,False,101\n";
    let (_, commands, skips) = read_sets("AAA,2013J,1,0\n", rows);
    let text = |command: &Command| {
        let mut text = String::new();
        command.write_fields(true, &mut text);
        text
    };
    let commands: Vec<String> = commands.iter().map(text).collect();
    let wanted = [
        r#""user_id":1,"unit_id":20,"progress_percentage":100,"occurred_at":"2013-02-03T12:00:00.000Z""#,
        r#""user_id":3,"unit_id":10,"progress_percentage":100,"occurred_at":"2013-09-30T12:00:00.000Z""#,
        r#""user_id":3,"action_type":"complete_quiz","reference_id":10,"evidence":{"score":1},"occurred_at":"2013-09-30T12:00:00.000Z""#,
        r#""user_id":1,"unit_id":10,"progress_percentage":100,"occurred_at":"2013-10-03T12:00:00.000Z""#,
        r#""user_id":1,"action_type":"complete_quiz","reference_id":10,"evidence":{"score":0.78},"occurred_at":"2013-10-03T12:00:00.000Z""#,
    ];
    assert_eq!(commands, wanted);
    assert_eq!(skips.count, 4, "{:?}", skips.listed);
}
