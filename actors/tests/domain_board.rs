//! Boards against a plain sorted list: order, ranks, pages, neighbours, ties and rows without a moment.

use homeroom_actors::domain::board::{Board, Ranked, Score, Standing, diff};
use homeroom_actors::domain::invariants;
use homeroom_schema::TimeMs;
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The same questions, answered in the plainest way.
#[derive(Default)]
struct Model(BTreeMap<u64, Score>);

impl Model {
    fn rows(&self) -> Vec<Ranked> {
        let mut rows: Vec<Standing> = self
            .0
            .iter()
            .map(|(id, score)| Standing { id: *id, score: *score })
            .collect();
        rows.sort_by_key(|row| {
            (
                Reverse(row.score.points),
                row.score.reached_at.map_or(i64::MAX, |reached_at| reached_at.0),
                row.id,
            )
        });
        let above = |points| 1 + rows.iter().filter(|other| other.score.points > points).count() as u64;
        rows.iter()
            .map(|row| Ranked {
                rank: above(row.score.points),
                standing: *row,
            })
            .collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(u64, Score),
    Remove(u64),
    Clone,
}

fn score() -> impl Strategy<Value = Score> {
    let reached_at = prop::option::weighted(0.8, (0_i64..4).prop_map(TimeMs));
    (0_u64..6, reached_at).prop_map(|(points, reached_at)| Score {
        points: points * 10,
        reached_at,
    })
}

fn step(ids: u64) -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..=ids, score()).prop_map(|(id, score)| Step::Put(id, score)),
        3 => (1..=ids).prop_map(Step::Remove),
        1 => Just(Step::Clone),
    ]
}

fn at(points: u64, reached_at: i64) -> Score {
    Score {
        points,
        reached_at: Some(TimeMs(reached_at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_board_answers_as_a_sorted_list_does(
        steps in prop::collection::vec(step(40), 0..200),
        from in 0_usize..45,
        limit in 0_usize..45,
        neighbours in 0_usize..6,
    ) {
        let (mut board, mut model) = (Board::new(), Model::default());
        for step in steps {
            match step {
                Step::Put(id, score) => {
                    prop_assert_eq!(board.put(id, score), model.0.insert(id, score) != Some(score));
                }
                Step::Remove(id) => prop_assert_eq!(board.remove(id), model.0.remove(&id).is_some()),
                Step::Clone => board = board.clone(),
            }
        }
        let rows = model.rows();
        prop_assert_eq!(invariants::board_is_ordered_and_ranked(&board), Ok(()));
        prop_assert_eq!(board.len(), rows.len());
        prop_assert_eq!(board.window(usize::MAX), rows.clone());
        let page: Vec<Ranked> = rows.iter().skip(from).take(limit).copied().collect();
        prop_assert_eq!(board.page(from, limit), page);
        for id in 1..=41 {
            let place = rows.iter().position(|row| row.standing.id == id);
            prop_assert_eq!(board.place(id), place);
            prop_assert_eq!(board.rank(id), place.map(|place| rows[place].rank));
            prop_assert_eq!(board.score(id), model.0.get(&id).copied());
            let around = place.map(|place| {
                rows[place.saturating_sub(neighbours)..(place + neighbours + 1).min(rows.len())].to_vec()
            });
            prop_assert_eq!(board.around(id, neighbours), around);
        }
        let all = rows.iter().map(|row| row.standing).collect();
        prop_assert_eq!(Board::from_rows(all).window(usize::MAX), rows);
    }

    #[test]
    fn a_window_with_its_differences_becomes_the_next_window(
        first in prop::collection::btree_map(1_u64..30, score(), 0..30),
        steps in prop::collection::vec(step(30), 0..20),
        limit in 1_usize..12,
    ) {
        let rows = first.iter().map(|(id, score)| Standing { id: *id, score: *score }).collect();
        let mut board = Board::from_rows(rows);
        let old = board.window(limit);
        for step in steps {
            match step {
                Step::Put(id, score) => { board.put(id, score); }
                Step::Remove(id) => { board.remove(id); }
                Step::Clone => {}
            }
        }
        let new = board.window(limit);
        let (changed, removed) = diff(&old, &new);
        // A reader applies the removals and the changes to what it had; order and ranks follow from the scores.
        let mut reader = Board::from_rows(old.iter().map(|row| row.standing).collect());
        for id in &removed {
            prop_assert!(reader.remove(*id));
        }
        for row in &changed {
            prop_assert!(reader.put(row.standing.id, row.standing.score));
        }
        prop_assert_eq!(reader.window(usize::MAX), new);
    }
}

#[test]
fn many_blocks_split_and_join_without_losing_a_row() {
    let (mut board, mut model) = (Board::new(), Model::default());
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    for round in 0..60_000 {
        let id = 1 + next(5_000);
        // First the board grows past many blocks, then it shrinks to a few.
        if next(100) < if round < 30_000 { 10 } else { 85 } {
            assert_eq!(board.remove(id), model.0.remove(&id).is_some());
        } else {
            let score = Score {
                points: next(300),
                reached_at: (next(9) > 0).then_some(TimeMs(next(50) as i64)),
            };
            assert_eq!(board.put(id, score), model.0.insert(id, score) != Some(score));
        }
        if round % 15_000 == 14_999 {
            assert_eq!(invariants::board_is_ordered_and_ranked(&board), Ok(()));
            let places: Vec<Standing> = board.window(usize::MAX).iter().map(|row| row.standing).collect();
            assert_eq!(places, model.rows().iter().map(|row| row.standing).collect::<Vec<_>>());
        }
    }
    for id in 1..=5_000 {
        board.remove(id);
    }
    assert!(board.is_empty() && board.window(10).is_empty());
}

#[test]
fn a_clone_does_not_see_later_changes() {
    let rows = (1..=2_000).map(|id| Standing { id, score: at(id, 0) }).collect();
    let mut board = Board::from_rows(rows);
    let view = board.clone();
    let before = view.window(usize::MAX);
    for id in 1..=2_000 {
        board.put(id, at(id * 7 % 2_000, 1));
    }
    assert_eq!(view.window(usize::MAX), before);
    assert_eq!(invariants::board_is_ordered_and_ranked(&view), Ok(()));
    assert_eq!(invariants::board_is_ordered_and_ranked(&board), Ok(()));
}

#[test]
fn equal_points_share_a_rank_and_the_next_rank_is_skipped() {
    let mut board = Board::new();
    for (id, score) in [(1, at(50, 9)), (2, at(90, 1)), (3, at(50, 3)), (4, at(10, 0))] {
        board.put(id, score);
    }
    let seen: Vec<(u64, u64)> = board.window(10).iter().map(|row| (row.rank, row.standing.id)).collect();
    assert_eq!(seen, [(1, 2), (2, 3), (2, 1), (4, 4)]);
    assert_eq!(board.page(2, 1)[0].rank, 2, "a page may begin inside a tie");
}

#[test]
fn the_order_is_points_then_the_earlier_moment_then_the_smaller_id_and_no_moment_is_last() {
    let mut board = Board::new();
    let none = Score {
        points: 5,
        reached_at: None,
    };
    let latest = at(5, i64::MAX - 1);
    for (id, score) in [
        (1, none),
        (9, latest),
        (3, at(5, 2)),
        (2, at(5, 2)),
        (4, at(5, -1)),
        (8, at(6, 50)),
    ] {
        board.put(id, score);
    }
    let ids: Vec<u64> = board.window(10).iter().map(|row| row.standing.id).collect();
    assert_eq!(ids, [8, 4, 2, 3, 9, 1]);
}

#[test]
fn of_rows_with_equal_ids_the_last_counts() {
    let rows = [(1, 10), (2, 30), (1, 50), (1, 20)].map(|(id, points)| Standing {
        id,
        score: at(points, 0),
    });
    let board = Board::from_rows(rows.to_vec());
    assert_eq!((board.len(), board.score(1)), (2, Some(at(20, 0))));
    assert_eq!((board.rank(2), board.rank(1)), (Some(1), Some(2)));
}

#[test]
fn a_changed_moment_is_a_change_and_a_moved_rank_is_not() {
    let mut board = Board::from_rows(
        [(1, 30), (2, 20), (3, 10)]
            .map(|(id, p)| Standing { id, score: at(p, 0) })
            .to_vec(),
    );
    let old = board.window(3);
    board.put(3, at(40, 0));
    board.put(2, at(20, 7));
    board.remove(1);
    let (changed, removed) = diff(&old, &board.window(3));
    let changed: Vec<(u64, u64)> = changed.iter().map(|row| (row.standing.id, row.rank)).collect();
    assert_eq!((changed, removed), (vec![(3, 1), (2, 2)], vec![1]));
}

#[test]
fn an_empty_board_answers_every_question() {
    let board = Board::from_rows(Vec::new());
    assert_eq!(
        (board.len(), board.rank(1), board.place(1), board.around(1, 5)),
        (0, None, None, None)
    );
    assert_eq!(
        (board.page(0, 10), board.page(usize::MAX, usize::MAX)),
        (vec![], vec![])
    );
    assert_eq!(board.rank_of_points(7), 1);
    assert_eq!(diff(&[], &[]), (vec![], vec![]));
}
