//! Analytics and signals: which figures there are, and which columns their tables have.

use super::table::{Figures, Table};
use super::time::time;
use homeroom_actors::domain::analytics::engagement::{Engagement, EngagementPart, STREAK_BINS, Streaks};
use homeroom_actors::domain::analytics::numbers::Spread;
use homeroom_actors::domain::analytics::outcomes::{Outcomes, SCORE_BINS};
use homeroom_actors::domain::analytics::resources::{Resources, UsagePart};
use homeroom_actors::domain::analytics::signals::{Reason, Signal};
use homeroom_actors::domain::analytics::success::{QuizPart, Success};
use homeroom_actors::domain::analytics::{Buckets, numbers};
use homeroom_actors::roster::Roster;
use serde_json::{Map, Value, json};
use std::ops::Range;

fn bucket_rows<T>(buckets: &Buckets, parts: &[T], row: impl Fn(&T) -> Value) -> impl Iterator<Item = Value> {
    buckets.parts().zip(parts).map(move |(bucket, part)| {
        let mut row = row(part);
        row["from"] = json!(time(bucket.start));
        row["to"] = json!(time(bucket.end));
        row
    })
}

/// `/analytics/engagement`.
#[must_use]
pub fn engagement(found: &Engagement, buckets: &Buckets) -> Figures {
    let mut head = engagement_part(&found.total);
    head["streaks"] = json!({
        "current": streaks(&found.current_streaks),
        "longest": streaks(&found.longest_streaks),
    });
    let columns = &["from", "to", "active", "new", "returning", "sessions", "active_minutes"];
    let rows = bucket_rows(buckets, &found.buckets, engagement_part);
    let distribution = STREAK_BINS.iter().enumerate().map(|(bin, (from, to))| {
        json!({
            "days_from": from,
            "days_to": to,
            "current": found.current_streaks.distribution[bin],
            "longest": found.longest_streaks.distribution[bin],
        })
    });
    Figures {
        head,
        tables: vec![
            Table::whole("buckets", columns, rows),
            Table::whole(
                "streak_days",
                &["days_from", "days_to", "current", "longest"],
                distribution,
            ),
        ],
    }
}

fn engagement_part(part: &EngagementPart) -> Value {
    json!({
        "active": part.active,
        "new": part.new,
        "returning": part.returning,
        "sessions": part.sessions,
        "active_minutes": part.active_minutes,
    })
}

fn streaks(streaks: &Streaks) -> Value {
    json!({"people": streaks.people, "mean": streaks.mean, "max": streaks.max})
}

/// `/analytics/outcomes`.
#[must_use]
pub fn outcomes(found: &Outcomes, page: &Range<usize>, roster: &Roster) -> Figures {
    let quizzes: usize = found.score_bins.iter().sum();
    let bins = found.score_bins.iter().enumerate().map(|(bin, count)| {
        json!({
            "score_from": bin as f64 / SCORE_BINS as f64,
            "score_to": (bin + 1) as f64 / SCORE_BINS as f64,
            "quizzes": count,
        })
    });
    let qualifications = Table::page(
        "qualifications",
        &[
            "qualification_id",
            "name",
            "learners",
            "begun",
            "completed",
            "completion_rate",
            "time_to_completion_ms/count",
            "time_to_completion_ms/mean",
            "time_to_completion_ms/lower_quartile",
            "time_to_completion_ms/median",
            "time_to_completion_ms/upper_quartile",
        ],
        &found.qualifications,
        page,
        |row| {
            json!({
                "qualification_id": row.qualification_id,
                "name": roster.qualification(row.qualification_id).map(|known| known.name),
                "learners": row.learners,
                "begun": row.begun,
                "completed": row.completed,
                "completion_rate": row.completion_rate,
                "time_to_completion_ms": row.time_to_completion_ms.map(spread),
            })
        },
    );
    let units = Table::page(
        "units",
        &[
            "unit_id",
            "title",
            "begun",
            "completed",
            "completion_rate",
            "completed_in_range",
            "time_to_completion_ms/count",
            "time_to_completion_ms/mean",
            "time_to_completion_ms/lower_quartile",
            "time_to_completion_ms/median",
            "time_to_completion_ms/upper_quartile",
        ],
        &found.units,
        page,
        |row| {
            json!({
                "unit_id": row.unit_id,
                "title": roster.unit(row.unit_id).map(|known| known.title),
                "begun": row.begun,
                "completed": row.completed,
                "completion_rate": row.completion_rate,
                "completed_in_range": row.completed_in_range,
                "time_to_completion_ms": row.time_to_completion_ms.map(spread),
            })
        },
    );
    let skills = Table::page(
        "skills",
        &["skill", "learners", "mastery_before", "mastery_after", "mastery_gained"],
        &found.skills,
        page,
        |row| {
            json!({
                "skill": &*row.skill,
                "learners": row.learners,
                "mastery_before": row.mastery_before,
                "mastery_after": row.mastery_after,
                "mastery_gained": row.mastery_after - row.mastery_before,
            })
        },
    );
    Figures {
        head: json!({"quizzes": quizzes, "scores": found.scores.map(spread)}),
        tables: vec![
            Table::whole("score_distribution", &["score_from", "score_to", "quizzes"], bins),
            qualifications,
            units,
            skills,
        ],
    }
}

fn spread(spread: Spread) -> Value {
    json!({
        "count": spread.count,
        "mean": spread.mean,
        "lower_quartile": spread.lower_quartile,
        "median": spread.median,
        "upper_quartile": spread.upper_quartile,
    })
}

/// `/analytics/success`.
#[must_use]
pub fn success(found: &Success, buckets: &Buckets, page: &Range<usize>, roster: &Roster) -> Figures {
    let units = Table::page(
        "units",
        &[
            "unit_id",
            "title",
            "begun",
            "completed",
            "completion_rate",
            "dropped",
            "drop_off_rate",
        ],
        &found.units,
        page,
        |row| {
            json!({
                "unit_id": row.unit_id,
                "title": roster.unit(row.unit_id).map(|known| known.title),
                "begun": row.begun,
                "completed": row.completed,
                "completion_rate": numbers::share(row.completed, row.begun),
                "dropped": row.dropped,
                "drop_off_rate": numbers::share(row.dropped, row.begun),
            })
        },
    );
    let items = Table::page(
        "items",
        &[
            "reference_id",
            "quizzes",
            "passed",
            "pass_rate",
            "mean_score",
            "difficulty",
            "discrimination",
        ],
        &found.items,
        page,
        |row| {
            let mut shown = quiz_part(&row.results);
            shown["reference_id"] = json!(row.reference_id);
            shown["difficulty"] = json!(row.results.difficulty());
            shown["discrimination"] = json!(row.discrimination);
            shown
        },
    );
    let columns = &["from", "to", "quizzes", "passed", "pass_rate", "mean_score"];
    Figures {
        head: quiz_part(&found.total),
        tables: vec![
            Table::whole("buckets", columns, bucket_rows(buckets, &found.buckets, quiz_part)),
            units,
            items,
        ],
    }
}

fn quiz_part(part: &QuizPart) -> Value {
    json!({
        "quizzes": part.quizzes,
        "passed": part.passed,
        "pass_rate": part.pass_rate(),
        "mean_score": part.score.get(),
    })
}

/// `/analytics/resources`.
#[must_use]
pub fn resources(found: &Resources, buckets: &Buckets, page: &Range<usize>) -> Figures {
    let resources = Table::page(
        "resources",
        &[
            "contributor_id",
            "reference_id",
            "contributed_at",
            "quality",
            "reads",
            "readers",
            "ratings",
            "mean_rating",
        ],
        &found.resources,
        page,
        |(key, used)| {
            json!({
                "contributor_id": key.contributor,
                "reference_id": key.reference,
                "contributed_at": used.contributed_at.map(time),
                "quality": used.quality,
                "reads": used.reads,
                "readers": used.readers,
                "ratings": used.ratings.count,
                "mean_rating": used.ratings.get(),
            })
        },
    );
    let columns = &[
        "from",
        "to",
        "reads",
        "readers",
        "contributions",
        "mean_quality",
        "ratings",
        "mean_rating",
    ];
    Figures {
        head: usage_part(&found.total),
        tables: vec![
            Table::whole("buckets", columns, bucket_rows(buckets, &found.buckets, usage_part)),
            resources,
        ],
    }
}

fn usage_part(part: &UsagePart) -> Value {
    json!({
        "reads": part.reads,
        "readers": part.readers,
        "contributions": part.contributions,
        "mean_quality": part.quality.get(),
        "ratings": part.ratings.count,
        "mean_rating": part.ratings.get(),
    })
}

/// One signal of `/team/{team_id}/signals`, for staff.
#[must_use]
pub fn signal(signal: &Signal, roster: &Roster) -> Value {
    let (kind, reason, figures) = match &signal.reason {
        Reason::UnitNotCompleted { unit_id, units, days } => (
            "stuck",
            "unit_not_completed",
            json!({"unit_id": unit_id, "units": units, "days": days}),
        ),
        Reason::QuizzesOfUnitFailed { unit_id, failed } => (
            "stuck",
            "quizzes_failed",
            json!({"unit_id": unit_id, "quizzes_failed": failed}),
        ),
        Reason::QuizzesOfSkillFailed { skill, failed } => (
            "stuck",
            "quizzes_failed",
            json!({"skill": &**skill, "quizzes_failed": failed}),
        ),
        Reason::NoActivity { days } => ("silent", "no_activity", json!({"days": days})),
        Reason::QualificationNearlyComplete {
            qualification_id,
            units_completed,
            units_total,
        } => (
            "nearly_there",
            "qualification_nearly_complete",
            json!({
                "qualification_id": qualification_id,
                "units_completed": units_completed,
                "units_total": units_total,
            }),
        ),
        Reason::AchievementNearlyEarned {
            achievement_type,
            tier,
            criterion,
            current,
            target,
        } => (
            "nearly_there",
            "achievement_nearly_earned",
            json!({
                "achievement_type": achievement_type,
                "tier": tier.as_str(),
                "criterion": criterion,
                "current": current,
                "target": target,
            }),
        ),
    };
    let mut shown: Map<String, Value> = figures.as_object().cloned().unwrap_or_default();
    let name = roster.user(signal.user_id).map(|user| user.name);
    shown.insert("kind".into(), kind.into());
    shown.insert("reason".into(), reason.into());
    shown.insert("user_id".into(), json!(signal.user_id));
    shown.insert("name".into(), json!(name));
    shown.insert("since".into(), json!(signal.since.map(time)));
    Value::Object(shown)
}
