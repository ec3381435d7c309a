//! What boards cost at a thousand and at a million rows: putting, ranks, neighbours, pages, changes, building, views.

#[path = "support/standings.rs"]
mod standings;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use homeroom_actors::domain::board::{Board, Score, diff};
use homeroom_schema::TimeMs;
use standings::{Random, rows, score};
use std::hint::black_box;
use std::time::Duration;

fn boards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("board");
    for count in [1_000_u64, 1_000_000] {
        let mut random = Random::default();
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
