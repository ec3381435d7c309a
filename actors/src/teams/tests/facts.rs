//! Team achievements: one fact a reference, durable before it is answered, whatever the store does.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_reference_is_one_fact_whoever_reports_it_at_the_same_time() {
    let world = World::school(PEOPLE).await;
    let reports = (0..50).map(|turn| achieve(&world.hub, 3, 1 + turn % 5, [2, 5, 8][turn as usize % 3]));
    let facts: Vec<TeamFact> = join_all(reports).await.into_iter().map(Result::unwrap).collect();
    for (turn, fact) in facts.iter().enumerate() {
        assert_eq!(*fact, facts[turn % 5], "all who ask for one reference get one fact");
        assert_eq!(fact.members, [user(2), user(5), user(8)]);
    }
    let versions: BTreeSet<Version> = facts.iter().map(|fact| fact.version).collect();
    assert_eq!(versions, (1..=5).map(Version).collect());
    assert_eq!(world.store.unsettled_team_awards().await.unwrap().len(), 5);
    assert_eq!(read(&world.hub, 3).await.team_achievements, 5);
}

#[tokio::test(start_paused = true)]
async fn a_fact_is_answered_when_it_is_durable_and_shown_by_then() {
    let world = World::school(PEOPLE).await;
    read(&world.hub, 3).await;
    world.store.hold_commits();
    let hub = world.hub.clone();
    let mut asked = tokio::spawn(async move { achieve(&hub, 3, 7, 2).await });
    let early = tokio::time::timeout(Duration::from_secs(1), &mut asked).await;
    assert!(early.is_err(), "nothing is answered before it is durable");
    assert_eq!(read(&world.hub, 3).await.team_achievements, 0);
    world.store.release_commits();
    asked.await.unwrap().unwrap();
    let shown = world.hub.team_performance(team(3)).now_or_never().unwrap().unwrap();
    assert_eq!(shown.team_achievements, 1);
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_fact_are_those_of_its_moment() {
    let mut world = World::school(PEOPLE).await;
    let first = achieve(&world.hub, 3, 1, 2).await.unwrap();
    let change = world.keep_roster(vec![member_row(3, 9)]).await;
    world.hub.roster_changed(change);
    assert_eq!(achieve(&world.hub, 3, 1, 9).await.unwrap(), first);
    let second = achieve(&world.hub, 3, 2, 9).await.unwrap();
    assert_eq!(second.members, [user(2), user(5), user(8), user(9)]);
    let stranger = EngineError::NotAMember {
        team_id: team(3),
        user_id: user(1),
    };
    assert_eq!(achieve(&world.hub, 3, 3, 1).await, Err(stranger));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_settled_by_reading_the_stream_again() {
    let world = World::school(PEOPLE).await;
    achieve(&world.hub, 3, 1, 2).await.unwrap();
    world.store.conflict_next(StreamId::team(team(3)));
    let fact = achieve(&world.hub, 3, 2, 2).await.unwrap();
    assert_eq!(fact.version, Version(2));
    assert_eq!(world.store.faults_happened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_is_answered_and_can_be_repeated() {
    let world = World::school(PEOPLE).await;
    world.store.fail_commits(1);
    assert_eq!(achieve(&world.hub, 3, 1, 2).await, Err(EngineError::StoreUnavailable));
    assert_eq!(read(&world.hub, 3).await.team_achievements, 0);
    assert_eq!(achieve(&world.hub, 3, 1, 2).await.unwrap().version, Version(1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up() {
    for (answer, kept) in [(LostAnswer::Kept, true), (LostAnswer::Lost, false)] {
        let world = World::school(PEOPLE).await;
        world.store.lose_next_answer(answer);
        let outcome = achieve(&world.hub, 3, 1, 2).await;
        assert_eq!(outcome.is_ok(), kept, "{outcome:?}");
        let fact = achieve(&world.hub, 3, 1, 2).await.unwrap();
        assert_eq!(fact.version, Version(1));
        assert_eq!(read(&world.hub, 3).await.team_achievements, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn more_facts_than_one_append_takes_are_all_kept() {
    let world = World::school(PEOPLE).await;
    let count = TEAM_FACTS_BATCH_MAX as u64 * 2 + 3;
    let before = world.store.batches_kept();
    let facts = join_all((1..=count).map(|reference| achieve(&world.hub, 3, reference, 2))).await;
    assert!(facts.iter().all(Result::is_ok));
    assert_eq!(read(&world.hub, 3).await.team_achievements as u64, count);
    let batches = world.store.batches_kept() - before;
    assert!((3..=4).contains(&batches), "{batches} appends");
}

#[tokio::test(start_paused = true)]
async fn a_team_that_fails_with_a_question_is_asked_again() {
    let world = World::school(PEOPLE).await;
    achieve(&world.hub, 3, 1, 2).await.unwrap();
    world.fail_team(team(3));
    let fact = achieve(&world.hub, 3, 2, 2).await.unwrap();
    assert_eq!(fact.version, Version(2));
    assert_eq!(read(&world.hub, 3).await.team_achievements, 2);
}
