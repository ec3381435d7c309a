// The words of `homeroom.v1` as types: snapshots, messages of topics, and frames. Unknown fields may come; unknown types do.

import type { Problem } from './problem.js';

/** RFC 3339 in UTC with milliseconds. */
export type Time = string;
export type Action = 'read_content' | 'complete_quiz' | 'contribute_resource' | 'community_feedback' | 'team_achievement';
export type Tier = 'bronze' | 'silver' | 'gold';
export type Period = 'all' | 'week' | 'day' | 'season';
/** `all`, `teams`, `team:{id}` or `qualification:{id}`. */
export type BoardName = 'all' | 'teams' | `team:${number}` | `qualification:${number}`;
export type Topic =
  | `user:${number}`
  | `team:${number}`
  | `board:${BoardName}`
  | `board:${BoardName}:${'week' | 'day' | 'season'}`
  | `presence:${number}`
  | 'announcements'
  | `announcements:team:${number}`
  | 'honours';

/** A place in a topic: after message `offset` of the life `epoch`. */
export interface Position {
  epoch: string;
  offset: number;
}

export interface UnitProgress {
  unit_id: number;
  progress_percentage: number;
  last_accessed: Time;
  completed_at: Time | null;
}
export interface SkillMastery {
  skill: string;
  mastery: number;
}
export interface Progress {
  user_id: number;
  version: number;
  units: UnitProgress[];
  units_completed: number;
  units_total: number;
  completion_percentage: number;
  qualifications: {
    qualification_id: number;
    units_completed: number;
    units_total: number;
    completion_percentage: number;
    completed_at: Time | null;
  }[];
  skills: SkillMastery[];
  points: { total: number; level: number };
}
export interface Achievement {
  achievement_type: string;
  tier: Tier;
  earned_at: Time | null;
  achievement_data: Record<string, { value: number; target: number }>;
  criteria: { key: string; current: number; target: number; met: boolean }[];
}
export interface Achievements {
  user_id: number;
  version: number;
  achievements: Achievement[];
}
export interface TeamMember {
  user_id: number;
  name: string;
  points: number;
  completion_percentage: number;
  rank: number | null;
}
/** A projector sees no `members` and no `mentor_id`. */
export interface Performance {
  team_id: number;
  name: string;
  mentor_id?: number | null;
  members?: TeamMember[];
  members_count: number;
  points: { sum: number; mean: number; adjusted: number };
  progress: { mean_completion_percentage: number; units_completed: number };
  course_completion: {
    qualification_id: number;
    learners: number;
    learners_completed: number;
    completion_percentage: number;
  }[];
  skills: SkillMastery[];
  achievements: number;
  rank: number | null;
  version: number;
}
/** One of `user_id`, `team_id` and `row` names it. */
export interface BoardRow {
  rank: number;
  user_id?: number;
  team_id?: number;
  /** What a projector gets in place of an id. */
  row?: string;
  name: string;
  points: number;
  reached_at: Time | null;
}
export interface Board {
  board: string;
  period: Period;
  epoch: string;
  version: number;
  total: number;
  entries: BoardRow[];
  next_cursor: string | null;
  from: Time | null;
  to: Time | null;
  season?: { name: string; from: Time; to: Time } | null;
}
export interface LedgerEntry {
  event_id: number;
  kind: string;
  action_type: Action | null;
  reference_id: number | null;
  awarded: boolean;
  points: number;
  reason: string | null;
  /** Of a refusal: from when on it would no longer be refused; null: never. */
  retry_at?: Time | null;
  /** Of a reversal or reinstatement: the award that it is about. */
  of_event_id?: number;
  occurred_at: Time;
  recorded_at: Time;
  total: number;
}
/** Who of a team is here. */
export interface Presence {
  team_id: number;
  /** How many are here. */
  count: number;
  /** The first of them, by id. */
  present: PresentPerson[];
  /** Whether there are others: `GET /teams/{team_id}/presence` has all. */
  more: boolean;
}
export interface PresentPerson {
  user_id: number;
  name: string;
}
/** What was announced lately, oldest first. */
export interface Announcements {
  announcements: Announcement[];
}
export interface Announcement {
  announcement_id: number;
  /** To which team; null: to everybody. */
  team_id: number | null;
  text: string;
  /** Who made it, as the reader may know them. */
  from: string | null;
  at: Time;
}
/** What those on boards unlocked lately, oldest first. */
export interface Honours {
  honours: Honour[];
}
export interface Honour {
  user_id?: number;
  /** In place of `user_id` for projectors: as on `board:all`. */
  row?: string;
  name: string | null;
  achievement_type: string;
  tier: Tier;
  earned_at: Time;
}

/** What a message of a topic holds, by its type. */
export interface MessageData {
  progress_update: UnitProgress & { user_id: number };
  points_update: {
    event_id: number;
    user_id: number;
    action_type: Action;
    reference_id: number;
    points: number;
    total: number;
    level: number;
  };
  points_refused: {
    event_id: number;
    user_id: number;
    action_type: Action;
    reference_id: number;
    reason: string;
    retry_at: Time | null;
  };
  points_reversed: { event_id: number; user_id: number; points: number; total: number; level: number; reason: string | null };
  points_adjusted: { event_id: number; user_id: number; points: number; total: number; level: number; reason: string | null };
  achievement_unlocked: {
    event_id: number;
    user_id: number;
    achievement_type: string;
    tier: Tier;
    earned_at: Time;
    achievement_data: Record<string, { value: number; target: number }>;
  };
  state_carried: { event_id: number; user_id: number; total: number; level: number };
  leaderboard_update: {
    board: string;
    period: Period;
    version: number;
    changes: BoardRow[];
    removed: (number | string)[];
  };
  /** Only the fields that changed, whole. */
  team_update: Partial<Performance> & { team_id: number };
  presence_update: { team_id: number; joined: PresentPerson[]; left: number[]; count: number };
  announcement: Announcement;
  honour: Honour;
}
export type MessageType = keyof MessageData;
/** A message of a topic: `switch (message.type)` tells its data. */
export type TopicMessage = {
  [Type in MessageType]: { type: Type; topic: string; offset: number; data: MessageData[Type] };
}[MessageType];

/** What a snapshot of a topic holds, by the topic's name. */
export type SnapshotOf<Name extends string> = Name extends `user:${string}`
  ? { progress: Progress; achievements: Achievements }
  : Name extends `team:${string}`
    ? Performance
    : Name extends `board:${string}`
      ? Board
      : Name extends `presence:${string}`
        ? Presence
        : Name extends `announcements${string}`
          ? Announcements
          : Name extends 'honours'
            ? Honours
            : unknown;

/** Fields of an award, as `POST /points/earn` takes them. */
export interface Earn {
  user_id: number;
  action_type: Action;
  reference_id: number;
  unit_id?: number;
  /** Admin and service only. */
  occurred_at?: Time;
  evidence?: {
    score?: number;
    duration_ms?: number;
    quality?: number;
    resource?: { user_id: number; reference_id: number };
    rating?: number;
    team_id?: number;
  };
}
/** Fields of a step of progress, as `POST /progress/{user_id}` takes them. */
export interface ProgressStep {
  user_id: number;
  unit_id: number;
  progress_percentage: number;
  /** Admin and service only. */
  occurred_at?: Time;
}
export interface Earned {
  event_id: number;
  user_id: number;
  action_type: Action;
  reference_id: number;
  awarded: boolean;
  points: number;
  total: number;
  level: number;
  reason?: string;
  retry_at?: Time | null;
  achievements_unlocked: { achievement_type: string; tier: Tier }[];
}
/** A command that is durable. */
export interface Ack<Data> {
  /** 201 or 200, as HTTP answers. */
  status: number;
  data: Data;
  /** The node had it already, and gave its first answer again. */
  replayed: boolean;
  /** The idempotency key that it went under. */
  key: string;
}

/** A frame of the node before anything is known of it. */
export interface Frame {
  type: string;
  id?: unknown;
  topic?: unknown;
  epoch?: unknown;
  offset?: unknown;
  topics?: unknown;
  data?: unknown;
  status?: unknown;
  replayed?: unknown;
  error?: unknown;
  reason?: unknown;
}

/** One topic's part of `subscribed`. */
export type TopicReply =
  | { topic: string; epoch: string; offset: number; recovered: boolean; snapshot?: unknown; error?: undefined }
  | { topic: string; error: Problem | object };
