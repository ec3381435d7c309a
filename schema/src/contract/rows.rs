//! The projections: progress, achievements, standings, team awards; and snapshots.

use super::events::json;
use super::sample::{
    append, award, event, progress, qualification_id, reference_id, rows, team_id, tick, unit_id, user_id,
};
use super::{Engine, must, school, some};
use crate::ids::{TimeMs, Version};
use crate::records::{
    AchievementRecord, Append, AppendOutcome, CompletedUnit, EvidenceSums, PointPartRecord, QuizTimeRecord,
    ResourceRecord, ResultRecord, Row, SnapshotRecord, Standings, StandingsOf, StreamId, TeamAwardRecord, TimeRange,
};

/// By unit; a later row takes the place of an earlier one.
pub async fn progress_is_kept_by_learner_and_unit(engine: &dyn Engine) {
    let store = school(engine).await;
    let of = |user, unit, percentage| Row::Progress(progress(user, unit, percentage, None));
    must(
        store
            .commit(vec![rows(vec![of(1, 3, 10), of(1, 2, 20), of(2, 2, 30)])])
            .await,
    );
    let done = progress(1, 3, 100, Some(5_000));
    must(store.commit(vec![rows(vec![Row::Progress(done)])]).await);
    assert_eq!(
        must(store.progress_rows(user_id(1)).await),
        [progress(1, 2, 20, None), done]
    );
    assert!(must(store.progress_rows(user_id(3)).await).is_empty());
}

/// Those with `completed_at`, of the learners asked for alone.
pub async fn completed_units_are_found_for_many_learners(engine: &dyn Engine) {
    let store = school(engine).await;
    let mut written = Vec::new();
    for user in 1..=30_u64 {
        for unit in 1..=4 {
            let completed_at = ((user + unit) % 2 == 0).then_some((user * 100 + unit).cast_signed());
            let percentage = if completed_at.is_some() { 100 } else { 99 };
            written.push(Row::Progress(progress(user, unit, percentage, completed_at)));
        }
    }
    must(store.commit(vec![rows(written)]).await);
    let asked: Vec<_> = [2, 7, 30, 31].into_iter().map(user_id).collect();
    let mut found = must(store.completed_units(asked).await);
    found.sort_by_key(|unit| (unit.user_id, unit.unit_id));
    let expected: Vec<_> = [(2, 2), (2, 4), (7, 1), (7, 3), (30, 2), (30, 4)]
        .into_iter()
        .map(|(user, unit)| CompletedUnit {
            user_id: user_id(user),
            unit_id: unit_id(unit),
            completed_at: TimeMs((user * 100 + unit).cast_signed()),
        })
        .collect();
    assert_eq!(found, expected);
    assert!(must(store.completed_units(vec![]).await).is_empty());
}

/// Rows of evidence add to what is there; results take the place of earlier ones and can be taken back.
pub async fn evidence_adds_up(engine: &dyn Engine) {
    let store = engine.fresh().await;
    assert_eq!(must(store.evidence_sums().await), EvidenceSums::default());
    let resource = |user, reference, uses, rating_sum| ResourceRecord {
        uses,
        ratings: i64::from(rating_sum != 0),
        rating_sum,
        ..ResourceRecord::none(user_id(user), reference_id(reference))
    };
    let time = |reference, bucket_ms, n| QuizTimeRecord {
        reference_id: reference_id(reference),
        bucket_ms,
        n,
    };
    let written = vec![
        Row::Resource(resource(2, 7, 1, 5)),
        Row::Resource(resource(1, 7, 1, 0)),
        Row::Resource(ResourceRecord {
            contributed: 1,
            ..resource(1, 7, -1, 0)
        }),
        Row::Resource(resource(1, 7, 2, 3)),
        Row::QuizTime(time(9, 1_230, 1)),
        Row::QuizTime(time(8, 50, 1)),
        Row::QuizTime(time(9, 1_230, 2)),
        Row::QuizTime(time(9, 400, 1)),
    ];
    must(store.commit(vec![rows(written)]).await);
    let sums = must(store.evidence_sums().await);
    let own = ResourceRecord {
        contributed: 1,
        ..resource(1, 7, 2, 3)
    };
    assert_eq!(sums.resources, [own, resource(2, 7, 1, 5)]);
    assert_eq!(sums.quiz_times, [time(8, 50, 1), time(9, 400, 1), time(9, 1_230, 3)]);

    let result = |user, reference, score| ResultRecord {
        user_id: user_id(user),
        reference_id: reference_id(reference),
        unit_id: unit_id(4),
        score,
        occurred_at: TimeMs(1_000),
    };
    let removed = |user, reference| Row::ResultRemoved {
        user_id: user_id(user),
        reference_id: reference_id(reference),
    };
    let first = [(1, 6, 0.5), (1, 5, 0.25), (2, 5, 1.0), (3, 5, 0.0)];
    let first = first.map(|(user, reference, score)| Row::Result(result(user, reference, score)));
    must(store.commit(vec![rows(first.to_vec())]).await);
    let second = vec![Row::Result(result(1, 6, 0.75)), removed(2, 5), removed(2, 6)];
    must(store.commit(vec![rows(second)]).await);
    let asked = [1, 2, 4].map(user_id).to_vec();
    let found = must(store.results(asked).await);
    assert_eq!(found, [result(1, 5, 0.25), result(1, 6, 0.75)]);
}

/// By type and tier; taking back what is not there is no failure.
pub async fn achievements_are_given_and_taken_back(engine: &dyn Engine) {
    let store = school(engine).await;
    let given = |user, achievement_type: &str, tier: &str| AchievementRecord {
        user_id: user_id(user),
        achievement_type: achievement_type.to_owned(),
        tier: tier.to_owned(),
        earned_at: TimeMs(1_700_000_000_000),
        // As every engine spaces it.
        achievement_data: r#"{"quizzes": 10}"#.to_owned(),
    };
    let revoked = |tier: &str| Row::AchievementRevoked {
        user_id: user_id(1),
        achievement_type: "quiz_champion".to_owned(),
        tier: tier.to_owned(),
    };
    let all = [
        given(1, "quiz_champion", "silver"),
        given(1, "quiz_champion", "bronze"),
        given(2, "team_player", "gold"),
    ];
    must(
        store
            .commit(vec![rows(all.iter().cloned().map(Row::Achievement).collect())])
            .await,
    );
    let found = must(store.achievement_rows(user_id(1)).await);
    assert_eq!(
        found.iter().map(|row| row.tier.as_str()).collect::<Vec<_>>(),
        ["bronze", "silver"]
    );
    assert_eq!(found[1], all[0]);
    must(store.commit(vec![rows(vec![revoked("silver"), revoked("gold")])]).await);
    assert_eq!(must(store.achievement_rows(user_id(1)).await), all[1..2]);
    assert_eq!(must(store.achievement_rows(user_id(2)).await), all[2..]);
}

/// Sums inside one qualification; the latest entry with points says since when, refusals do not.
pub async fn qualification_standings_count_reversals(engine: &dyn Engine) {
    let store = school(engine).await;
    let batch = vec![
        award(1, 0, 50, 50, Some(1)),
        award(1, 1, 10, 60, Some(2)),
        award(1, 2, 25, 85, Some(1)),
        award(2, 0, 10, 10, Some(1)),
        award(3, 0, 15, 15, None),
        award(4, 0, 0, 0, Some(1)),
    ];
    must(store.commit(batch).await);
    let outcomes = must(
        store
            .commit(vec![award(1, 3, -25, 60, Some(1)), award(2, 1, 0, 10, Some(1))])
            .await,
    );
    let AppendOutcome::Kept { first_event_id } = outcomes[0] else {
        panic!("{outcomes:?}")
    };

    let mut found = must(store.qualification_standings(qualification_id(1)).await);
    found.sort_by_key(|standing| standing.user_id);
    assert_eq!(
        found
            .iter()
            .map(|row| (row.user_id.get(), row.points))
            .collect::<Vec<_>>(),
        [(1, 50), (2, 10)]
    );
    assert_eq!(Some(found[0].event_id), first_event_id);
    let reversal = some(must(store.read_event(found[0].event_id).await));
    assert_eq!(
        (reversal.version, reversal.occurred_at),
        (Version(4), found[0].reached_at)
    );
    let award = some(must(store.read_event(found[1].event_id).await));
    assert_eq!(
        (award.version, award.occurred_at),
        (Version(1), found[1].reached_at),
        "a refusal changes nothing"
    );
    assert_eq!(must(store.qualification_standings(qualification_id(2)).await).len(), 1);
    assert!(must(store.qualification_standings(qualification_id(3)).await).is_empty());
}

fn adjusted(user: u64, expected: u64, points: i64, total: u64) -> Append {
    let mut adjusted = award(user, expected, points, total, None);
    for row in &mut adjusted.rows {
        if let Row::Points { points, .. } = row {
            points.kind = "adjusted";
        }
    }
    adjusted
}

/// A part counts for its qualification and moves no moment; it makes the standing newer.
pub async fn qualification_standings_count_parts_of_adjusted_entries(engine: &dyn Engine) {
    let store = school(engine).await;
    let batch = vec![
        award(1, 0, 50, 50, Some(1)),
        award(1, 1, 10, 60, Some(2)),
        award(2, 0, 0, 0, Some(1)),
        award(3, 0, 25, 25, Some(1)),
    ];
    must(store.commit(batch).await);
    let before = must(store.qualification_standings(qualification_id(1)).await);
    let part = |part, qualification, points| Row::PointPart {
        event_index: 0,
        part,
        record: PointPartRecord {
            occurred_at: TimeMs(1_600_000_000_000),
            qualification_id: qualification,
            points,
        },
    };
    let (one, two) = (Some(qualification_id(1)), Some(qualification_id(2)));
    let mut first = adjusted(1, 2, -5, 55);
    first
        .rows
        .extend([part(0, one, -20), part(1, two, 5), part(2, None, 10)]);
    let mut second = adjusted(2, 1, 30, 30);
    second.rows.push(part(0, one, 30));
    let outcomes = must(store.commit(vec![first, second]).await);
    let mut found = must(store.qualification_standings(qualification_id(1)).await);
    found.sort_by_key(|standing| standing.user_id);
    let points: Vec<_> = found.iter().map(|row| (row.user_id.get(), row.points)).collect();
    assert_eq!(points, [(1, 30), (2, 30), (3, 25)]);
    for standing in &before {
        let now = some(found.iter().find(|now| now.user_id == standing.user_id));
        assert_eq!(now.reached_at, standing.reached_at, "an adjustment moves no moment");
    }
    let newest: Vec<_> = found[..2].iter().map(|row| Some(row.event_id)).collect();
    let kept = outcomes.iter().map(|outcome| match outcome {
        AppendOutcome::Kept { first_event_id } => *first_event_id,
        other => panic!("{other:?}"),
    });
    assert_eq!(newest, kept.collect::<Vec<_>>());
    assert_eq!(
        must(store.qualification_standings(qualification_id(2)).await)[0].points,
        15
    );
    let day = TimeRange {
        from: TimeMs(1_600_000_000_000),
        to: TimeMs(1_600_000_000_001),
    };
    let sums = |found: Standings| {
        let mut rows: Vec<_> = found
            .rows
            .iter()
            .map(|row| (row.id, row.points, row.reached_at))
            .collect();
        rows.sort_unstable();
        rows
    };
    let learners = must(store.standings(StandingsOf::Learners, day).await);
    assert_eq!(
        sums(learners),
        [(1, -5, None), (2, 30, None)],
        "by the moments of the parts"
    );
    let inside = must(store.standings(StandingsOf::LearnersIn(qualification_id(1)), day).await);
    assert_eq!(sums(inside), [(1, -20, None), (2, 30, None)]);
    let mut stray = award(3, 1, 1, 26, None);
    stray.rows.push(Row::PointPart {
        event_index: 1,
        part: 0,
        record: PointPartRecord {
            occurred_at: TimeMs(1),
            qualification_id: None,
            points: 1,
        },
    });
    assert!(store.commit(vec![stray]).await.is_err(), "a part of no event");
}

/// From the first moment on and before the last; the entry kept last says since when, whenever it happened.
pub async fn standings_are_sums_of_a_range_of_moments(engine: &dyn Engine) {
    let store = school(engine).await;
    let all = |of| store.standings(of, TimeRange::ALL);
    assert_eq!(must(all(StandingsOf::Learners).await), Standings::default());
    // Of learner u, entry n happens at n seconds and u milliseconds.
    let batch = vec![
        award(1, 0, 50, 50, Some(1)),
        award(1, 1, 10, 60, Some(2)),
        award(1, 2, -25, 35, Some(1)),
        award(2, 0, 10, 10, None),
        award(2, 1, -10, 0, None),
        award(3, 0, 0, 0, Some(1)),
    ];
    let outcomes = must(store.commit(batch).await);
    let at = |seconds: i64, user: i64| TimeMs(1_700_000_000_000 + seconds * 1_000 + user);
    let rows = |mut found: Standings| {
        found.rows.sort_by_key(|row| row.id);
        let rows = found.rows.iter();
        rows.map(|row| (row.id, row.points, some(row.reached_at)))
            .collect::<Vec<_>>()
    };
    let whole = must(all(StandingsOf::Learners).await);
    let last = some(must(store.read_journal(None, 100).await).pop());
    assert_eq!(
        whole.last_event_id,
        Some(last.event_id),
        "also of events without points"
    );
    assert!(outcomes.contains(&AppendOutcome::Kept {
        first_event_id: Some(last.event_id)
    }));
    assert_eq!(rows(whole), [(1, 35, at(2, 1)), (2, 0, at(1, 2))]);
    for (from, to, expected) in [
        (at(0, 1), at(1, 1), vec![(1, 50, at(0, 1)), (2, 10, at(0, 2))]),
        (at(0, 2), at(1, 2), vec![(1, 10, at(1, 1)), (2, 10, at(0, 2))]),
        (at(1, 1), at(1, 1), vec![]),
        (at(2, 0), at(9, 0), vec![(1, -25, at(2, 1))]),
    ] {
        let found = must(store.standings(StandingsOf::Learners, TimeRange { from, to }).await);
        assert_eq!(rows(found), expected, "{from:?} {to:?}");
    }
    let inside = |id| all(StandingsOf::LearnersIn(qualification_id(id)));
    assert_eq!(rows(must(inside(1).await)), [(1, 25, at(2, 1))]);
    assert_eq!(rows(must(inside(2).await)), [(1, 10, at(1, 1))]);
    assert_eq!(rows(must(inside(3).await)), []);
}

/// By what the facts say; an entry that takes back an award takes it from the teams of that award.
pub async fn standings_of_teams_are_of_those_who_were_members(engine: &dyn Engine) {
    let store = school(engine).await;
    let entry = |user: u64, expected: u64, points: i64, body: &str| {
        let mut entry = award(user, expected, points, 100, None);
        some(entry.stream.as_mut()).events[0].body = body.to_owned();
        entry
    };
    let outcomes = must(
        store
            .commit(vec![
                entry(1, 0, 50, r#"{"teams":[7]}"#),
                entry(1, 1, 10, r#"{"teams":[7,8]}"#),
                entry(2, 0, 25, r#"{"teams":[8]}"#),
                entry(2, 1, 15, "{}"),
            ])
            .await,
    );
    let AppendOutcome::Kept {
        first_event_id: Some(first),
    } = outcomes[0]
    else {
        panic!("{outcomes:?}")
    };
    let back = format!(r#"{{"of":{first}}}"#);
    must(
        store
            .commit(vec![entry(1, 2, -50, &back), entry(1, 3, 50, &back)])
            .await,
    );
    must(store.commit(vec![entry(1, 4, -50, &back)]).await);
    let mut found = must(store.standings(StandingsOf::Teams, TimeRange::ALL).await).rows;
    found.sort_by_key(|row| row.id);
    let sums: Vec<_> = found.iter().map(|row| (row.id, row.points)).collect();
    assert_eq!(sums, [(7, 10), (8, 35)]);
    let last = some(must(store.read_journal(None, 100).await).pop());
    assert_eq!(json(&last.body), json(&back));
    assert_eq!(found[0].reached_at, Some(last.occurred_at));
}

/// By whoever gave them, from a moment on; what was taken back is not given back to the giver.
pub async fn manual_points_are_counted_by_giver_and_moment(engine: &dyn Engine) {
    let store = school(engine).await;
    let by_hand = |user, version: u64, kind: &'static str, points: i64, granted_by: u64| {
        let mut by_hand = award(user, version - 1, points, 100, None);
        for row in &mut by_hand.rows {
            if let Row::Points { points, .. } = row {
                points.kind = kind;
                points.action_type = "manual_award";
                points.occurred_at = TimeMs(1_000 * version.cast_signed());
            }
        }
        for event in by_hand.stream.iter_mut().flat_map(|stream| &mut stream.events) {
            event.body = format!("{{\"granted_by\":{granted_by}}}");
        }
        by_hand
    };
    let batch = vec![
        by_hand(1, 1, "awarded", 5, 900),
        by_hand(1, 2, "awarded", 7, 900),
        by_hand(1, 3, "awarded", 11, 901),
        by_hand(1, 4, "reversed", -7, 900),
        award(2, 0, 50, 50, None),
    ];
    must(store.commit(batch).await);
    for (giver, since, points) in [(900, 0, 12), (900, 1_001, 7), (900, 2_001, 0), (901, 0, 11), (7, 0, 0)] {
        assert_eq!(
            must(store.manual_points(user_id(giver), TimeMs(since)).await),
            points,
            "{giver} {since}"
        );
    }
}

/// Until they are settled, in the order of their facts.
pub async fn unsettled_team_awards_come_oldest_first(engine: &dyn Engine) {
    let store = school(engine).await;
    let mut facts = Vec::new();
    for (team, version) in [(9, 1), (2, 1), (9, 2), (5, 1)] {
        let record = TeamAwardRecord {
            team_id: team_id(team),
            version: Version(version),
            reference_id: reference_id(team * 10 + version),
        };
        let mut fact = append(
            StreamId::team(team_id(team)),
            version - 1,
            vec![event("team_achieved", version)],
        );
        fact.rows.push(Row::TeamAward(record.clone()));
        must(store.commit(vec![fact]).await);
        facts.push(record);
    }
    assert_eq!(must(store.unsettled_team_awards().await), facts);
    let settled = |team, version| Row::TeamAwardSettled {
        team_id: team_id(team),
        version: Version(version),
    };
    must(
        store
            .commit(vec![rows(vec![settled(2, 1), settled(9, 2), settled(7, 7)])])
            .await,
    );
    assert_eq!(
        must(store.unsettled_team_awards().await),
        [facts[0].clone(), facts[3].clone()]
    );
}

/// One for each stream; an older one never takes the place of a newer.
pub async fn snapshots_keep_the_newest(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let stream = StreamId::learner(user_id(1));
    let snapshot = |stream, version, byte| SnapshotRecord {
        stream,
        version: Version(version),
        bytes: vec![byte; 300],
    };
    must(store.commit(vec![tick(stream, 0, 9)]).await);
    let other = StreamId::team(team_id(1));
    must(
        store
            .save_snapshots(vec![snapshot(stream, 5, 1), snapshot(other, 2, 2)])
            .await,
    );
    must(store.save_snapshots(vec![snapshot(stream, 4, 3)]).await);
    assert_eq!(must(store.load_snapshot(stream).await), Some(snapshot(stream, 5, 1)));
    must(
        store
            .save_snapshots(vec![snapshot(stream, 5, 4), snapshot(stream, 9, 5)])
            .await,
    );
    assert_eq!(must(store.load_snapshot(stream).await), Some(snapshot(stream, 9, 5)));
    assert_eq!(must(store.load_snapshot(other).await), Some(snapshot(other, 2, 2)));
    assert_eq!(must(store.load_snapshot(StreamId::ROSTER).await), None);
    must(store.save_snapshots(vec![]).await);
}
