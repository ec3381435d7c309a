//! A school's past for benches: quizzes with scores, reads of units and of resources, all day long, day after day.

use crate::school::learner;
use homeroom_actors::Engine;
use homeroom_actors::domain::{Action, Evidence};
use homeroom_actors::engine::EarnRequest;
use homeroom_schema::{ReferenceId, TimeMs, UnitId};

/// Learners who share the awards evenly.
pub(crate) const LEARNERS: u64 = 1_000;
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// The awards lie in so many days before the school's clock stands still.
pub(crate) const DAYS: u64 = 200;
pub(crate) const END: i64 = 1_772_000_000_000;
/// Awards under way together: fewer than a busy node refuses.
const AT_ONCE: usize = 1_024;

/// The award number `number`.
fn award(number: u64) -> EarnRequest {
    let user = number % LEARNERS;
    let reference = ReferenceId::new(number / LEARNERS + 1).expect("a small number is an id");
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let is_quiz = mixed.is_multiple_of(3);
    let back = (mixed % (DAYS * DAY_MS)).cast_signed();
    EarnRequest {
        user_id: learner(user),
        action: if is_quiz {
            Action::CompleteQuiz
        } else {
            Action::ReadContent
        },
        reference,
        unit_id: UnitId::new(mixed % 20 + 1).ok(),
        occurred_at: Some(TimeMs(END - back)),
        evidence: Evidence {
            score: is_quiz.then_some((mixed % 101) as f64 / 100.0),
            ..Evidence::default()
        },
    }
}

/// Earns awards of these numbers, and waits until all are kept.
pub(crate) async fn earn(engine: &Engine, mut numbers: std::ops::Range<u64>) {
    while !numbers.is_empty() {
        let mut pending = Vec::new();
        for number in numbers.by_ref().take(AT_ONCE) {
            pending.push(engine.earn(award(number), None).await.expect("the award is taken"));
        }
        for pending in pending {
            pending.outcome().await.expect("the award is kept");
        }
    }
}
