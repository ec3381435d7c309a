//! Erasing a person, and the audit log.

use super::sample::{append, event, key, qualification_id, rows, student, team, team_id, tick, user_id};
use super::{Engine, must, some};
use crate::ids::{TimeMs, TokenId, UserId, Version};
use crate::records::{
    Append, AuditFilter, AuditRecord, AuditSubject, AuditedBy, EnrolmentRecord, MemberRecord, PinRecord,
    PreferenceRecord, QualificationRecord, Row, StreamId, TeamRecord, TokenRecord, TokenRole, UserRecord,
};
use crate::store::Store;

const ERASED_AT: TimeMs = TimeMs(1_700_000_900_000);

fn erased(user: u64) -> Append {
    rows(vec![Row::Erased {
        user_id: user_id(user),
        erased_at: ERASED_AT,
    }])
}

fn token(number: u64, user: u64) -> TokenRecord {
    TokenRecord {
        token_id: must(TokenId::new(number)),
        hash: [number as u8; 32],
        role: TokenRole::Student,
        user_id: Some(user_id(user)),
        label: Some(format!("label of {user}")),
        created_at: TimeMs(1),
        expires_at: None,
        revoked_at: None,
    }
}

/// Two people with everything that can name them, alike but for the id.
async fn two_people(store: &dyn Store) {
    let mut written = vec![Row::Qualification(QualificationRecord {
        qualification_id: qualification_id(1),
        name: "Maths".to_owned(),
        created_at: TimeMs(1),
        archived_at: None,
    })];
    for user in [1, 2] {
        let named = UserRecord {
            alias: Some(format!("Alias {user}")),
            ..student(user)
        };
        let mentored = TeamRecord {
            mentor_id: Some(user_id(user)),
            ..team(10 + user)
        };
        written.extend([Row::User(named), Row::Team(mentored)]);
        written.extend([11, 12].map(|of| {
            Row::Member(MemberRecord {
                team_id: team_id(of),
                user_id: user_id(user),
                role: Some("captain".to_owned()),
                joined_at: TimeMs(3),
            })
        }));
        written.push(Row::Enrolment(EnrolmentRecord {
            qualification_id: qualification_id(1),
            user_id: user_id(user),
            enrolled_at: TimeMs(4),
        }));
        written.push(Row::Token(token(20 + user, user)));
        written.push(Row::Pin(PinRecord {
            user_id: user_id(user),
            hash: format!("hash {user}"),
            set_at: TimeMs(6),
        }));
        written.push(Row::Preference(PreferenceRecord {
            user_id: user_id(user),
            on_boards: false,
            own_change_at: Some(TimeMs(6)),
        }));
    }
    must(store.commit(vec![rows(written)]).await);
    for user in [1, 2] {
        let mut noted = event("points_reversed", 5);
        noted.note = Some(format!("a reason about {user}"));
        let mut kept = append(StreamId::learner(user_id(user)), 0, vec![noted]);
        let mut answer = key(user, TimeMs(1));
        answer.about = Some(user_id(user));
        kept.key = Some(answer);
        must(store.commit(vec![kept]).await);
    }
}

/// Nothing names the person any more; the id, the events and everybody else stay.
pub async fn an_erased_person_leaves_an_id(engine: &dyn Engine) {
    let store = engine.fresh().await;
    two_people(&*store).await;
    must(store.commit(vec![erased(1)]).await);
    let store = engine.reopen(store).await;
    assert_eq!(must(store.tokens_of(user_id(1)).await), []);
    assert_eq!(must(store.tokens_of(user_id(2)).await), [token(22, 2)]);
    assert_eq!(must(store.pin(user_id(1)).await), None);
    assert!(must(store.pin(user_id(2)).await).is_some());

    let roster = must(store.load_roster().await);
    let gone = &roster.users[0];
    assert_eq!((gone.user_id, gone.name.as_str(), &gone.alias), (user_id(1), "", &None));
    assert_eq!((gone.archived_at, gone.erased_at), (Some(ERASED_AT), Some(ERASED_AT)));
    assert_eq!(
        (roster.users[1].name.as_str(), roster.users[1].erased_at),
        ("Student 2", None)
    );
    assert_eq!(
        roster.members.iter().map(|row| row.user_id).collect::<Vec<_>>(),
        [user_id(2); 2]
    );
    assert_eq!(
        roster.enrolments.iter().map(|row| row.user_id).collect::<Vec<_>>(),
        [user_id(2)]
    );
    let preferences = roster.preferences.iter();
    assert_eq!(preferences.map(|row| row.user_id).collect::<Vec<_>>(), [user_id(2)]);
    let mentors: Vec<Option<UserId>> = roster.teams.iter().map(|row| row.mentor_id).collect();
    assert_eq!(mentors, [None, Some(user_id(2))]);
    let tokens = must(store.load_tokens(TimeMs(5)).await);
    assert_eq!(tokens, [token(22, 2)]);

    for (user, note) in [(1, None), (2, Some("a reason about 2".to_owned()))] {
        let events = must(
            store
                .read_stream(StreamId::learner(user_id(user)), Version::ZERO, 9)
                .await,
        );
        assert_eq!(events.len(), 1, "facts stay");
        assert_eq!(events[0].note, note);
    }
    assert_eq!(must(store.find_key(key(1, TimeMs(1)).hash).await), None);
    let other = some(must(store.find_key(key(2, TimeMs(1)).hash).await));
    assert_eq!(other.about, Some(user_id(2)));
}

/// The first moment counts; an id that nobody has had is taken; a later row cannot bring the person back.
pub async fn erasing_is_for_good(engine: &dyn Engine) {
    let store = engine.fresh().await;
    must(store.commit(vec![rows(vec![Row::User(student(1))])]).await);
    let again = rows(vec![Row::Erased {
        user_id: user_id(1),
        erased_at: TimeMs(ERASED_AT.0 + 5),
    }]);
    must(store.commit(vec![erased(1), erased(9)]).await);
    must(store.commit(vec![again, rows(vec![Row::User(student(1))])]).await);
    let users = must(store.load_roster().await).users;
    let ids: Vec<_> = users.iter().map(|user| (user.user_id, user.erased_at)).collect();
    assert_eq!(ids, [(user_id(1), Some(ERASED_AT)), (user_id(9), Some(ERASED_AT))]);
}

/// What was on its way when its person was erased is kept without its note.
pub async fn notes_of_the_erased_are_not_kept(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let noted = |user| {
        let mut event = event("points_reversed", 1);
        event.note = Some("about somebody".to_owned());
        append(StreamId::learner(user_id(user)), 0, vec![event])
    };
    must(
        store
            .commit(vec![rows(vec![Row::User(student(1)), Row::User(student(2))])])
            .await,
    );
    must(store.commit(vec![erased(1), noted(1), noted(2)]).await);
    for (user, is_kept) in [(1, false), (2, true)] {
        let events = must(
            store
                .read_stream(StreamId::learner(user_id(user)), Version::ZERO, 9)
                .await,
        );
        assert_eq!(events[0].note.is_some(), is_kept, "person {user}");
    }
}

/// Newest first, filtered by act, time and person, and kept in the transaction of the act.
pub async fn the_audit_log_is_read_backwards(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let entry = |number: i64, act: &'static str, subject: Option<(&'static str, u64)>| AuditRecord {
        at: TimeMs(number),
        by: AuditedBy {
            token_id: TokenId::new(5).ok(),
            role: Some(TokenRole::Mentor),
            user_id: (number == 3).then(|| user_id(7)),
        },
        act,
        subject: subject.map(|(kind, id)| AuditSubject { kind, id }),
        detail: format!("{{\"number\":{number}}}"),
    };
    let entries = [
        entry(1, "user_put", Some(("user", 7))),
        entry(2, "team_put", Some(("team", 7))),
        entry(3, "token_made", None),
        entry(4, "user_put", Some(("user", 8))),
    ];
    must(
        store
            .commit(vec![rows(entries.iter().cloned().map(Row::Audit).collect())])
            .await,
    );
    let mut refused = tick(StreamId::learner(user_id(1)), 9, 1);
    refused.rows.push(Row::Audit(entries[0].clone()));
    must(store.commit(vec![refused]).await);
    let store = engine.reopen(store).await;

    let numbers = |filter: AuditFilter, limit| {
        let store = &store;
        async move {
            let found = must(store.audit(filter, limit).await);
            found.iter().map(|entry| entry.at.0).collect::<Vec<_>>()
        }
    };
    let all = must(store.audit(AuditFilter::default(), 100).await);
    assert_eq!(all.len(), 4, "an act that was not kept left no trace");
    assert!(all.is_sorted_by(|newer, older| newer.audit_id > older.audit_id));
    let (found, wanted) = (&all[1], &entries[2]);
    assert_eq!(
        (found.at, found.by, found.act.as_str()),
        (wanted.at, wanted.by, wanted.act)
    );
    assert_eq!((&found.subject, found.detail.contains("3")), (&None, true));
    assert_eq!(all[3].subject, Some(("user".to_owned(), 7)));
    let before = AuditFilter {
        before: Some(all[1].audit_id),
        ..AuditFilter::default()
    };
    assert_eq!(numbers(before, 1).await, [2]);
    let by_act = AuditFilter {
        act: Some("user_put".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(numbers(by_act, 9).await, [4, 1]);
    let since = AuditFilter {
        since: Some(TimeMs(3)),
        ..AuditFilter::default()
    };
    assert_eq!(numbers(since, 9).await, [4, 3]);
    let person = AuditFilter {
        person: Some(user_id(7)),
        ..AuditFilter::default()
    };
    assert_eq!(numbers(person, 9).await, [3, 1]);
}
