//! Who is here, who said something and who is honoured, under the names that a lens shows.

use super::time;
use crate::secret::NodeSecret;
use homeroom_actors::Lens;
use homeroom_actors::domain::presence::PresencePage;
use homeroom_actors::engine::Honour;
use homeroom_actors::roster::Roster;
use homeroom_actors::topics::BoardName;
use homeroom_schema::records::AnnouncementRecord;
use homeroom_schema::{TeamId, UserId};
use serde_json::{Value, json};
use std::sync::Arc;

/// The name under which a lens shows a person; none for people who are not known or were erased.
fn name(roster: &Roster, user_id: UserId, lens: Lens) -> Option<Arc<str>> {
    let user = roster.user(user_id).filter(|user| user.erased_at.is_none())?;
    match lens {
        Lens::Staff => Some(user.name.into()),
        Lens::Peer | Lens::Projector => roster.alias(user_id),
    }
}

/// People who are here.
#[must_use]
pub fn people(roster: &Roster, user_ids: &[UserId], lens: Lens) -> Vec<Value> {
    let named = user_ids
        .iter()
        .filter_map(|user_id| Some((user_id, name(roster, *user_id, lens)?)));
    named
        .map(|(user_id, name)| json!({"user_id": user_id, "name": name}))
        .collect()
}

/// The first who are here in a team.
#[must_use]
pub fn presence(roster: &Roster, team_id: TeamId, page: &PresencePage, lens: Lens) -> Value {
    json!({
        "team_id": team_id, "count": page.count, "present": people(roster, &page.people, lens),
        "more": page.next.is_some(),
    })
}

/// An announcement. `from` is nobody's where a token without a person made it, and after its author was erased.
#[must_use]
pub fn announcement(roster: &Roster, record: &AnnouncementRecord, lens: Lens) -> Value {
    json!({
        "announcement_id": record.announcement_id, "team_id": record.team_id, "text": record.text,
        "from": record.user_id.and_then(|author| name(roster, author, lens)), "at": time(record.at),
    })
}

/// A tier that somebody on boards unlocked. A projector knows the person by the handle of their row on the board of all.
#[must_use]
pub fn honour(roster: &Roster, honour: &Honour, lens: Lens, secret: &NodeSecret) -> Value {
    let Honour { user_id, unlocked } = honour;
    let mut shown = json!({
        "name": name(roster, *user_id, lens), "achievement_type": unlocked.achievement, "tier": unlocked.tier,
        "earned_at": time(unlocked.earned_at),
    });
    match lens {
        Lens::Projector => shown["row"] = json!(secret.row_handle(&BoardName::All.to_string(), user_id.get())),
        Lens::Staff | Lens::Peer => shown["user_id"] = json!(user_id),
    }
    shown
}
