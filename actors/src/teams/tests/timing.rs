//! What reads show, and when teams tell, under a paused clock.

use super::*;

#[tokio::test(start_paused = true)]
async fn points_are_summed_over_all_members_and_adjusted_between_sum_and_mean() {
    let mut world = World::school(PEOPLE).await;
    // Team 3 has members 2, 5 and 8; 5 is staff and counts, too.
    for (id, points) in [(2, 10), (5, 20), (8, 60)] {
        world.award(id, points).await;
    }
    let shown = read(&world.hub, 3).await;
    assert_eq!((shown.points_sum, shown.points_mean), (90, 30.0));
    assert!((shown.points_adjusted - 90.0 / 3_f64.sqrt()).abs() < 1e-12);
    assert_eq!(shown.rank, Some(1));
    let ranks: Vec<_> = shown
        .members
        .iter()
        .map(|member| (member.user_id.get(), member.rank))
        .collect();
    assert_eq!(ranks, [(8, Some(1)), (5, None), (2, Some(2))]);
}

#[tokio::test(start_paused = true)]
async fn a_read_shows_everything_told_before_it_without_waiting_for_a_tick() {
    let mut world = World::school(PEOPLE).await;
    for id in 1..=3 {
        read(&world.hub, id).await;
    }
    let begin = Instant::now();
    for round in 1..=60 {
        world.award(1 + round % PEOPLE, 7).await;
        for id in 1..=3 {
            assert_eq!(
                without_version(&*read(&world.hub, id).await),
                expected(&world, team(id)).await.unwrap()
            );
        }
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_change_elsewhere_moves_a_teams_rank_within_a_tenth_of_a_second() {
    let mut world = World::school(PEOPLE).await;
    world.award(1, 5).await;
    let mut mirror = Mirror::new(&world.hub, 2).await;
    assert_eq!(mirror.now.rank, Some(1));
    mirror.pump();
    for round in 1..=30 {
        // Team 1 (with 3) overtakes team 2 (with 1), and the other way round, in the middle of everything.
        let id = if round % 2 == 1 { 3 } else { 1 };
        world.award(id, 10).await;
        sleep(Duration::from_millis(13)).await;
        world.award(6, 0).await;
        sleep(Duration::from_millis(87)).await;
        mirror.pump();
        assert_eq!(
            without_version(&mirror.now),
            expected(&world, team(2)).await.unwrap(),
            "in round {round}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_team_says_no_more_than_a_message_a_tick() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, 2).await;
    sleep(Duration::from_millis(500)).await;
    for _ in 0..500 {
        world.award(1, 1).await;
        sleep(Duration::from_millis(2)).await;
        mirror.pump();
    }
    assert!(
        (15..=22).contains(&mirror.messages),
        "{} messages in a second",
        mirror.messages
    );
    sleep(Duration::from_millis(100)).await;
    mirror.pump();
    assert_eq!(without_version(&mirror.now), expected(&world, team(2)).await.unwrap());
}
