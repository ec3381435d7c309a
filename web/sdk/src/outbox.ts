// Commands on their way: each has a key, goes out again with the same key until it is answered, and keeps its place among
// those of its person. So the node does each once, however often it was sent. No connection here.

import { fullJitter, type BackoffOptions } from './backoff.js';
import type { Environment } from './environment.js';
import type { Ack } from './messages.js';
import { Problem } from './problem.js';
import type { Store, StoredCommand } from './store.js';

/** What carries a command: false if it cannot now. Its answer comes back by `answered` or `refused`. */
export type Carry = (command: StoredCommand, ticket: number) => boolean;

/** A command that has its answer; also one of an earlier page, whose promise is gone. */
export type Settled = { command: StoredCommand } & ({ ack: Ack<unknown> } | { problem: Problem });

/** Commands without an answer at once: what the node takes of one session. */
const UNDER_WAY_MAX = 64;
/** The most that a frame may hold, less what `type` and `id` need. */
const COMMAND_BYTES_MAX = 64 * 1024 - 256;
/** How often a command that the node fails at (500) is sent. */
const FAILURES_MAX = 5;

interface Item {
  command: StoredCommand;
  /** In the storage. */
  number: number;
  lane: string;
  /** 0 unless it is under way. */
  ticket: number;
  isResting: boolean;
  failures: number;
  attempts: number;
  resolve(ack: Ack<unknown>): void;
  reject(problem: Problem): void;
}

/** All commands of a client. Bounded: what is beyond it is refused at once. */
export class Outbox {
  /** By person, each in the order given: only the first of each lane may be under way. */
  readonly #lanes = new Map<string, Item[]>();
  readonly #underWay = new Map<number, Item>();
  #size = 0;
  #isOpen = false;

  constructor(
    private readonly env: Environment,
    private readonly store: Store,
    private readonly backoff: BackoffOptions,
    private readonly sizeMax: number,
    private readonly carry: Carry,
    private readonly nextId: () => number,
    private readonly settled: (settled: Settled) => void,
  ) {
    for (const [number, command] of store.commands(sizeMax)) this.#push(command, number);
  }

  /** Commands without an answer. */
  get size(): number {
    return this.#size;
  }

  /** Takes a command in. Resolves when it is durable; rejects with a `Problem` when it is refused. */
  add(command: StoredCommand): Promise<Ack<unknown>> {
    if (this.#size >= this.sizeMax) {
      const detail = `${this.sizeMax} commands wait for an answer`;
      return Promise.reject(Problem.local('queue_full', 'Too many commands wait', detail));
    }
    if (new TextEncoder().encode(JSON.stringify(command)).length > COMMAND_BYTES_MAX) {
      return Promise.reject(Problem.local('frame_too_large', 'The command is too large'));
    }
    return new Promise((resolve, reject) => {
      // Kept before it is sent: whatever may have reached the node can be sent again.
      const number = this.store.keepCommand(command);
      Object.assign(this.#push(command, number), { resolve, reject });
      this.#pump();
    });
  }

  opened(): void {
    this.#isOpen = true;
    this.#pump();
  }

  /** Whether what was under way arrived is not known: it goes out again. */
  lost(): void {
    this.#isOpen = false;
    for (const item of this.#underWay.values()) item.ticket = 0;
    this.#underWay.clear();
  }

  /** Nothing more will be sent. What is stored stays there for the next time. */
  end(problem: Problem): void {
    this.lost();
    const items = [...this.#lanes.values()].flat();
    this.#lanes.clear();
    this.#size = 0;
    for (const item of items) item.reject(problem);
  }

  /** Whether this id is that of a command under way. */
  has(ticket: unknown): ticket is number {
    return this.#underWay.has(ticket as number);
  }

  answered(ticket: number, answer: { status: number; data: unknown; replayed: boolean }): void {
    const item = this.#take(ticket);
    if (!item) return;
    const ack = { ...answer, key: item.command.key };
    this.#done(item);
    item.resolve(ack);
    this.settled({ command: item.command, ack });
    this.#pump();
  }

  refused(ticket: number, problem: Problem): void {
    const item = this.#take(ticket);
    if (!item) return;
    if (!problem.isLasting) item.failures += 1;
    if (problem.isTransient && item.failures < FAILURES_MAX) return this.#rest(item, problem.retryAfterMs ?? 0);
    this.#done(item);
    item.reject(problem);
    this.settled({ command: item.command, problem });
    this.#pump();
  }

  #push(command: StoredCommand, number: number): Item {
    const lane = String(command.fields['user_id']);
    const nothing = (): void => undefined;
    const item: Item = {
      command, number, lane, ticket: 0, isResting: false, failures: 0, attempts: 0, resolve: nothing, reject: nothing,
    };
    const others = this.#lanes.get(lane);
    if (others) others.push(item);
    else this.#lanes.set(lane, [item]);
    this.#size += 1;
    return item;
  }

  #pump(): void {
    if (!this.#isOpen) return;
    for (const [item] of this.#lanes.values()) {
      if (this.#underWay.size >= UNDER_WAY_MAX) return;
      if (!item || item.ticket !== 0 || item.isResting) continue;
      const ticket = this.nextId();
      item.ticket = ticket;
      this.#underWay.set(ticket, item);
      if (this.carry(item.command, ticket)) continue;
      this.#take(ticket);
      return;
    }
  }

  #take(ticket: number): Item | undefined {
    const item = this.#underWay.get(ticket);
    this.#underWay.delete(ticket);
    if (item) item.ticket = 0;
    return item;
  }

  /** Later, and its person's other commands after it. */
  #rest(item: Item, hintMs: number): void {
    item.isResting = true;
    const wait = hintMs + fullJitter(item.attempts, this.backoff, this.env.random());
    item.attempts += 1;
    this.env.setTimeout(() => {
      item.isResting = false;
      this.#pump();
    }, wait);
  }

  #done(item: Item): void {
    const lane = this.#lanes.get(item.lane);
    if (lane?.[0] === item) lane.shift();
    if (lane?.length === 0) this.#lanes.delete(item.lane);
    this.#size -= 1;
    this.store.dropCommand(item.number);
  }
}
