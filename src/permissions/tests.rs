//! The contract's table, cell by cell.

use super::*;
use homeroom_actors::topics::Period;
use homeroom_schema::TokenId;

/// Students 1 and 2 are in team 10 of mentor 5; student 3 is in team 20 of mentor 6; student 4 is in none.
struct School;

const MEMBERS: [(u64, u64); 3] = [(10, 1), (10, 2), (20, 3)];
const MENTORS: [(u64, u64); 2] = [(10, 5), (20, 6)];

impl Relations for School {
    fn is_member(&self, team_id: TeamId, user_id: UserId) -> bool {
        MEMBERS.contains(&(team_id.get(), user_id.get()))
    }
    fn is_mentor_of(&self, mentor_id: UserId, team_id: TeamId) -> bool {
        MENTORS.contains(&(team_id.get(), mentor_id.get()))
    }
    fn mentors(&self, mentor_id: UserId, user_id: UserId) -> bool {
        MENTORS
            .iter()
            .any(|&(team_id, mentor)| mentor == mentor_id.get() && MEMBERS.contains(&(team_id, user_id.get())))
    }
    fn are_teammates(&self, one: UserId, other: UserId) -> bool {
        [10, 20]
            .iter()
            .any(|&team_id| MEMBERS.contains(&(team_id, one.get())) && MEMBERS.contains(&(team_id, other.get())))
    }

    fn has_boards(&self) -> bool {
        true
    }
}

/// `admin`, `service`, `projector`, `student 1`, `mentor 5`, …
fn caller(text: &str) -> Principal {
    let (role, user_id) = text.split_once(' ').unwrap_or((text, ""));
    Principal {
        token_id: TokenId::MIN,
        role: TokenRole::parse(role).unwrap(),
        user_id: user_id.parse().ok(),
        expires_at: None,
    }
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

/// `yes`, or `status code`.
fn plain<T>(decision: Decision<T>) -> String {
    lens_text(decision.map(|_| "yes"))
}

/// What the lens is, or `status code`.
fn seen(decision: Decision<Lens>) -> String {
    lens_text(decision.map(|lens| match lens {
        Lens::Staff => "staff",
        Lens::Peer => "peer",
        Lens::Projector => "projector",
    }))
}

fn lens_text(decision: Decision<&'static str>) -> String {
    match decision {
        Ok(text) => text.into(),
        Err(problem) => format!("{} {}", problem.status, problem.code),
    }
}

const NO: &str = "403 forbidden";
const NOBODY: &str = "404 unknown_user";
const NO_TEAM: &str = "404 unknown_team";

#[test]
fn tokens_and_roster_are_decided_by_role_alone() {
    for (who, manage, write, read, correct) in [
        ("admin", "yes", "yes", "yes", "yes"),
        ("service", NO, "yes", "yes", NO),
        ("mentor 5", NO, NO, "yes", "yes"),
        ("student 1", NO, NO, "yes", NO),
        ("projector", NO, NO, NO, NO),
    ] {
        let who_is = caller(who);
        assert_eq!(plain(may_manage_tokens(&who_is)), manage, "{who} manages tokens");
        assert_eq!(plain(may_write_roster(&who_is)), write, "{who} writes the roster");
        assert_eq!(plain(may_read_roster(&who_is)), read, "{who} reads the catalogue");
        assert_eq!(plain(may_send_events(&who_is)), read, "{who} sends events");
        assert_eq!(plain(may_correct(&who_is)), correct, "{who} reverses");
    }
}

#[test]
fn services_make_tokens_for_people_and_screens_only() {
    for made in TokenRole::ALL {
        let small = !matches!(made, TokenRole::Admin | TokenRole::Service);
        assert_eq!(plain(may_make_token(&caller("admin"), made)), "yes");
        assert_eq!(
            plain(may_make_token(&caller("service"), made)),
            if small { "yes" } else { NO }
        );
        for who in ["mentor 5", "student 1", "projector"] {
            assert_eq!(plain(may_make_token(&caller(who), made)), NO, "{who}");
        }
    }
}

#[test]
fn people_are_seen_and_read_by_who_they_belong_to() {
    for (who, id, seen_as, read) in [
        ("admin", 1, "staff", "yes"),
        ("admin", 99, "staff", "yes"),
        ("service", 4, "staff", "yes"),
        ("mentor 5", 1, "staff", "yes"),
        ("mentor 5", 2, "staff", "yes"),
        ("mentor 5", 3, NOBODY, NOBODY),
        ("mentor 5", 4, NOBODY, NOBODY),
        ("mentor 5", 6, NOBODY, NOBODY),
        ("mentor 5", 99, NOBODY, NOBODY),
        ("mentor 5", 5, "staff", NO),
        ("student 1", 1, "staff", "yes"),
        ("student 1", 2, "peer", NO),
        ("student 1", 3, NOBODY, NOBODY),
        ("student 1", 5, NOBODY, NOBODY),
        ("student 1", 99, NOBODY, NOBODY),
        ("student 4", 4, "staff", "yes"),
        ("student 4", 1, NOBODY, NOBODY),
        ("projector", 1, NO, NO),
        ("projector", 99, NO, NO),
    ] {
        let who_is = caller(who);
        assert_eq!(
            seen(person_lens(&who_is, user(id), &School)),
            seen_as,
            "{who} sees {id}"
        );
        assert_eq!(
            plain(may_read_person(&who_is, user(id), &School)),
            read,
            "{who} reads {id}"
        );
        assert_eq!(
            plain(may_record_progress(&who_is, user(id), &School)),
            read,
            "{who} records of {id}"
        );
        let topic = topic_lens(&who_is, TopicName::User(user(id)), &School);
        assert_eq!(plain(topic), read, "{who} follows {id}");
    }
}

#[test]
fn actions_are_reported_by_those_who_may() {
    let rules = Rules::shipped();
    let (read, quiz, team) = (Action::ReadContent, Action::CompleteQuiz, Action::TeamAchievement);
    for (who, id, action, team_id, expected) in [
        ("admin", 1, quiz, None, "yes"),
        ("service", 3, team, Some(20), "yes"),
        ("mentor 5", 1, quiz, None, "yes"),
        ("mentor 5", 1, team, Some(10), "yes"),
        ("mentor 5", 1, team, Some(20), NO_TEAM),
        ("mentor 5", 1, team, Some(99), NO_TEAM),
        ("mentor 5", 3, quiz, None, NOBODY),
        ("student 1", 1, read, None, "yes"),
        ("student 1", 1, quiz, None, NO),
        ("student 1", 1, team, Some(10), NO),
        ("student 1", 2, read, None, NO),
        ("student 1", 3, read, None, NOBODY),
        ("student 1", 99, quiz, None, NOBODY),
        ("projector", 1, read, None, NO),
    ] {
        let team_id = team_id.map(|id| TeamId::new(id).unwrap());
        let decision = may_earn(&caller(who), user(id), action, team_id, &rules, &School);
        assert_eq!(plain(decision), expected, "{who} reports {action:?} of {id}");
    }
    for (who, when) in [
        ("admin", true),
        ("service", true),
        ("mentor 5", false),
        ("student 1", false),
    ] {
        assert_eq!(may_say_when(&caller(who)), when, "{who}");
    }
}

#[test]
fn awards_are_taken_back_by_admins_and_the_persons_mentor() {
    for (who, id, expected) in [
        ("admin", 4, "yes"),
        ("service", 1, NO),
        ("mentor 5", 1, "yes"),
        ("mentor 5", 3, "404 unknown_event"),
        ("student 1", 1, NO),
        ("projector", 1, NO),
    ] {
        assert_eq!(
            plain(may_correct_of(&caller(who), user(id), &School)),
            expected,
            "{who} {id}"
        );
    }
}

#[test]
fn teams_and_boards_have_lenses() {
    let team = |id| TeamId::new(id).unwrap();
    let qualification = BoardName::Qualification(homeroom_schema::QualificationId::MIN);
    for (who, own, other, open) in [
        ("admin", "staff", "staff", "staff"),
        ("service", "staff", "staff", "staff"),
        ("mentor 5", "staff", NO_TEAM, "peer"),
        ("student 1", "peer", NO_TEAM, "peer"),
        ("student 4", NO_TEAM, NO_TEAM, "peer"),
        ("projector", "projector", "projector", "projector"),
    ] {
        let who_is = caller(who);
        for (id, expected) in [(10, own), (20, other), (99, other)] {
            assert_eq!(seen(team_lens(&who_is, team(id), &School)), expected, "{who} team {id}");
            let board = BoardName::Team(team(id));
            assert_eq!(seen(board_lens(&who_is, board, &School)), expected, "{who} board {id}");
            let topic = TopicName::Team(team(id));
            assert_eq!(seen(topic_lens(&who_is, topic, &School)), expected, "{who} topic {id}");
        }
        for board in [BoardName::All, BoardName::Teams, qualification] {
            let topic = TopicName::Board(board, Period::All);
            assert_eq!(seen(topic_lens(&who_is, topic, &School)), open, "{who} {board:?}");
        }
    }
}
