// What the library shows of itself. `build.mjs` reads the names from here.

export { Homeroom } from './client.js';
export type { BoardMirror, HomeroomEvents, HomeroomOptions, MirrorHandlers } from './client.js';
export type { BackoffOptions } from './backoff.js';
export type { State, StateChange, Transport } from './connection.js';
export type { Environment, KeyValueStorage, Network, SocketConstructor, SocketLike } from './environment.js';
export type { Off } from './events.js';
export { HomeroomHttp } from './http.js';
export type { BoardWish, HttpAnswer, Me, Page, PageWish, RequestOptions, SessionRole, TokenSource } from './http.js';
export type {
  Achievement, Achievements, Ack, Action, Announcement, Announcements, Board, BoardName, BoardRow, Earn, Earned, Frame, Honour, Honours,
  LedgerEntry, MessageData, MessageType, Performance, Period, Position, Presence, PresentPerson, Progress, ProgressStep, SkillMastery, SnapshotOf, TeamMember,
  Tier, Time, Topic, TopicMessage, UnitProgress,
} from './messages.js';
export type { Settled } from './outbox.js';
export { Problem } from './problem.js';
export type { FieldError, LocalCode } from './problem.js';
export type { StoredCommand, StoreOptions } from './store.js';
export type { SubscribeOptions, Subscription, TopicHandlers } from './topics.js';
