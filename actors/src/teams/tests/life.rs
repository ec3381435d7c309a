//! Teams that idle, are too many, or are not there.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_idle_team_is_put_away_and_the_board_that_ranks_it_stays_as_long_as_somebody_listens() {
    let world = World::school(PEOPLE).await;
    let mirror = Mirror::new(&world.hub, 1).await;
    read(&world.hub, 2).await;
    sleep(IDLE * 2).await;
    assert!(world.hub.teams().get(team(1)).is_some());
    assert!(world.hub.teams().get(team(2)).is_none());
    let board = (BoardName::Teams, crate::topics::Period::All);
    assert!(world.hub.boards().get(board).is_some());
    drop(mirror);
    sleep(IDLE * 3).await;
    assert!(world.hub.teams().get(team(1)).is_none());
    assert!(world.hub.boards().get(board).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_team_nobody_looks_at_gathers_no_more_than_the_bound() {
    let mut world = World::school(PEOPLE).await;
    read(&world.hub, 3).await;
    let mut change = world.keep_completed(user(2), unit(1)).await;
    change.completed = (1..=TEAM_MARKS_MAX as u64 + 10)
        .map(|id| (unit(id), TimeMs(1)))
        .collect();
    world.hub.learners_changed(vec![change]);
    let handle = world.hub.teams().get(team(3)).unwrap();
    let mut gathered = 0;
    handle.gate.mark(|marks| gathered = marks.completed.len());
    assert!(gathered <= TEAM_MARKS_MAX);
    assert_eq!(
        without_version(&*read(&world.hub, 3).await),
        expected(&world, team(3)).await.unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_teams_than_the_bound_are_awake() {
    let mut world = World::school(PEOPLE).await;
    let last = TEAMS_AWAKE_MAX as u64 + 4;
    let rows = (4..=last).map(|id| team_row(id, "a team", false)).collect();
    let change = world.keep_roster(rows).await;
    world.hub.roster_changed(change);
    for id in 4..last {
        read(&world.hub, id).await;
    }
    assert_eq!(
        world.hub.team_performance(team(last)).await,
        Err(EngineError::Overloaded)
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_team_has_no_performance() {
    let world = World::school(PEOPLE).await;
    let unknown = EngineError::UnknownTeam(team(9));
    assert_eq!(world.hub.team_performance(team(9)).await, Err(unknown.clone()));
    assert_eq!(achieve(&world.hub, 9, 1, 1).await, Err(unknown));
}
