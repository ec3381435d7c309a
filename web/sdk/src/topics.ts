// Topics that are held: positions, resuming, and the check that no message is passed on twice or left out. No connection.

import { fullJitter, type BackoffOptions } from './backoff.js';
import type { Environment } from './environment.js';
import type { Frame, Position, SnapshotOf, TopicMessage } from './messages.js';
import { Problem } from './problem.js';
import type { Store } from './store.js';

/** What to do with a topic. Everything is optional. */
export interface TopicHandlers<Name extends string = string> {
  /** The state at a position; messages follow it. First of all, and again whenever the messages missed cannot be had. */
  snapshot?(data: SnapshotOf<Name>, position: Position): void;
  /** The next message: never one left out, never one twice. */
  message?(message: TopicMessage): void;
  /** The position was good: what was missed follows as messages. */
  recovered?(position: Position): void;
  /** The topic is not (or no longer) held, and will not be by itself. */
  ended?(problem: Problem): void;
}

/** How to begin. */
export interface SubscribeOptions {
  /** Go on from here. */
  from?: Position;
  /** Keep the position in the storage and go on from there after a reload. For handlers that keep the state, too: with a
   * good position no snapshot comes. */
  stored?: boolean;
}

/** A topic that somebody wants. */
export interface Subscription {
  readonly topic: string;
  /** After the last message that was passed on. */
  readonly position: Position | undefined;
  unsubscribe(): void;
}

/** What topics need from their client. */
export interface TopicsOwner {
  /** False when no socket is open. */
  send(frame: object): boolean;
  nextId(): number;
  /** The list changed: a stream has to be opened with the new one. */
  listChanged(): void;
  /** A stream cannot be asked for one topic: it has to begin anew. */
  beginAnew(): void;
  report(problem: Problem): void;
}

/** Topics named in one frame: far below 64 KiB. */
const ASK_MAX = 100;
/** Faults in a row after which a position is no longer trusted. */
const FAULTS_MAX = 3;

interface Held {
  topic: string;
  takers: Set<TopicHandlers>;
  isStored: boolean;
  position: Position | undefined;
  /** `wanted`: to be asked for. `asking`: in the request `askId`. `held`: messages count. `resting`: asked for later. */
  phase: 'wanted' | 'asking' | 'held' | 'resting';
  askId: number;
  /** What went wrong since the last message. */
  faults: number;
  timer: unknown;
}

/** All topics of a client. */
export class Topics {
  readonly #held = new Map<string, Held>();
  #mode: 'none' | 'socket' | 'stream' = 'none';
  #isAskDue = false;

  constructor(
    private readonly env: Environment,
    private readonly store: Store,
    private readonly backoff: BackoffOptions,
    private readonly owner: TopicsOwner,
  ) {}

  names(): string[] {
    return [...this.#held.keys()];
  }

  subscribe(topic: string, taker: TopicHandlers, options: SubscribeOptions): Subscription {
    let held = this.#held.get(topic);
    if (!held) {
      const position = options.from ?? (options.stored ? this.store.position(topic) : undefined);
      held = {
        topic, position, takers: new Set(), isStored: options.stored ?? false, phase: 'wanted', askId: 0, faults: 0, timer: undefined,
      };
      this.#held.set(topic, held);
      this.#askSoon();
    } else if (taker.snapshot) {
      // Whoever comes later needs the state as well: the topic begins anew for all of its takers.
      this.#again(held, true);
    }
    held.takers.add(taker);
    const kept = held;
    return {
      topic,
      get position() {
        return kept.position && { ...kept.position };
      },
      unsubscribe: () => {
        if (!kept.takers.delete(taker) || kept.takers.size > 0 || this.#held.get(topic) !== kept) return;
        this.#drop(kept);
        this.owner.send({ type: 'unsubscribe', id: this.owner.nextId(), topics: [{ topic }] });
        this.#askSoon();
      },
    };
  }

  /** What is held cannot be right: ask for its snapshot. */
  refresh(topic: string): void {
    const held = this.#held.get(topic);
    if (held) this.#fault(held, true);
  }

  /** A way is open. A stream that was resumed goes on where it was. */
  opened(mode: 'socket' | 'stream', isResumed: boolean): void {
    this.#mode = mode;
    for (const held of this.#held.values()) {
      this.env.clearTimeout(held.timer);
      if (mode === 'socket') held.phase = 'wanted';
      else held.phase = isResumed && held.position ? 'held' : 'asking';
      held.askId = 0;
    }
    if (mode === 'socket') this.#ask();
  }

  lost(): void {
    this.#mode = 'none';
    for (const held of this.#held.values()) this.env.clearTimeout(held.timer);
  }

  /** Takes a frame; false if it is not about topics. */
  take(frame: Frame): boolean {
    switch (frame.type) {
      case 'subscribed':
        if (Array.isArray(frame.topics)) for (const reply of frame.topics) this.#reply(frame.id, reply);
        return true;
      case 'snapshot':
        return this.#snapshot(frame);
      case 'unsubscribed': {
        const held = typeof frame.topic === 'string' ? this.#held.get(frame.topic) : undefined;
        if (held && held.phase !== 'asking') this.#ended(held, Problem.read(frame.reason));
        return true;
      }
      case 'error':
        return this.#error(frame);
      default:
        return typeof frame.topic === 'string' && this.#message(frame.topic, frame);
    }
  }

  #askSoon(): void {
    if (this.#isAskDue) return;
    this.#isAskDue = true;
    queueMicrotask(() => {
      this.#isAskDue = false;
      this.#ask();
    });
  }

  #ask(): void {
    if (this.#mode !== 'socket') return this.owner.listChanged();
    const wanted = [...this.#held.values()].filter((held) => held.phase === 'wanted');
    for (let from = 0; from < wanted.length; from += ASK_MAX) {
      const part = wanted.slice(from, from + ASK_MAX);
      const id = this.owner.nextId();
      const topics = part.map(({ topic, position }) => ({ topic, ...position }));
      if (!this.owner.send({ type: 'subscribe', id, topics })) return;
      for (const held of part) Object.assign(held, { phase: 'asking', askId: id });
    }
  }

  #reply(id: unknown, value: unknown): void {
    const reply = value as { topic?: string; epoch?: string; offset?: number; recovered?: boolean; snapshot?: unknown; error?: unknown };
    const held = this.#held.get(reply.topic ?? '');
    if (!held || (this.#mode === 'socket' && (held.phase !== 'asking' || held.askId !== id))) return;
    if (reply.error !== undefined) return this.#refused(held, Problem.read(reply.error));
    const { epoch, offset } = reply;
    if (typeof epoch !== 'string' || !Number.isSafeInteger(offset)) return this.#fault(held, true);
    const position = { epoch, offset: offset as number };
    if (reply.snapshot !== undefined) return this.#begin(held, position, reply.snapshot);
    const isWhereWeAre = held.position?.epoch === epoch && held.position.offset === offset;
    if (!reply.recovered || !isWhereWeAre) return this.#fault(held, true);
    held.phase = 'held';
    this.#tell(held, (taker) => taker.recovered?.({ ...position }));
  }

  /** Unasked, or first of a stream. While a request is under way it belongs to the old position. */
  #snapshot(frame: Frame): boolean {
    const held = this.#held.get(frame.topic as string);
    if (!held || (this.#mode === 'socket' && held.phase !== 'held')) return true;
    const { epoch, offset, data } = frame;
    if (typeof epoch !== 'string' || !Number.isSafeInteger(offset)) this.#fault(held, true);
    else this.#begin(held, { epoch, offset: offset as number }, data);
    return true;
  }

  #begin(held: Held, position: Position, data: unknown): void {
    held.phase = 'held';
    this.#moved(held, position);
    this.#tell(held, (taker) => taker.snapshot?.(data as never, { ...position }));
  }

  #message(topic: string, frame: Frame): boolean {
    const held = this.#held.get(topic);
    if (held?.phase !== 'held' || !held.position) return true;
    if (frame.offset !== held.position.offset + 1) {
      this.#fault(held, false);
      return true;
    }
    held.faults = 0;
    this.#moved(held, { epoch: held.position.epoch, offset: frame.offset });
    this.#tell(held, (taker) => taker.message?.(frame as unknown as TopicMessage));
    return true;
  }

  /** The position is the new one before anybody hears of it: a handler that throws does not get the same again. */
  #moved(held: Held, position: Position): void {
    held.position = position;
    if (held.isStored) this.store.keepPosition(held.topic, position);
  }

  /** A gap, a repeat or nonsense: ask anew, by position while that is believed. */
  #fault(held: Held, isPositionUseless: boolean): void {
    held.faults += 1;
    this.#again(held, isPositionUseless || held.faults >= FAULTS_MAX);
  }

  #again(held: Held, withoutPosition: boolean): void {
    if (withoutPosition) held.position = undefined;
    if (this.#mode === 'none') {
      held.phase = 'wanted';
    } else if (this.#mode === 'stream') {
      held.phase = 'asking';
      this.owner.beginAnew();
    } else if (held.faults > 1) {
      this.#rest(held, fullJitter(held.faults, this.backoff, this.env.random()));
    } else {
      held.phase = 'wanted';
      this.#askSoon();
    }
  }

  #rest(held: Held, ms: number): void {
    held.phase = 'resting';
    this.env.clearTimeout(held.timer);
    held.timer = this.env.setTimeout(() => {
      held.phase = 'wanted';
      this.#askSoon();
    }, ms);
  }

  #refused(held: Held, problem: Problem): void {
    if (problem.code === 'reply_too_large') {
      // The others of the same request came: alone, or with fewer, it fits.
      held.phase = 'wanted';
      return this.#askSoon();
    }
    if (!problem.isTransient) return this.#ended(held, problem);
    held.faults += 1;
    const hint = problem.retryAfterMs ?? 0;
    this.#rest(held, hint + fullJitter(held.faults, this.backoff, this.env.random()));
  }

  /** A request of ours as a whole was refused. */
  #error(frame: Frame): boolean {
    const asked = [...this.#held.values()].filter((held) => held.phase === 'asking' && held.askId === frame.id);
    if (frame.id === undefined || asked.length === 0) return false;
    const problem = Problem.read(frame.error);
    for (const held of asked) this.#refused(held, problem);
    return true;
  }

  #ended(held: Held, problem: Problem): void {
    this.#drop(held);
    this.#tell(held, (taker) => taker.ended?.(problem));
    this.#askSoon();
  }

  #drop(held: Held): void {
    this.env.clearTimeout(held.timer);
    this.#held.delete(held.topic);
  }

  #tell(held: Held, act: (taker: TopicHandlers) => void): void {
    for (const taker of [...held.takers]) {
      try {
        act(taker);
      } catch (thrown) {
        this.owner.report(Problem.local('handler_failed', `A handler of ${held.topic} failed`, String(thrown), thrown));
      }
    }
  }
}
