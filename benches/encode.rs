//! What it costs to show a team, a change of it and a board to each lens, as text: once for all who look through it.

#[path = "support/quick.rs"]
mod quick;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use homeroom::secret::NodeSecret;
use homeroom::wire;
use homeroom_actors::Lens;
use homeroom_actors::domain::board::Figure;
use homeroom_actors::domain::course::SkillMastery;
use homeroom_actors::hub::Span;
use homeroom_actors::topics::{BoardName, Period};
use homeroom_actors::views::{BoardPage, BoardRow, CourseCompletion, MemberPerformance, TeamPerformance};
use homeroom_schema::records::TimeRange;
use homeroom_schema::{QualificationId, TeamId, TimeMs, UserId};
use std::hint::black_box;

const LENSES: [(&str, Lens); 3] = [
    ("staff", Lens::Staff),
    ("peer", Lens::Peer),
    ("projector", Lens::Projector),
];
const MEMBERS: u64 = 30;
const SKILLS: u64 = 12;
const PLACES: u64 = 50;

/// A class, of whom the first has so many points.
fn team(points: u64) -> TeamPerformance {
    let members = (1..=MEMBERS).map(|number| MemberPerformance {
        user_id: UserId::new(number).expect("a small number is an id"),
        name: format!("Student {number}").into(),
        alias: format!("Brave Otter {number}").into(),
        points: if number == 1 { points } else { number * 35 },
        completion_percentage: 2.5 * number as f64,
        rank: Some(MEMBERS + 1 - number),
    });
    let skills = (1..=SKILLS).map(|number| SkillMastery {
        skill: format!("skill-{number}").into(),
        mastery: 1.0 / number as f64,
    });
    TeamPerformance {
        team_id: TeamId::MIN,
        name: "Team 1".into(),
        mentor_id: UserId::new(900).ok(),
        members: members.collect(),
        points_sum: 15_000 + points,
        points_mean: 500.0,
        points_adjusted: 2_738.6,
        mean_completion_percentage: 38.75,
        units_completed: 144,
        course_completion: vec![CourseCompletion {
            qualification_id: QualificationId::MIN,
            learners: MEMBERS as usize,
            learners_completed: 4,
            completion_percentage: 38.75,
        }],
        skills: skills.collect(),
        team_achievements: 3,
        rank: Some(2),
        version: points,
    }
}

fn board() -> BoardPage {
    let rows: Vec<BoardRow> = (1..=PLACES)
        .map(|number| BoardRow {
            rank: number,
            id: number,
            name: format!("Student {number}").into(),
            alias: format!("Brave Otter {number}").into(),
            points: Figure::whole(10_000 - number * 35),
            reached_at: Some(TimeMs(1_772_000_000_000)),
        })
        .collect();
    BoardPage {
        epoch: "1f0c2a".into(),
        version: 1_000_000,
        total: 1_000,
        from: 0,
        front: rows.clone(),
        rows,
        span: Span {
            range: TimeRange::ALL,
            season: None,
        },
    }
}

fn encodes(criterion: &mut Criterion) {
    let (before, now, page, secret) = (team(500), team(550), board(), NodeSecret::new([7; 32]));
    let everybody = BoardName::All;
    let mut group = criterion.benchmark_group("encode");
    for (name, lens) in LENSES {
        group.bench_function(BenchmarkId::new("team", name), |bencher| {
            bencher.iter(|| black_box(wire::performance(&now, lens).to_string()));
        });
        group.bench_function(BenchmarkId::new("team_change", name), |bencher| {
            bencher.iter(|| black_box(serde_json::to_string(&wire::performance_changes(&before, &now, lens))));
        });
        group.bench_function(BenchmarkId::new("board_50", name), |bencher| {
            bencher.iter(|| {
                let shown = wire::board(everybody, Period::All, &page, lens, &secret, PLACES as usize);
                black_box(shown.to_string())
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = quick::quick();
    targets = encodes
}
criterion_main!(benches);
