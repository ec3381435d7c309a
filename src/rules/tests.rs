//! Files with rules: the shipped one is what the domain ships, and every fault is named with its line and field.

use super::*;
use homeroom_actors::domain::Action;
use homeroom_actors::domain::rules::{AtCap, CapSpan, Measure, TeamScoring, Transfer};
use homeroom_schema::{QualificationId, ReferenceId, TimeMs};

/// What is wrong, one fault a line: `line field: message`.
fn faults(document: &str) -> Vec<String> {
    match parse(document) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_shipped_document_says_the_shipped_rules() {
    let shipped = Rules {
        version: 0,
        ..Rules::shipped()
    };
    assert_eq!(parse(shipped_document()), Ok(shipped.clone()));
    assert_eq!(parse(""), Ok(shipped), "what is left out is as shipped");
}

#[test]
fn every_section_can_be_said() {
    let document = r#"
name = "North School"
[actions.read_content]
points = 12
cooldown = "30s"
windows = [{ awards = 3, within = "1h" }, { awards = 20, within = "2 days" }]
[actions.complete_quiz]
self_reportable = true
[[caps]]
actions = ["read_content", "complete_quiz"]
points = 200
per = "day"
at_cap = "partial"
[[caps]]
points = 1_000
per = "7 days"
[[bonuses]]
multiplier = 1.5
from = 2026-12-01T08:00:00+01:00
to = 2026-12-08T08:00:00+01:00
[qualifications.7.actions.complete_quiz]
points = 80
[[qualifications.7.caps]]
points = 400
per = "season"
[levels]
starts_at = [0, 100, 300]
names = ["Beginner", "Able"]
[[achievements]]
achievement_type = "regular"
criteria = [{ key = "days", measure = "active_days", targets = [5, 20, 60] }]
[quizzes]
pass_from = 0.5
[quizzes.par]
17 = "90s"
[skills.by_skill.fractions]
slip = 0.05
[teams]
scoring = "adjusted"
transfer = "stay"
[[seasons]]
name = "Autumn"
from = 2026-09-01
to = 2027-01-01
[signals]
silent_days = 14
"#;
    let rules = parse(document).expect("sound rules");
    assert_eq!((rules.version, rules.name.as_str()), (0, "North School"));
    let read = rules.everywhere.action(Action::ReadContent).expect("an action");
    assert_eq!((read.points, read.cooldown_ms, read.windows.len()), (12, 30_000, 2));
    assert_eq!((read.windows[1].awards, read.windows[1].within_ms), (20, 172_800_000));
    assert!(rules.is_self_reportable(Action::CompleteQuiz) && rules.is_self_reportable(Action::ReadContent));
    let caps = &rules.everywhere.caps;
    assert_eq!((caps[0].per, caps[0].at_cap), (CapSpan::Day, AtCap::Partial));
    assert_eq!(
        (caps[1].per, caps[1].at_cap),
        (CapSpan::RollingMs(604_800_000), AtCap::Refuse)
    );
    assert_eq!(caps[1].actions(), Action::ALL);
    let bonus = &rules.everywhere.bonuses[0];
    assert_eq!((bonus.percent, bonus.from), (150, TimeMs(1_796_108_400_000)));
    let seven = &rules.qualifications[&QualificationId::new(7).expect("an id")];
    assert_eq!(seven.action(Action::CompleteQuiz).map(|action| action.points), Some(80));
    assert_eq!(seven.action(Action::ReadContent), Some(read), "as everywhere");
    assert_eq!(
        (seven.caps.len(), seven.caps[0].per),
        (1, CapSpan::Season),
        "a list replaces"
    );
    assert_eq!(seven.bonuses, rules.everywhere.bonuses);
    assert_eq!((rules.levels.level_of(299), rules.levels.name(2)), (2, Some("Able")));
    let criterion = &rules.achievements[0].criteria[0];
    assert_eq!(
        (criterion.key.as_str(), criterion.measure),
        ("days", Measure::ActiveDays)
    );
    assert_eq!(rules.quizzes.par_ms[&ReferenceId::new(17).expect("an id")], 90_000);
    let fractions = rules.skills.by_skill["fractions"];
    assert_eq!((fractions.slip, fractions.guess), (0.05, 0.2));
    assert_eq!(
        (rules.teams.scoring, rules.teams.transfer),
        (TeamScoring::Adjusted, Transfer::Stay)
    );
    assert_eq!((rules.seasons[0].from_day, rules.seasons[0].to_day), (20_697, 20_819));
    assert_eq!((rules.signals.silent_days, rules.signals.stuck_days), (14, 7));
}

#[test]
fn every_wrong_field_is_named_with_its_line_all_at_once() {
    let document = r#"nane = "x"
[actions.read_content]
points = "ten"
cooldown = 30
[actions.complete_quiz]
points = -1
point = 5
[actions.dancing]
points = 1
[[caps]]
actions = ["read_content", "sleep"]
per = "fortnight"
[[bonuses]]
percent = 150
multiplier = 1.5
from = 2026-12-01
to = 2026-12-08T08:00:00Z
[qualifications.maths]
caps = 3
[[achievements]]
criteria = [{ measure = "charm", targets = [1, 2] }]
[[seasons]]
name = "Autumn"
from = "2026-09-01"
"#;
    assert_eq!(
        faults(document),
        [
            "line 1: nane: there is no such field; did you mean name?",
            "line 3: actions.read_content.points: must be a whole number, without quotes",
            "line 4: actions.read_content.cooldown: must be a duration in quotes, such as \"30s\", \"10 min\", \"1h 30min\" or \
             \"2 days\"",
            "line 6: actions.complete_quiz.points: must be a whole number from 0 to 4294967295",
            "line 7: actions.complete_quiz.point: there is no such field; did you mean points?",
            "line 8: actions.dancing: there is no such field; there are read_content, complete_quiz, contribute_resource, \
             community_feedback, team_achievement",
            "line 10: caps[0].points: is missing",
            "line 11: caps[0].actions: element 2: there is no \"sleep\"; there are read_content, complete_quiz, \
             contribute_resource, community_feedback, team_achievement",
            "line 12: caps[0].per: must be \"day\", \"week\", \"season\", or a duration such as \"24h\" for any window of that \
             length",
            "line 15: bonuses[0].multiplier: stands beside `percent`: only one of both can be said",
            "line 16: bonuses[0].from: must be a time with its offset and without quotes, such as 2026-09-01T08:00:00+02:00",
            "line 18: qualifications.maths: must be the id of a qualification",
            "line 19: qualifications.maths.caps: must be a list",
            "line 20: achievements[0].achievement_type: is missing",
            "line 21: achievements[0].criteria[0].measure: there is no \"charm\"; there are qualification_completion, \
             mean_best_score, resource_quality, perfect_scores, fast_completions, consistent_results, \
             high_quality_submissions, usage_by_others, feedback_rating, participation, team_achievements, team_success, \
             points, units_completed, active_days, read_content, complete_quiz, contribute_resource, community_feedback",
            "line 22: seasons[0].to: is missing",
            "line 24: seasons[0].from: must be a date without quotes, such as 2026-09-01",
        ]
    );
}

#[test]
fn rules_that_contradict_themselves_are_named_with_their_line_all_at_once() {
    let document = r#"name = " "
[actions.complete_quiz]
windows = [{ awards = 0, within = "0s" }]
[[caps]]
actions = ["complete_quiz"]
points = 40
per = "day"
[[bonuses]]
multiplier = 2
from = 2026-12-08T08:00:00Z
to = 2026-12-01T08:00:00Z
[levels]
starts_at = [10, 100, 100]
names = ["a", "b", "c", "d"]
[[achievements]]
achievement_type = "Top Of All"
criteria = [
  { measure = "points", targets = [3, 2, 1] },
  { measure = "points", targets = [1, 2, 3] },
]
[[achievements]]
achievement_type = "empty"
[quizzes]
pass_from = 1.5
[skills.default]
guess = 0.6
slip = 0.5
[[seasons]]
name = "Autumn"
from = 2026-09-01
to = 2027-01-01
[[seasons]]
name = "Winter"
from = 2026-12-01
to = 2026-11-01
"#;
    let lines: Vec<String> = faults(document);
    let fields: Vec<&str> = lines
        .iter()
        .map(|line| line.rsplit_once(": ").map_or("", |parts| parts.0))
        .collect();
    assert_eq!(
        fields
            .iter()
            .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": "))
            .collect::<Vec<_>>(),
        [
            "line 1: name",
            "line 3: actions.complete_quiz.windows[0].awards",
            "line 3: actions.complete_quiz.windows[0].within",
            "line 6: caps[0].points",
            "line 11: bonuses[0].to",
            "line 13: levels.starts_at",
            "line 13: levels.starts_at",
            "line 14: levels.names",
            "line 16: achievements[0].achievement_type",
            "line 18: achievements[0].criteria[0].targets",
            "line 19: achievements[0].criteria[1].key",
            "line 21: achievements[1].criteria",
            "line 24: quizzes.pass_from",
            "line 26: skills.default.guess",
            "line 34: seasons[1].from",
            "line 35: seasons[1].to",
        ],
        "{lines:#?}"
    );
}

#[test]
fn a_document_that_is_no_toml_or_too_large_is_refused_with_its_line() {
    assert_eq!(faults("name = \"x\"\n[actions").len(), 1);
    assert!(faults("name = \"x\"\n[actions")[0].starts_with("line 2: no valid TOML"));
    let large = "#".repeat(RULES_BYTES_MAX + 1);
    assert_eq!(faults(&large), ["line 1: the document has more than 262144 bytes"]);
    let many: String = (0..RULES_FAULTS_MAX + 7)
        .map(|number| format!("field{number} = 1\n"))
        .collect();
    let many = faults(&many);
    assert_eq!(
        (many.len(), many.last().map(String::as_str)),
        (101, Some("line 100: 7 more faults"))
    );
}
