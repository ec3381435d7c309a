//! What boards cost at a thousand and at a million rows: putting, ranks, neighbours, pages, changes, building, views.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use homeroom_actors::domain::board::{Board, Score, Standing, diff};
use homeroom_schema::TimeMs;
use std::hint::black_box;
use std::time::Duration;

/// A plain generator with a fixed seed: every run asks the same questions.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Multiples of five up to a few thousand: many ties, as in a school.
fn score(random: &mut Random) -> Score {
    Score {
        points: random.below(2_000) * 5,
        reached_at: Some(TimeMs(random.below(1 << 40) as i64)),
    }
}

fn rows(count: u64, random: &mut Random) -> Vec<Standing> {
    (1..=count)
        .map(|id| Standing {
            id,
            score: score(random),
        })
        .collect()
}

fn boards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("board");
    for count in [1_000_u64, 1_000_000] {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let rows = rows(count, &mut random);
        let mut board = Board::from_rows(rows.clone());
        group.bench_function(BenchmarkId::new("rank", count), |bencher| {
            bencher.iter(|| black_box(board.rank(1 + random.below(count))));
        });
        group.bench_function(BenchmarkId::new("place", count), |bencher| {
            bencher.iter(|| black_box(board.place(1 + random.below(count))));
        });
        group.bench_function(BenchmarkId::new("around_5", count), |bencher| {
            bencher.iter(|| black_box(board.around(1 + random.below(count), 5)));
        });
        group.bench_function(BenchmarkId::new("page_200", count), |bencher| {
            bencher.iter(|| black_box(board.page(random.below(count - 200) as usize, 200)));
        });
        group.bench_function(BenchmarkId::new("clone", count), |bencher| {
            bencher.iter(|| black_box(board.clone()));
        });
        group.bench_function(BenchmarkId::new("put_anywhere", count), |bencher| {
            bencher.iter(|| black_box(board.put(1 + random.below(count), score(&mut random))));
        });
        group.bench_function(BenchmarkId::new("put_award", count), |bencher| {
            bencher.iter(|| {
                let id = 1 + random.below(count);
                let points = board.score(id).map_or(0, |old| old.points) + 50;
                black_box(board.put(
                    id,
                    Score {
                        points,
                        reached_at: Some(TimeMs(random.below(1 << 40) as i64)),
                    },
                ))
            });
        });
        // One view published per fifty awards: what the first change of each shared block adds.
        group.bench_function(BenchmarkId::new("put_50_after_clone", count), |bencher| {
            bencher.iter(|| {
                let view = board.clone();
                for _ in 0..50 {
                    board.put(1 + random.below(count), score(&mut random));
                }
                black_box(view)
            });
        });
        // What a board's topic is told of fifty awards: the window that is sent, before and after.
        group.bench_function(BenchmarkId::new("diff_window_200", count), |bencher| {
            let before = board.page(0, 200);
            for _ in 0..50 {
                board.put(before[random.below(200) as usize].standing.id, score(&mut random));
            }
            let after = board.page(0, 200);
            bencher.iter(|| black_box(diff(&before, &after)));
        });
        group.bench_function(BenchmarkId::new("from_rows", count), |bencher| {
            bencher.iter(|| black_box(Board::from_rows(rows.clone())));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1));
    targets = boards
}
criterion_main!(benches);
