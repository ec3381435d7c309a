//! Messages and snapshots of topics as JSON, for one lens each. Shapes shared with HTTP come from `wire`; nothing here waits.

use crate::app::App;
use crate::wire::{self, raw};
use axum::extract::ws::Utf8Bytes;
use homeroom_actors::domain::Action;
use homeroom_actors::domain::event::{EventMeta, LearnerEvent};
use homeroom_actors::engine::TopicSnapshot;
use homeroom_actors::topics::{BoardChanges, BoardName, Period, TopicName};
use homeroom_actors::{Entry, Lens, Message};
use homeroom_schema::{EventId, ReferenceId, UserId};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The frame of a message, made once for each lens and shared by all sessions.
pub(super) fn frame(app: &App, entry: &Entry, lens: Lens) -> Utf8Bytes {
    entry.encoded(lens, |message| encode(app, entry.offset, message, lens))
}

fn encode(app: &App, offset: u64, message: &Message, lens: Lens) -> Utf8Bytes {
    #[derive(Serialize)]
    struct Frame {
        r#type: &'static str,
        topic: String,
        offset: u64,
        data: Box<RawValue>,
    }
    let (topic, (r#type, data)) = match message {
        Message::Learner {
            user_id,
            event,
            meta,
            note,
            ..
        } => (
            TopicName::User(*user_id),
            learner(*user_id, event, *meta, note.as_deref()),
        ),
        Message::Board {
            board,
            period,
            version,
            window,
            front,
        } => {
            let changes = if lens == Lens::Projector { front } else { window };
            let data = board_changes(app, *board, *period, *version, changes, lens);
            (TopicName::Board(*board, *period), ("leaderboard_update", raw(&data)))
        }
        Message::Team { before, now } => {
            let data = wire::performance_changes(before, now, lens);
            (TopicName::Team(now.team_id), ("team_update", raw(&data)))
        }
        Message::Presence {
            team_id,
            joined,
            left,
            count,
        } => {
            let joined = wire::people(app.engine().roster(), joined, lens);
            let data = json!({"team_id": team_id, "joined": joined, "left": left, "count": count});
            (TopicName::Presence(*team_id), ("presence_update", raw(&data)))
        }
        Message::Announcement(record) => {
            let data = wire::announcement(app.engine().roster(), record, lens);
            (TopicName::Announcements(record.team_id), ("announcement", raw(&data)))
        }
        Message::Honour(honour) => {
            let data = wire::honour(app.engine().roster(), honour, lens, app.secret());
            (TopicName::Honours, ("honour", raw(&data)))
        }
    };
    let frame = Frame {
        r#type,
        topic: topic.to_string(),
        offset,
        data,
    };
    // Only maps with keys that are not text could fail here, and there are none.
    serde_json::to_string(&frame).unwrap_or_default().into()
}

/// One kept fact. Totals and levels are those after it.
fn learner(
    user_id: UserId,
    event: &LearnerEvent,
    meta: EventMeta,
    note: Option<&str>,
) -> (&'static str, Box<RawValue>) {
    let event_id = meta.event_id;
    match event {
        LearnerEvent::ProgressMade {
            unit,
            progress_percentage,
            last_accessed,
            completed_at,
            ..
        } => {
            let data = json!({
                "user_id": user_id, "unit_id": unit, "progress_percentage": progress_percentage,
                "last_accessed": wire::time(*last_accessed), "completed_at": wire::optional_time(*completed_at),
            });
            ("progress_update", raw(&data))
        }
        LearnerEvent::PointsAwarded {
            action,
            reference,
            points,
            total,
            level,
            ..
        } => {
            // By far the most frequent one.
            #[derive(Serialize)]
            struct Awarded {
                event_id: EventId,
                user_id: UserId,
                action_type: Action,
                reference_id: ReferenceId,
                points: u32,
                total: u64,
                level: u32,
            }
            let data = Awarded {
                event_id,
                user_id,
                action_type: *action,
                reference_id: *reference,
                points: *points,
                total: *total,
                level: *level,
            };
            ("points_update", raw(&data))
        }
        LearnerEvent::PointsRefused {
            action,
            reference,
            reason,
            retry_at,
            ..
        } => {
            let data = json!({
                "event_id": event_id, "user_id": user_id, "action_type": action, "reference_id": reference,
                "reason": reason, "retry_at": wire::optional_time(*retry_at),
            });
            ("points_refused", raw(&data))
        }
        LearnerEvent::PointsReversed {
            of,
            action,
            reference,
            points,
            total,
            level,
            ..
        } => {
            let data = json!({
                "event_id": event_id, "user_id": user_id, "reversed_event_id": of, "action_type": action,
                "reference_id": reference, "points": -i64::from(*points), "total": total, "level": level, "reason": note,
            });
            ("points_reversed", raw(&data))
        }
        LearnerEvent::PointsReinstated {
            of,
            action,
            reference,
            points,
            total,
            level,
            ..
        } => {
            let data = json!({
                "event_id": event_id, "user_id": user_id, "reinstated_event_id": of, "action_type": action,
                "reference_id": reference, "points": points, "total": total, "level": level,
                "reason": note.unwrap_or("reinstated"),
            });
            ("points_adjusted", raw(&data))
        }
        LearnerEvent::PointsAdjusted {
            act,
            undone,
            points,
            total,
            level,
            ..
        } => {
            let data = json!({
                "event_id": event_id, "user_id": user_id, "act": act, "points": points, "total": total, "level": level,
                "reason": wire::adjustment_reason(*undone),
            });
            ("points_adjusted", raw(&data))
        }
        LearnerEvent::AchievementUnlocked {
            achievement,
            tier,
            data,
            occurred_at,
            ..
        } => {
            let data = json!({
                "event_id": event_id, "user_id": user_id, "achievement_type": achievement, "tier": tier,
                "earned_at": wire::time(*occurred_at), "achievement_data": wire::achievement_data(data),
            });
            ("achievement_unlocked", raw(&data))
        }
        // Readers who are before it get a snapshot in its place.
        LearnerEvent::StateCarried { state, .. } => {
            let data = json!({"event_id": event_id, "user_id": user_id, "total": state.total, "level": state.level});
            ("state_carried", raw(&data))
        }
    }
}

/// Rows that changed, as this lens sees them, and what left its window, by the name that the rows have there.
fn board_changes(
    app: &App,
    board: BoardName,
    period: Period,
    version: u64,
    changes: &BoardChanges,
    lens: Lens,
) -> Value {
    let secret = app.secret();
    let (rows, removed) = if lens == Lens::Projector && board != BoardName::Teams {
        // Neither list is in the order of ids.
        let name = board.to_string();
        let removed = changes.removed.iter().map(|id| secret.row_handle(&name, *id));
        let mut removed: Vec<String> = removed.collect();
        removed.sort_unstable();
        let rows = wire::projector_order(board, changes.changes.clone(), secret);
        (rows.into(), json!(removed))
    } else {
        (Cow::Borrowed(changes.changes.as_slice()), json!(changes.removed))
    };
    let rows = rows.iter().map(|row| wire::board_row(board, row, lens, secret));
    json!({
        "board": board.to_string(), "period": period.to_string(), "version": version,
        "changes": rows.collect::<Vec<_>>(), "removed": removed,
    })
}

/// The state that a position stands for, with the bodies that HTTP has for the same.
pub(super) fn snapshot(app: &App, name: TopicName, snapshot: &TopicSnapshot, lens: Lens) -> Box<RawValue> {
    let data = match (snapshot, name) {
        (TopicSnapshot::Learner(view), _) => json!({
            "progress": wire::progress(view), "achievements": wire::achievements(view),
        }),
        (TopicSnapshot::Team(performance), _) => wire::performance(performance, lens),
        (TopicSnapshot::Board(page), TopicName::Board(board, period)) => {
            wire::board(board, period, page, lens, app.secret(), app.config().projector_places)
        }
        (TopicSnapshot::Board(_), _) => Value::Null,
        (TopicSnapshot::Presence(team_id, page), _) => wire::presence(app.engine().roster(), *team_id, page, lens),
        (TopicSnapshot::Announcements(latest), _) => {
            let roster = app.engine().roster();
            let latest = latest.iter().map(|record| wire::announcement(roster, record, lens));
            json!({"announcements": latest.collect::<Vec<_>>()})
        }
        (TopicSnapshot::Honours(latest), _) => {
            let roster = app.engine().roster();
            let latest = latest.iter().map(|one| wire::honour(roster, one, lens, app.secret()));
            json!({"honours": latest.collect::<Vec<_>>()})
        }
    };
    raw(&data)
}
