//! Every bound of the node in one place: what it bounds, and what happens at the bound. No behaviour.

use std::num::NonZeroU32;
use std::time::Duration;

// --- Journal and store ---

/// Appends in one transaction. At the bound the rest wait for the next transaction.
pub const BATCH_APPENDS_MAX: usize = 4_096;
/// Commands admitted and not yet answered, over all callers. At the bound the edge answers 503 `overloaded`.
pub const COMMANDS_IN_FLIGHT_MAX: usize = 16_384;
/// While answers take longer than [`COMMAND_TIME_TARGET`], the bound falls to what is answered in that time, but never below
/// this: two whole batches always fit.
pub const COMMANDS_IN_FLIGHT_MIN: usize = 2 * EVENTS_ITEMS_MAX;
/// What a command may take on average, from its admission to its answer, before the node takes fewer of them.
pub const COMMAND_TIME_TARGET: Duration = Duration::from_millis(250);
/// How often the bound of commands under way is looked at.
pub const ADMISSION_WINDOW: Duration = Duration::from_millis(250);
/// How long a caller waits for an actor or a commit. At the bound: 503 `timed_out`; the outcome is settled by the key.
pub const COMMAND_DEADLINE: Duration = Duration::from_secs(10);
/// How long a read waits until its view shows everything committed before it. At the bound: 503 `timed_out`.
pub const READ_DEADLINE: Duration = Duration::from_secs(5);
/// Read connections of one SQLite file. At the bound reads wait in line.
pub const READERS_MAX: u32 = 4;
/// Jobs waiting for the SQLite writer. At the bound further callers wait before they may queue.
pub const WRITER_JOBS_MAX: usize = 256;
/// Reads waiting for a read connection. At the bound further callers wait before they may queue.
pub const READS_WAITING_MAX: usize = 1_024;
/// Connections of a node to a database server that read; one more writes. At the bound reads wait in line.
pub const DATABASE_READERS_MAX: u32 = 8;
/// How long a connection to a database server may take to be made.
pub const DATABASE_CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// How long a read waits for a connection to a database server, and sent bytes for its system. At the bound: unavailable.
pub const DATABASE_WAIT_FOR_CONNECTION: Duration = Duration::from_secs(5);
/// How long one statement may take on a database server. At the bound the server gives it up, and nothing is kept.
pub const DATABASE_STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a batch may take on a database server. At the bound its outcome is unknown, and the connection is given up.
pub const DATABASE_BATCH_DEADLINE: Duration = Duration::from_secs(30);
/// Times that a batch is tried again which lost against others (SQLSTATE 40001, 40P01). At the bound: unavailable.
pub const DATABASE_RETRIES_MAX: u32 = 6;
/// The longest wait before the first of these; each further one may be twice as long.
pub const DATABASE_RETRY_WAIT: Duration = Duration::from_millis(10);
/// Batches that ask where streams stand before they write, once another node was found to write too.
pub const DATABASE_ASKING_BATCHES: u32 = 64;
/// Statements sent to a database server before the first answer is awaited. The rest follow.
pub const DATABASE_PIPELINE_MAX: usize = 1_024;
/// Times that a command is decided anew because another node wrote to its learner first. At the bound: 503
/// `store_unavailable`.
pub const CONFLICTS_MAX: u32 = 16;
/// Rows that are moved from one store to another in one transaction. The rest follow.
pub const TRANSFER_PAGE_ROWS: usize = 2_000;
/// The longest wait between two tries to reach a database server while a node starts; the first is a tenth of it.
pub const DATABASE_START_WAIT: Duration = Duration::from_secs(2);
/// Contradictions in a database that a check names; the rest are counted.
pub const CONTRADICTIONS_NAMED_MAX: usize = 20;
/// Backups that a node keeps by default. The oldest beyond it are removed when another one is made.
pub const BACKUPS_KEPT_DEFAULT: usize = 14;
/// Backups that a node can be told to keep.
pub const BACKUPS_KEPT_MAX: usize = 1_000;
/// Hours between two backups that a node makes by itself, by default; 0 turns them off.
pub const BACKUP_EVERY_H_DEFAULT: usize = 24;
/// Hours between two backups that a node can be told, at the most.
pub const BACKUP_EVERY_H_MAX: usize = 24 * 366;
/// How often a node looks whether a backup is due.
pub const BACKUP_LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long after a backup that failed the next one is tried.
pub const BACKUP_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);
/// Bytes of a database file up to which its structure is checked whole at each start. Larger ones are read as needed.
pub const OPEN_CHECK_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Events of one page of a stream. Longer reads ask again.
pub const STREAM_PAGE_MAX: usize = 512;
/// Bytes of one stored snapshot. A larger state is rebuilt from its stream.
pub const SNAPSHOT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Events after which putting a learner away stores a snapshot.
pub const SNAPSHOT_EVERY_EVENTS: u64 = 128;
/// Facts of one stored block that analytics are computed from. Fewer wait in memory.
pub const ACTIVITY_BLOCK_FACTS: usize = 4_096;
/// Reversals of facts in stored blocks that wait in memory. At the bound those blocks are written anew.
pub const ACTIVITY_FLIPS_MAX: usize = 256;
/// Events that are folded into facts at once, so that nobody else waits for long; further ones follow.
pub const ACTIVITY_FOLD_EVENTS: usize = 512;
/// How often new events are folded, if nobody asks before.
pub const ACTIVITY_FOLD_EVERY: Duration = Duration::from_secs(2);
/// Blocks that an analytics read takes at once; further ones follow.
pub const ACTIVITY_PAGE_BLOCKS: usize = 32;
/// Analytics reads under way. At the bound further ones wait in line, until [`READ_DEADLINE`].
pub const ANALYTICS_READS_MAX: usize = 2;
/// Buckets of one analytics answer. At the bound: 422.
pub const ANALYTICS_BUCKETS_MAX: usize = 1_000;
/// Groups with fewer people than this are not broken down for peers.
pub const SMALL_GROUP: usize = 5;
/// Idempotency keys are kept this long (at least 24 hours by contract), then removed between batches.
pub const KEY_RETENTION_MS: i64 = 48 * 60 * 60 * 1_000;
/// Log file bytes from which the writer checkpoints passively between batches.
pub const WAL_PASSIVE_BYTES: u64 = 8 * 1024 * 1024;
/// Log file bytes from which the writer waits for readers and restarts the log.
pub const WAL_RESTART_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of one line of the list of erased people; longer ones are skipped.
pub const ERASURE_LINE_BYTES_MAX: u64 = 4_096;

// --- Actors ---

/// Shards of the learners' supervisors: one failure or start storm stays inside one of them.
pub const LEARNER_SHARDS: usize = 64;
/// A learner without commands, reads or subscribers for this long is put away.
pub const LEARNER_IDLE: Duration = Duration::from_secs(300);
/// Learners awake at once. Beyond it the longest idle are put away first, at each sweep.
pub const LEARNERS_AWAKE_MAX: usize = 100_000;
/// Restarts of one actor inside [`RESTART_WINDOW`]. At the bound it is quarantined: its callers get 503 until the window has passed.
pub const RESTARTS_MAX: usize = 5;
/// The window in which restarts are counted.
pub const RESTART_WINDOW: Duration = Duration::from_secs(60);
/// Supervisors look for actors that hang this often.
pub const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Looks in a row at which an actor is found in the same turn. At the bound it is ended, and restarted like one that failed.
pub const STALLED_LOOKS: u32 = 3;
/// Members of one team. At the bound: 422 `team_full`.
pub const TEAM_MEMBERS_MAX: usize = 5_000;
/// Boards awake at once. At the bound: 503 `overloaded`.
pub const BOARDS_MAX: usize = 20_000;
/// Teams awake at once. At the bound: 503 `overloaded`.
pub const TEAMS_AWAKE_MAX: usize = 20_000;
/// Completed units that wait for a team's actor one by one. Beyond it the actor reads them from the store.
pub const TEAM_MARKS_MAX: usize = 4_096;
/// Boards of a past moment that are made at once. At the bound further ones wait, at most [`READ_DEADLINE`], then 503 `overloaded`.
pub const PAST_BOARDS_MAX: usize = 2;
/// Entries that wait while the sums of a period are read from the store. Beyond it the sums are read again.
pub const TALLY_EARLY_MAX: usize = 65_536;
/// Facts of one team in one append. At the bound the rest wait for the next one.
pub const TEAM_FACTS_BATCH_MAX: usize = 64;

// --- Topics and sessions ---

/// Folding topics publish at most this often (20 a second).
pub const TOPIC_TICK: Duration = Duration::from_millis(50);
/// Messages that a topic remembers for readers that are behind. Older positions: journal pages (user topics) or a snapshot.
pub const TOPIC_RING_MAX: usize = 128;
/// Places of a board that its topic shows, by default.
pub const BOARD_WINDOW_DEFAULT: usize = 200;
/// Places of a board that its topic can be configured to show.
pub const BOARD_WINDOW_MAX: usize = 1_000;
/// Places of a board that a projector sees, by default.
pub const PROJECTOR_PLACES_DEFAULT: usize = 50;
/// Topics of one session. At the bound: `too_many_topics` for the topic asked.
pub const SESSION_TOPICS_MAX: usize = 256;
/// Bytes of one frame or message from a client. At the bound: close 1009.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Commands of one session that are under way. At the bound its socket is not read further.
pub const SESSION_COMMANDS_MAX: usize = 64;
/// Bytes waiting for one session. At the bound: close 4008 `slow_consumer`.
pub const OUTBOX_BYTES_MAX: usize = 512 * 1024;
/// Bytes that the system may keep for a client that does not take them yet (Linux doubles this). At the bound writes wait.
pub const SOCKET_SEND_BYTES: usize = 128 * 1024;
/// A write to a socket that makes no progress for this long: close 4008 `slow_consumer`.
pub const WRITE_STALL: Duration = Duration::from_secs(15);
/// A peer that takes fewer bytes a second than this, for longer than [`WRITE_STALL`], makes no progress.
pub const WRITE_BYTES_PER_SECOND_MIN: usize = 16 * 1024;
/// Bytes gathered for one session before topics are read on. At the bound they wait until the socket has taken them, and
/// requests of that session wait with them.
pub const SESSION_GATHER_BYTES: usize = 64 * 1024;
/// Messages read from one topic before another topic of the session has its turn.
pub const TOPIC_PAGE: usize = 64;
/// Topics of one session that are read from the journal or take a snapshot at once. At the bound the next wait in line.
pub const SESSION_FETCHES_MAX: usize = 4;
/// What a message that a stuck reader has not read yet counts for in its byte budget: a typical frame of a user topic.
pub const LAG_MESSAGE_BYTES: usize = 256;
/// Bytes of snapshots in one reply to `subscribe`, beyond the first one. At the bound: `reply_too_large` for the topic asked.
pub const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one frame to a client, with room for the largest snapshot and what is gathered behind it. At the bound: close 4010.
pub const FRAME_OUT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Letters of the id of a server-sent event: positions of all topics of a session. At the bound: 422 `validation`.
pub const EVENT_ID_CHARS_MAX: usize = 24 * 1024;
/// Topics named in one request. At the bound: 422.
pub const REQUEST_TOPICS_MAX: usize = 2 * SESSION_TOPICS_MAX;
/// Characters of the `id` of a request. At the bound: 422.
pub const REQUEST_ID_CHARS_MAX: usize = 64;
/// Frames that one session of a student, mentor or projector may send a second, in the long run. At the bound its socket is
/// not read further for a while.
pub const SESSION_FRAMES_PER_SECOND: u32 = 1_000;
/// Frames that one session may send at once.
pub const SESSION_FRAMES_BURST: u32 = 2_000;
/// A session that is slowed down for sending too many frames, and goes on at the bound for this long, is closed: 1008 `flood`.
pub const FLOOD_PATIENCE: Duration = Duration::from_secs(10);
/// Pings and pongs that one session may send a second, in the long run. Past the burst it is closed: 1008 `flood`.
pub const SESSION_CONTROLS_PER_SECOND: u32 = 10;
/// Pings and pongs that one session may send at once.
pub const SESSION_CONTROLS_BURST: u32 = 1_000;
/// An upgrade that was answered is finished by then, or its session is over.
pub const UPGRADE_DEADLINE: Duration = Duration::from_secs(10);
/// How long a session that ends waits for the other side: to take what is left, and to close too.
pub const CLOSE_GRACE: Duration = Duration::from_secs(2);
/// How long a connection stays open after the close frame when what the client sent could not be read: longer than the two may
/// come apart on their way, so that the frame is there before the reset.
pub const CLOSE_LINGER: Duration = Duration::from_millis(250);
/// The server pings each session this often.
pub const PING_EVERY: Duration = Duration::from_secs(25);
/// A ping that is not answered by then is missed.
pub const PONG_WAIT: Duration = Duration::from_secs(10);
/// Pings in a row without any answer before the peer counts as gone.
pub const PINGS_MISSED_MAX: u32 = 2;
/// Rights that depend on the roster are looked at again so long after it has changed, also while a topic is silent: many
/// changes are one look, and a right that is lost ends its topic within a second.
pub const RIGHTS_RECHECK: Duration = Duration::from_millis(800);
/// Shards of the sessions' supervisors.
pub const SESSION_SHARDS: usize = 16;
/// Sessions of the node. At the bound: 503 `too_many_sessions`.
pub const SESSIONS_MAX: usize = 20_000;
/// Sessions from one address unless set otherwise, so that no address takes all places; a school may sit behind one. At the
/// bound: 429 `too_many_from_address`.
pub const SESSIONS_PER_ADDRESS_DEFAULT: usize = SESSIONS_MAX / 2;
/// Tokens ended lately that a shard remembers, for sessions that were on their way in. At the bound the oldest is forgotten.
pub const ENDED_TOKENS_MAX: usize = 1_024;
/// Sessions of one student. At the bound: 429 `too_many_own_sessions`.
pub const SESSIONS_PER_STUDENT_MAX: usize = 16;
/// Sessions of one mentor, or on one projector token. At the bound: 429 `too_many_own_sessions`.
pub const SESSIONS_PER_MENTOR_MAX: usize = 5 * SESSIONS_PER_STUDENT_MAX;
/// A ticket for a socket lives this long and is good for one use.
pub const TICKET_LIFE: Duration = Duration::from_secs(30);
/// Tickets not yet used. At the bound: 503 `overloaded`.
pub const TICKETS_MAX: usize = 50_000;

// --- Edge ---

/// Bytes of a request body. At the bound: 413 `body_too_large`.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a body of `/events`.
pub const EVENTS_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a body of `/import`.
pub const IMPORT_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long the head of a request may take, from the moment that the connection is open or the answer before it was sent:
/// idle connections are closed then too.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take, from the first byte awaited. At the bound the connection is closed.
pub const TLS_HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// The files of the certificate are looked at this often; a new one is taken without a restart.
pub const TLS_LOOK_EVERY: Duration = Duration::from_secs(2);
/// From so long before its end a certificate is warned of.
pub const TLS_WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Bytes of a file with a certificate or key. What comes after is not read.
pub const TLS_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes that a disk needs to be more than full: a writer that fails with less fails for want of room.
pub const DISK_NEEDED_BYTES: u64 = 1024 * 1024;
/// The node looks at its own readiness this often.
pub const READY_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Recorded times are taken into their buckets this often.
pub const METRICS_UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How long the body of a request may take. At the bound: 408 `request_timeout`.
pub const BODY_DEADLINE: Duration = Duration::from_secs(25);
/// Bytes of a refused body that are thrown away, so that its sender gets to read the answer. At the bound the connection
/// is closed.
pub const BODY_DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a refused body is thrown away.
pub const BODY_DRAIN_DEADLINE: Duration = Duration::from_secs(5);
/// A budget of reads or writes holds what it gains in so many seconds. At the bound: 429 `rate_limited`.
pub const RATE_BURST_SECONDS: NonZeroU32 = NonZeroU32::new(2).unwrap();
/// Callers whose budgets are full again are forgotten this often, so that only those of the last seconds take memory.
pub const RATE_SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Requests a second that a budget can be configured to have.
pub const RATE_PER_SECOND_MAX: u32 = 1_000_000;
/// Bytes of the head of a request, and of what is read ahead. At the bound: 431.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Fields of the head of a request. At the bound: 431.
pub const HEAD_FIELDS_MAX: usize = 100;
/// An answer that its client takes nothing of for this long: the connection is closed. Live sockets have [`WRITE_STALL`].
pub const ANSWER_STALL: Duration = Duration::from_secs(20);
/// Connections open at once, live sockets among them, by default; fewer where the system allows fewer open files. At the
/// bound new ones are answered 503 `too_many_connections`, or closed.
pub const CONNECTIONS_MAX: usize = 32_768;
/// Connections that are taken at once, however few files the system allows.
pub const CONNECTIONS_MIN: usize = 8;
/// Files that the node keeps for itself: the database with its readers, logs, and connections that are being refused.
pub const OPEN_FILES_KEPT: usize = 48;
/// Connections that are being told that there are too many. At the bound further ones are closed without a word.
pub const REFUSALS_MAX: usize = 16;
/// How long a connection that is refused may take to read that.
pub const REFUSAL_DEADLINE: Duration = Duration::from_secs(1);
/// Items of one call of `/events`. At the bound: 422.
pub const EVENTS_ITEMS_MAX: usize = 1_000;
/// Rows of one call of `/import`. At the bound: 422.
pub const IMPORT_ROWS_MAX: usize = 50_000;
/// Errors named in one problem; the rest are counted.
pub const PROBLEM_ERRORS_MAX: usize = 50;
/// Items of a page by default.
pub const PAGE_DEFAULT: usize = 50;
/// Items of a page at the most. Beyond it: 422.
pub const PAGE_MAX: usize = 1_000;
/// Characters of an idempotency key.
pub const KEY_CHARS_MAX: usize = 255;
/// Characters of a name, alias, title or label.
pub const NAME_CHARS_MAX: usize = 200;
/// Digits of a PIN. Fewer could be guessed, more help nobody; others are refused.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// Wrong PINs of one person in a row, after which they wait: a minute first, then twice as long each time.
pub const PIN_TRIES_MAX: u32 = 5;
/// Wrong class codes of one address in a row, after which it waits in the same way. A right one from the same address ends
/// that, so that a class behind one address is not kept out by one of its own.
pub const CODE_TRIES_MAX: u32 = 10;
/// The longest of these waits.
pub const GUESS_WAIT_MAX: Duration = Duration::from_secs(60 * 60);
/// People with wrong PINs, and addresses with wrong codes, that are remembered. At the bound those who need not wait are
/// forgotten, then others are refused.
pub const GUESSERS_MAX: usize = 10_000;
/// PINs hashed or checked at once, each with 19 MiB and some milliseconds of a processor. Others wait.
pub const PIN_HASHES_AT_ONCE: usize = 2;
/// Requests a second of all who have no token, in the long run. Beyond it they are refused with 429.
pub const STRANGERS_PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// The same at once: a school that opens its lids.
pub const STRANGERS_BURST: NonZeroU32 = NonZeroU32::new(2_000).unwrap();
/// How long a browser stays signed in.
pub const SESSION_LIFE: Duration = Duration::from_secs(200 * 24 * 60 * 60);
/// How long a sign-in link is good.
pub const SIGN_IN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Sign-in links not yet used. At the bound new ones are refused.
pub const SIGN_INS_MAX: usize = 1_000;
/// Teams that the set-up makes. More are refused.
pub const SET_UP_TEAMS_MAX: usize = 100;
/// Units that the set-up makes. More are refused.
pub const SET_UP_UNITS_MAX: usize = 200;
/// Characters of the hash of a PIN: the column's width. Those of Argon2id have fewer than 100.
pub const PIN_HASH_CHARS_MAX: usize = 255;
/// Characters of a team's name.
pub const TEAM_NAME_CHARS_MAX: usize = 100;
/// Characters of a member's role in a team.
pub const MEMBER_ROLE_CHARS_MAX: usize = 50;
/// Learners whose history is replaced in one transaction.
pub const PURGE_BATCH_LEARNERS: usize = 256;
/// Points of one manual award, whatever the rules say.
pub const MANUAL_POINTS_MAX: u32 = 1_000_000;
/// Mentors whose weekly budgets are remembered; at the bound those with nothing under way are forgotten, and counted again.
pub const MENTORS_COUNTED_MAX: usize = 10_000;
/// Characters of a reason for a reversal or a manual award.
pub const REASON_CHARS_MAX: usize = 500;
/// Skills of one unit.
pub const SKILLS_MAX: usize = 32;
/// Characters of a skill's name.
pub const SKILL_CHARS_MAX: usize = 64;
/// Criteria of one achievement.
pub const CRITERIA_MAX: usize = 8;
/// Achievements of the rules.
pub const ACHIEVEMENTS_MAX: usize = 64;
/// Bytes of a document with rules. At the bound it is refused.
pub const RULES_BYTES_MAX: usize = 256 * 1024;
/// Faults of a document with rules that are named; the rest are counted.
pub const RULES_FAULTS_MAX: usize = 100;
/// Qualifications with rules of their own.
pub const RULES_QUALIFICATIONS_MAX: usize = 1_000;
/// Limits of awards per window of one action, and caps of one scope.
pub const RULES_LIMITS_MAX: usize = 16;
/// Bonuses of one scope.
pub const RULES_BONUSES_MAX: usize = 64;
/// Seasons of the rules.
pub const RULES_SEASONS_MAX: usize = 64;
/// Par times, and skills with parameters of their own, that the rules set.
pub const RULES_ENTRIES_MAX: usize = 4_096;
/// Points of one award by the rules, before any bonus.
pub const RULES_POINTS_MAX: u32 = 1_000_000;
/// The largest bonus, in percent.
pub const RULES_PERCENT_MAX: u32 = 10_000;
/// The longest cool-down, window, rolling cap and lock: 366 days.
pub const RULES_SPAN_MS_MAX: i64 = 366 * 24 * 60 * 60 * 1_000;
/// Days and numbers of failures in the thresholds of signals.
pub const RULES_SIGNAL_MAX: u32 = 1_000;
/// Tokens in force. At the bound: 503 `too_many_tokens`.
pub const TOKENS_MAX: usize = 2_000_000;
/// Milliseconds from the end of a person's last session to their leaving a team's presence; a reconnect within it shows nothing.
pub const PRESENCE_GRACE_MS: u64 = 5_000;
/// People that a message or snapshot of presence names. Beyond it a change is told by a snapshot, and a snapshot goes on over
/// HTTP.
pub const PRESENCE_NAMED_MAX: usize = 200;
/// Announcements kept, by id: the oldest goes when a further one comes.
pub const ANNOUNCEMENTS_KEPT: u64 = 1_000;
/// The latest announcements of an audience that a snapshot shows.
pub const ANNOUNCEMENTS_SHOWN: usize = 50;
/// The latest honours that a snapshot shows, and that are remembered for it.
pub const HONOURS_SHOWN: usize = 20;
/// Honours told in one second of the node's clock: whoever unlocks more at once finds the others on their own topic alone.
pub const HONOURS_PER_SECOND_MAX: u32 = 20;
/// How long ago something may have been earned to be an honour still: history that is brought in is none.
pub const HONOUR_AGE_MAX_MS: i64 = 5 * 60 * 1_000;
/// Characters of an announcement.
pub const ANNOUNCEMENT_CHARS_MAX: usize = 1_000;
/// How far ahead of the node's clock `occurred_at` may be.
pub const OCCURRED_AHEAD_MS: i64 = 5 * 60 * 1_000;
/// Milliseconds between two kept touches of one unit by one learner.
pub const TOUCH_EVERY_MS: i64 = 60 * 1_000;
/// Refusals by token and route that are counted at once for the audit log. At the bound further ones are not kept there.
pub const REFUSALS_COUNTED_MAX: usize = 65_536;
/// Requests under way when a stop begins have this long to end. Then their connections are cut.
pub const HTTP_DRAIN_DEADLINE: Duration = Duration::from_secs(2);
/// A stop is over by then, whatever is still open.
pub const STOP_DEADLINE: Duration = Duration::from_secs(10);

const _: () = assert!(BOARD_WINDOW_DEFAULT <= BOARD_WINDOW_MAX);
const _: () = assert!(BODY_BYTES_MAX <= EVENTS_BODY_BYTES_MAX && EVENTS_BODY_BYTES_MAX <= IMPORT_BODY_BYTES_MAX);
const _: () = assert!(FRAME_BYTES_MAX <= OUTBOX_BYTES_MAX);
const _: () = assert!(SESSION_GATHER_BYTES <= OUTBOX_BYTES_MAX && OUTBOX_BYTES_MAX <= REPLY_BYTES_MAX);
const _: () = assert!(REPLY_BYTES_MAX <= FRAME_OUT_BYTES_MAX);
const _: () = assert!(2 * EVENT_ID_CHARS_MAX <= HEAD_BYTES_MAX && EVENT_ID_CHARS_MAX / SESSION_TOPICS_MAX >= 96);
const _: () = assert!(PAGE_DEFAULT <= PAGE_MAX && EVENTS_ITEMS_MAX <= COMMANDS_IN_FLIGHT_MAX);
const _: () = assert!(SESSIONS_PER_STUDENT_MAX <= SESSIONS_PER_MENTOR_MAX && SESSIONS_PER_MENTOR_MAX <= SESSIONS_MAX);
const _: () = assert!(WRITE_STALL.as_secs() < ANSWER_STALL.as_secs() && SESSIONS_MAX <= CONNECTIONS_MAX);
const _: () = assert!(REFUSALS_MAX < OPEN_FILES_KEPT);
const _: () =
    assert!(SESSION_COMMANDS_MAX <= COMMANDS_IN_FLIGHT_MIN && COMMANDS_IN_FLIGHT_MIN <= COMMANDS_IN_FLIGHT_MAX);
