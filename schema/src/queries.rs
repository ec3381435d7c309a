//! The statements that both engines share, in SQLite's parameter style. No connections; what differs lives in an adapter.
//!
//! Parameters are `?1`, `?2`, … in the order of the columns they fill; [`numbered`] turns them into Postgres' style, which
//! takes the type of a parameter from where it first stands: so `at >= ?3 OR ?3 IS NULL`, not the other way round.

/// The same statement with `$1` for `?1`. No statement here has a question mark anywhere else.
#[must_use]
pub fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

// --- Writing ---

/// Keeps one event.
pub const INSERT_EVENT: &str = "INSERT INTO events (event_id, stream_kind, stream_id, version, event_type, occurred_at, \
     recorded_at, writer, batch_no, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
/// Keeps free text beside an event.
pub const INSERT_NOTE: &str = "INSERT INTO event_notes (event_id, note) VALUES (?1, ?2)";
/// Keeps free text beside an event of a learner, unless the learner was erased meanwhile.
pub const INSERT_LEARNER_NOTE: &str = "INSERT INTO event_notes (event_id, note) SELECT ?1, ?2 \
     WHERE NOT EXISTS (SELECT 1 FROM users WHERE user_id = ?3 AND erased_at IS NOT NULL)";
/// Moves a learner's head, if it is where the writer thinks it is.
pub const MOVE_HEAD: &str =
    "UPDATE learner_heads SET version = ?2, total = ?3, reached_at = ?4 WHERE user_id = ?1 AND version = ?5";
/// Moves a learner's head without touching the total.
pub const MOVE_HEAD_VERSION: &str = "UPDATE learner_heads SET version = ?2 WHERE user_id = ?1 AND version = ?3";
/// Starts a learner's head, unless there is one.
pub const START_HEAD: &str = "INSERT INTO learner_heads (user_id, version, total, reached_at) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (user_id) DO NOTHING";
/// Keeps one entry of the ledger.
pub const INSERT_POINTS: &str = "INSERT INTO user_points (event_id, user_id, kind, action_type, points, reference_id, \
     unit_id, qualification_id, total, reason, occurred_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
/// Keeps one part of an adjusted entry of the ledger.
pub const INSERT_POINT_PART: &str = "INSERT INTO point_parts (event_id, part, occurred_at, qualification_id, points) \
     VALUES (?1, ?2, ?3, ?4, ?5)";
/// Keeps progress.
pub const UPSERT_PROGRESS: &str = "INSERT INTO user_progress (user_id, unit_id, progress_percentage, last_accessed, \
     completed_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (user_id, unit_id) DO UPDATE SET \
     progress_percentage = excluded.progress_percentage, last_accessed = excluded.last_accessed, \
     completed_at = excluded.completed_at";
/// Keeps an achievement.
pub const UPSERT_ACHIEVEMENT: &str = "INSERT INTO user_achievements (user_id, achievement_type, tier, earned_at, \
     achievement_data) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (user_id, achievement_type, tier) DO UPDATE SET \
     earned_at = excluded.earned_at, achievement_data = excluded.achievement_data";
/// Takes an achievement back.
pub const DELETE_ACHIEVEMENT: &str =
    "DELETE FROM user_achievements WHERE user_id = ?1 AND achievement_type = ?2 AND tier = ?3";
/// Adds to what is known of a resource.
pub const ADD_RESOURCE: &str = "INSERT INTO resources (contributor_id, reference_id, contributed, uses, ratings, \
     rating_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (contributor_id, reference_id) DO UPDATE SET \
     contributed = resources.contributed + excluded.contributed, uses = resources.uses + excluded.uses, \
     ratings = resources.ratings + excluded.ratings, rating_sum = resources.rating_sum + excluded.rating_sum";
/// Adds to the completions of a quiz that took so long.
pub const ADD_QUIZ_TIME: &str = "INSERT INTO quiz_times (reference_id, bucket_ms, n) VALUES (?1, ?2, ?3) \
     ON CONFLICT (reference_id, bucket_ms) DO UPDATE SET n = quiz_times.n + excluded.n";
/// Keeps a result.
pub const UPSERT_RESULT: &str = "INSERT INTO user_results (user_id, reference_id, unit_id, score, occurred_at) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (user_id, reference_id) DO UPDATE SET unit_id = excluded.unit_id, \
     score = excluded.score, occurred_at = excluded.occurred_at";
/// Takes a result back.
pub const DELETE_RESULT: &str = "DELETE FROM user_results WHERE user_id = ?1 AND reference_id = ?2";
/// Keeps a used idempotency key.
pub const INSERT_KEY: &str = "INSERT INTO idempotency_keys (key_hash, fingerprint, created_at, status, stream_kind, \
     stream_id, version, total, level, body, about) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
/// Keeps a person.
pub const UPSERT_USER: &str = "INSERT INTO users (user_id, name, alias, role, created_at, archived_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, alias = excluded.alias, \
     role = excluded.role, created_at = excluded.created_at, archived_at = excluded.archived_at";
/// Keeps a qualification.
pub const UPSERT_QUALIFICATION: &str = "INSERT INTO qualifications (qualification_id, name, created_at, archived_at) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (qualification_id) DO UPDATE SET name = excluded.name, \
     created_at = excluded.created_at, archived_at = excluded.archived_at";
/// Keeps a unit.
pub const UPSERT_UNIT: &str = "INSERT INTO units (unit_id, title, qualification_id, skills, created_at, archived_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (unit_id) DO UPDATE SET title = excluded.title, \
     qualification_id = excluded.qualification_id, skills = excluded.skills, created_at = excluded.created_at, \
     archived_at = excluded.archived_at";
/// Keeps a team.
pub const UPSERT_TEAM: &str = "INSERT INTO teams (team_id, name, mentor_id, created_at, archived_at) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (team_id) DO UPDATE SET name = excluded.name, \
     mentor_id = excluded.mentor_id, created_at = excluded.created_at, archived_at = excluded.archived_at";
/// Keeps a membership.
pub const UPSERT_MEMBER: &str = "INSERT INTO team_members (team_id, user_id, role, joined_at) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role, joined_at = excluded.joined_at";
/// Removes a membership.
pub const DELETE_MEMBER: &str = "DELETE FROM team_members WHERE team_id = ?1 AND user_id = ?2";
/// Keeps an enrolment.
pub const UPSERT_ENROLMENT: &str = "INSERT INTO enrolments (qualification_id, user_id, enrolled_at) VALUES (?1, ?2, ?3) \
     ON CONFLICT (qualification_id, user_id) DO UPDATE SET enrolled_at = excluded.enrolled_at";
/// Removes an enrolment.
pub const DELETE_ENROLMENT: &str = "DELETE FROM enrolments WHERE qualification_id = ?1 AND user_id = ?2";
/// Keeps whether a person wants to be on boards.
pub const UPSERT_PREFERENCE: &str = "INSERT INTO user_preferences (user_id, leaderboard, own_change_at) \
     VALUES (?1, ?2, ?3) ON CONFLICT (user_id) DO UPDATE SET leaderboard = excluded.leaderboard, \
     own_change_at = excluded.own_change_at";
/// Keeps a team achievement that is not settled yet.
pub const UPSERT_TEAM_AWARD: &str = "INSERT INTO team_awards (team_id, version, reference_id, settled) \
     VALUES (?1, ?2, ?3, FALSE) ON CONFLICT (team_id, version) DO UPDATE SET reference_id = excluded.reference_id, \
     settled = excluded.settled";
/// Settles a team achievement.
pub const SETTLE_TEAM_AWARD: &str = "UPDATE team_awards SET settled = TRUE WHERE team_id = ?1 AND version = ?2";
/// Keeps a token.
pub const UPSERT_TOKEN: &str = "INSERT INTO tokens (token_id, hash, role, user_id, label, created_at, expires_at, \
     revoked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (token_id) DO UPDATE SET hash = excluded.hash, \
     role = excluded.role, user_id = excluded.user_id, label = excluded.label, created_at = excluded.created_at, \
     expires_at = excluded.expires_at, revoked_at = excluded.revoked_at";
/// Keeps a PIN: person 1, hash 2, time 3.
pub const UPSERT_PIN: &str = "INSERT INTO pins (user_id, hash, set_at) VALUES (?1, ?2, ?3) \
     ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at";
/// Forgets who a person was: 1 is the person, 2 the moment. What stays is an id that nobody gets again.
pub const ERASE_USER: &str = "INSERT INTO users (user_id, name, alias, role, created_at, archived_at, erased_at) \
     VALUES (?1, '', NULL, 'student', ?2, ?2, ?2) ON CONFLICT (user_id) DO UPDATE SET name = '', alias = NULL, \
     archived_at = COALESCE(users.archived_at, excluded.archived_at), \
     erased_at = COALESCE(users.erased_at, excluded.erased_at)";
/// What else goes with an erased person, one statement after the other: 1 is the person. (1 is also the number of the
/// learners' streams.)
pub const ERASE_LINKS: [&str; 9] = [
    "DELETE FROM team_members WHERE user_id = ?1",
    "DELETE FROM enrolments WHERE user_id = ?1",
    "DELETE FROM user_preferences WHERE user_id = ?1",
    "UPDATE teams SET mentor_id = NULL WHERE mentor_id = ?1",
    "DELETE FROM tokens WHERE user_id = ?1",
    "DELETE FROM pins WHERE user_id = ?1",
    "DELETE FROM event_notes WHERE event_id IN (SELECT event_id FROM events WHERE stream_kind = 1 AND stream_id = ?1)",
    "DELETE FROM idempotency_keys WHERE about = ?1",
    "UPDATE announcements SET user_id = NULL WHERE user_id = ?1",
];
/// Adds an announcement: id 1, team 2, person 3, text 4, time 5.
pub const INSERT_ANNOUNCEMENT: &str =
    "INSERT INTO announcements (announcement_id, team_id, user_id, text, at) VALUES (?1, ?2, ?3, ?4, ?5)";
/// Forgets announcements up to an id.
pub const PURGE_ANNOUNCEMENTS: &str = "DELETE FROM announcements WHERE announcement_id <= ?1";
/// Takes an announcement back: its id stays taken.
pub const CLEAR_ANNOUNCEMENT: &str =
    "UPDATE announcements SET team_id = NULL, user_id = NULL, text = NULL WHERE announcement_id = ?1";
/// Adds to the audit log.
pub const INSERT_AUDIT: &str = "INSERT INTO audit (at, token_id, role, user_id, act, subject_kind, subject_id, detail) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
/// Keeps a setting.
pub const UPSERT_SETTING: &str =
    "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
/// Removes a setting.
pub const DELETE_SETTING: &str = "DELETE FROM settings WHERE name = ?1";
/// Writes without changing anything: a trial.
pub const TOUCH_SETTINGS: &str = "UPDATE settings SET value = value WHERE name = 'writer'";
/// Keeps a snapshot, unless a newer one is there.
pub const UPSERT_SNAPSHOT: &str = "INSERT INTO snapshots (stream_kind, stream_id, version, bytes) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (stream_kind, stream_id) DO UPDATE SET version = excluded.version, \
     bytes = excluded.bytes WHERE excluded.version >= snapshots.version";
/// Keeps a block of facts.
pub const UPSERT_ACTIVITY: &str = "INSERT INTO activity_blocks (last_event_id, from_at, to_at, facts, bytes) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (last_event_id) DO UPDATE SET from_at = excluded.from_at, \
     to_at = excluded.to_at, facts = excluded.facts, bytes = excluded.bytes";
/// Removes all blocks of facts.
pub const CLEAR_ACTIVITY: &str = "DELETE FROM activity_blocks";
/// Removes old idempotency keys, the oldest first.
pub const PURGE_KEYS: &str = "DELETE FROM idempotency_keys WHERE key_hash IN \
     (SELECT key_hash FROM idempotency_keys WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)";

/// Notes of the first events of a learner.
pub const PURGE_NOTES: &str = "DELETE FROM event_notes WHERE event_id IN \
     (SELECT event_id FROM events WHERE stream_kind = 1 AND stream_id = ?1 AND version <= ?2)";
/// Entries of the ledger of the first events of a learner.
pub const PURGE_POINTS: &str = "DELETE FROM user_points WHERE event_id IN \
     (SELECT event_id FROM events WHERE stream_kind = 1 AND stream_id = ?1 AND version <= ?2)";
/// Parts of adjusted entries among them.
pub const PURGE_PARTS: &str = "DELETE FROM point_parts WHERE event_id IN \
     (SELECT event_id FROM events WHERE stream_kind = 1 AND stream_id = ?1 AND version <= ?2)";
/// One entry of the ledger.
pub const DELETE_POINTS: &str = "DELETE FROM user_points WHERE event_id = ?1";
/// The first events of a learner but the last of them.
pub const PURGE_EVENTS: &str = "DELETE FROM events WHERE stream_kind = 1 AND stream_id = ?1 AND version < ?2";
/// A snapshot from before.
pub const PURGE_SNAPSHOT: &str = "DELETE FROM snapshots WHERE stream_kind = 1 AND stream_id = ?1 AND version < ?2";
/// The last of them becomes another fact.
pub const CARRY_STATE: &str = "UPDATE events SET event_type = ?3, body = ?4 \
     WHERE stream_kind = 1 AND stream_id = ?1 AND version = ?2";

// --- Reading, for the writer ---

/// Whether an idempotency key is taken.
pub const KEY_EXISTS: &str = "SELECT 1 FROM idempotency_keys WHERE key_hash = ?1";
/// The version of a learner's stream.
pub const HEAD_VERSION: &str = "SELECT version FROM learner_heads WHERE user_id = ?1";
/// The version of any stream, from its last event.
pub const STREAM_VERSION: &str =
    "SELECT version FROM events WHERE stream_kind = ?1 AND stream_id = ?2 ORDER BY version DESC LIMIT 1";
/// The newest event of the journal.
pub const LAST_EVENT_ID: &str = "SELECT event_id FROM events ORDER BY event_id DESC LIMIT 1";
/// The newest batch of one writer.
pub const LAST_BATCH_NO: &str = "SELECT batch_no FROM events WHERE writer = ?1 ORDER BY event_id DESC LIMIT 1";

// --- Reading ---

/// A setting.
pub const SETTING: &str = "SELECT value FROM settings WHERE name = ?1";
/// The PIN of a person.
pub const PIN: &str = "SELECT user_id, hash, set_at FROM pins WHERE user_id = ?1";
/// The last event of a stream: version and place.
pub const STREAM_HEAD: &str =
    "SELECT version, event_id FROM events WHERE stream_kind = ?1 AND stream_id = ?2 ORDER BY version DESC LIMIT 1";
/// How many rows [`USERS`] gives.
pub const COUNT_USERS: &str = "SELECT count(*) FROM users";
/// All people.
pub const USERS: &str =
    "SELECT user_id, name, alias, role, created_at, archived_at, erased_at FROM users ORDER BY user_id";
/// All qualifications.
pub const QUALIFICATIONS: &str =
    "SELECT qualification_id, name, created_at, archived_at FROM qualifications ORDER BY qualification_id";
/// All units.
pub const UNITS: &str =
    "SELECT unit_id, title, qualification_id, skills, created_at, archived_at FROM units ORDER BY unit_id";
/// All teams.
pub const TEAMS: &str = "SELECT team_id, name, mentor_id, created_at, archived_at FROM teams ORDER BY team_id";
/// How many rows [`MEMBERS`] gives.
pub const COUNT_MEMBERS: &str = "SELECT count(*) FROM team_members";
/// All memberships.
pub const MEMBERS: &str = "SELECT team_id, user_id, role, joined_at FROM team_members ORDER BY team_id, user_id";
/// How many rows [`ENROLMENTS`] gives.
pub const COUNT_ENROLMENTS: &str = "SELECT count(*) FROM enrolments";
/// All enrolments.
pub const ENROLMENTS: &str =
    "SELECT qualification_id, user_id, enrolled_at FROM enrolments ORDER BY qualification_id, user_id";
/// All preferences.
pub const PREFERENCES: &str = "SELECT user_id, leaderboard, own_change_at FROM user_preferences ORDER BY user_id";
/// How many rows [`HEADS`] gives.
pub const COUNT_HEADS: &str = "SELECT count(*) FROM learner_heads";
/// All heads.
pub const HEADS: &str = "SELECT user_id, version, total, reached_at FROM learner_heads ORDER BY user_id";
/// Tokens in force.
pub const TOKENS: &str = "SELECT token_id, hash, role, user_id, label, created_at, expires_at, revoked_at FROM tokens \
     WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1) ORDER BY token_id";
/// All tokens of one person, revoked and ended ones too.
pub const TOKENS_OF: &str = "SELECT token_id, hash, role, user_id, label, created_at, expires_at, revoked_at FROM tokens \
     WHERE user_id = ?1 ORDER BY token_id";
/// One snapshot.
pub const SNAPSHOT: &str = "SELECT version, bytes FROM snapshots WHERE stream_kind = ?1 AND stream_id = ?2";
/// Points inside one qualification, with the parts of adjusted entries, which move no moment. People whose entries there
/// are all without points have no row.
pub const QUALIFICATION_STANDINGS: &str = "WITH entries AS (SELECT user_id, CAST(SUM(points) AS BIGINT) AS points, \
     MAX(CASE WHEN points <> 0 THEN event_id END) AS latest, MIN(event_id) AS first FROM user_points \
     WHERE qualification_id = ?1 GROUP BY user_id), \
     parts AS (SELECT a.user_id, CAST(SUM(p.points) AS BIGINT) AS points, MAX(p.event_id) AS latest FROM point_parts p \
     JOIN user_points a ON a.event_id = p.event_id WHERE p.qualification_id = ?1 GROUP BY a.user_id) \
     SELECT e.user_id, e.points + COALESCE(p.points, 0), at.occurred_at, \
     CASE WHEN p.latest > COALESCE(e.latest, 0) THEN p.latest ELSE e.latest END \
     FROM entries e LEFT JOIN parts p ON p.user_id = e.user_id \
     JOIN user_points at ON at.event_id = COALESCE(e.latest, e.first) \
     WHERE e.latest IS NOT NULL OR p.latest IS NOT NULL";
/// Points of learners between two moments: entries of the ledger, and of the adjusted ones their parts, which move no moment.
/// People whose entries there are all refusals have no row.
pub const STANDINGS: &str = "WITH moved AS (SELECT user_id, points, event_id AS latest FROM user_points \
     WHERE points <> 0 AND kind <> 'adjusted' AND occurred_at >= ?1 AND occurred_at < ?2 \
     UNION ALL SELECT a.user_id, p.points, NULL FROM point_parts p JOIN user_points a ON a.event_id = p.event_id \
     WHERE p.points <> 0 AND p.occurred_at >= ?1 AND p.occurred_at < ?2), \
     sums AS (SELECT user_id, CAST(SUM(points) AS BIGINT) AS points, MAX(latest) AS event_id FROM moved GROUP BY user_id) \
     SELECT sums.user_id, sums.points, p.occurred_at FROM sums \
     LEFT JOIN user_points p ON p.event_id = sums.event_id";
/// The same inside the qualification 3.
pub const STANDINGS_IN: &str = "WITH moved AS (SELECT user_id, points, event_id AS latest FROM user_points \
     WHERE points <> 0 AND kind <> 'adjusted' AND occurred_at >= ?1 AND occurred_at < ?2 AND qualification_id = ?3 \
     UNION ALL SELECT a.user_id, p.points, NULL FROM point_parts p JOIN user_points a ON a.event_id = p.event_id \
     WHERE p.points <> 0 AND p.occurred_at >= ?1 AND p.occurred_at < ?2 AND p.qualification_id = ?3), \
     sums AS (SELECT user_id, CAST(SUM(points) AS BIGINT) AS points, MAX(latest) AS event_id FROM moved GROUP BY user_id) \
     SELECT sums.user_id, sums.points, p.occurred_at FROM sums \
     LEFT JOIN user_points p ON p.event_id = sums.event_id";
/// Completed units of one learner.
pub const COMPLETED_UNITS: &str = "SELECT user_id, unit_id, completed_at FROM user_progress \
     WHERE user_id = ?1 AND completed_at IS NOT NULL";
/// Progress of one learner.
pub const PROGRESS_ROWS: &str = "SELECT user_id, unit_id, progress_percentage, last_accessed, completed_at \
     FROM user_progress WHERE user_id = ?1 ORDER BY unit_id";
/// Achievements of one learner.
pub const ACHIEVEMENT_ROWS: &str = "SELECT user_id, achievement_type, tier, earned_at, achievement_data \
     FROM user_achievements WHERE user_id = ?1 ORDER BY achievement_type, tier";
/// All resources.
pub const RESOURCES: &str = "SELECT contributor_id, reference_id, contributed, uses, ratings, rating_sum FROM resources \
     ORDER BY contributor_id, reference_id";
/// Times of all quizzes.
pub const QUIZ_TIMES: &str = "SELECT reference_id, bucket_ms, n FROM quiz_times ORDER BY reference_id, bucket_ms";
/// Results of one learner.
pub const RESULTS: &str = "SELECT user_id, reference_id, unit_id, score, occurred_at FROM user_results \
     WHERE user_id = ?1 ORDER BY reference_id";
/// The last event.
pub const LAST_EVENT: &str = "SELECT MAX(event_id) FROM events";
/// Team achievements that are not settled, oldest first (2 is the number of the team streams).
pub const UNSETTLED_TEAM_AWARDS: &str = "SELECT a.team_id, a.version, a.reference_id FROM team_awards a \
     LEFT JOIN events e ON e.stream_kind = 2 AND e.stream_id = a.team_id AND e.version = a.version \
     WHERE NOT a.settled ORDER BY e.event_id, a.team_id, a.version";
/// The last event of the last block of facts.
pub const ACTIVITY_HEAD: &str = "SELECT last_event_id FROM activity_blocks ORDER BY last_event_id DESC LIMIT 1";
/// A page of the blocks of facts that may hold what happened from 1 to before 2.
pub const ACTIVITY_PAGE: &str = "SELECT last_event_id, from_at, to_at, facts, bytes FROM activity_blocks \
     WHERE to_at >= ?1 AND from_at < ?2 AND last_event_id > ?3 ORDER BY last_event_id LIMIT ?4";
/// A used idempotency key.
pub const KEY: &str = "SELECT fingerprint, created_at, status, stream_kind, stream_id, version, total, level, body, \
     about FROM idempotency_keys WHERE key_hash = ?1";
/// A page of announcements, backwards: before 1, to team 2, by person 3 (2 and 3 may be null).
pub const ANNOUNCEMENTS_PAGE: &str = "SELECT announcement_id, team_id, user_id, text, at FROM announcements \
     WHERE announcement_id < ?1 AND text IS NOT NULL AND (team_id = ?2 OR ?2 IS NULL) AND (user_id = ?3 OR ?3 IS NULL) \
     ORDER BY announcement_id DESC LIMIT ?4";
/// The largest id that an announcement has had.
pub const LAST_ANNOUNCEMENT: &str = "SELECT MAX(announcement_id) FROM announcements";
/// A page of the audit log, backwards: before 1, with act 2, since 3, by or about person 4 (each may be null).
pub const AUDIT_PAGE: &str = "SELECT audit_id, at, token_id, role, user_id, act, subject_kind, subject_id, detail \
     FROM audit WHERE audit_id < ?1 AND (act = ?2 OR ?2 IS NULL) AND (at >= ?3 OR ?3 IS NULL) \
     AND (user_id = ?4 OR (subject_kind = 'user' AND subject_id = ?4) OR ?4 IS NULL) \
     ORDER BY audit_id DESC LIMIT ?5";

macro_rules! events_where {
    ($rest:literal) => {
        concat!(
            "SELECT e.event_id, e.stream_kind, e.stream_id, e.version, e.event_type, e.occurred_at, e.recorded_at, \
             e.body, n.note FROM events e LEFT JOIN event_notes n ON n.event_id = e.event_id WHERE ",
            $rest
        )
    };
}

/// A page of a stream, forwards.
pub const STREAM_PAGE: &str = events_where!(
    "e.stream_kind = ?1 AND e.stream_id = ?2 AND e.version > ?3 ORDER BY e.stream_kind, e.stream_id, e.version LIMIT ?4"
);
/// A page of the ledger in the order of the journal.
pub const LEDGER_PAGE: &str = "SELECT event_id, user_id, kind, action_type, points, reference_id, unit_id, \
     qualification_id, total, reason, occurred_at FROM user_points WHERE event_id > ?1 ORDER BY event_id LIMIT ?2";
/// The parts of one adjusted entry of the ledger.
pub const POINT_PARTS: &str =
    "SELECT occurred_at, qualification_id, points FROM point_parts WHERE event_id = ?1 ORDER BY part";
/// How much there is: events, events of learners, rows of progress.
pub const COUNTS: &str = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM events WHERE stream_kind = 1), \
     (SELECT count(*) FROM user_progress)";
/// One event.
pub const EVENT: &str = events_where!("e.event_id = ?1");
/// A page of the journal.
pub const JOURNAL_PAGE: &str = events_where!("e.event_id > ?1 ORDER BY e.event_id LIMIT ?2");

/// A page of a stream, backwards, of `types` event types: they are parameters 5 and up.
#[must_use]
pub fn stream_page_back(types: usize) -> String {
    use std::fmt::Write as _;
    let mut sql = String::from(events_where!(
        "e.stream_kind = ?1 AND e.stream_id = ?2 AND e.version < ?3 AND e.event_type IN ("
    ));
    for index in 0..types {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(sql, "{comma}?{}", index + 5);
    }
    sql.push_str(") ORDER BY e.stream_kind DESC, e.stream_id DESC, e.version DESC LIMIT ?4");
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_translated_for_postgres() {
        assert_eq!(
            numbered(KEY_EXISTS),
            "SELECT 1 FROM idempotency_keys WHERE key_hash = $1"
        );
        assert!(numbered(&stream_page_back(2)).contains("IN ($5, $6)"));
    }
}
