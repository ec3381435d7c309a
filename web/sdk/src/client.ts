// `Homeroom`: one connection to one node, with its topics, commands and boards. Puts the parts together; decides nothing else.

import type { BackoffOptions } from './backoff.js';
import { Connection, type ConnectionSettings, type State, type StateChange, type Transport } from './connection.js';
import { environment, newKey, type Environment } from './environment.js';
import { Emitter } from './events.js';
import { HomeroomHttp, type SessionRole, type TokenSource } from './http.js';
import type { Ack, Board, BoardName, BoardRow, Earn, Earned, Frame, Period, ProgressStep, Topic, UnitProgress } from './messages.js';
import { BoardWindow } from './mirror.js';
import { Outbox, type Settled } from './outbox.js';
import { Problem } from './problem.js';
import { Store, type StoredCommand, type StoreOptions } from './store.js';
import { Topics, type SubscribeOptions, type Subscription, type TopicHandlers } from './topics.js';

/** Options of a client. `url` and one of `token`, `session` and `getTicket` are needed. */
export interface HomeroomOptions {
  /** The node: `https://homeroom.school.example`. */
  url: string;
  /** The token, or what gives the present one. Makes tickets and goes with HTTP. */
  token?: TokenSource;
  /** Instead of a token, on pages of the node itself: the browser's own session in this role (`POST /sessions`). */
  session?: SessionRole;
  /** Gives a ticket for each connection, where a server of yours holds the token. Without a token commands wait for a socket. */
  getTicket?: () => Promise<string>;
  /** `auto` (default): a socket, and for a while the stream when sockets do not open. */
  transport?: 'auto' | Transport;
  /** Keeps commands, and positions of topics with `stored`, over a reload. */
  store?: StoreOptions;
  /** Commands that may wait for an answer (default 1,000). */
  queueMax?: number;
  /** Waiting times before attempts (default 500 ms, at most 30 s). */
  backoff?: Partial<BackoffOptions>;
  /** Sockets in a row that did not open, after which the stream is tried (default 3). */
  socketFailuresMax?: number;
  /** How long the stream is used then (default 5 minutes): the next connection after it is a socket again. */
  fallbackForMs?: number;
  /** Silence after which the node is asked whether it is there (default 20 s). */
  heartbeatEveryMs?: number;
  /** How long its answer may take (default 10 s). */
  heartbeatWaitMs?: number;
  /** How long opening may take (default 15 s). */
  openWithinMs?: number;
  environment?: Partial<Environment>;
}

/** Events of a client. */
export interface HomeroomEvents {
  /** Every change of the connection. */
  state: StateChange;
  /** Commands that have their answer, also those of an earlier page. */
  settled: Settled;
  /** Failures that nobody waits for: a handler that threw, a storage that is full, a frame that the node refused. */
  problem: Problem;
  /** Every frame, for those who want to watch. */
  frame: Frame;
}

/** What a mirrored board tells. */
export interface MirrorHandlers {
  /** Which board (default `all`). */
  period?: Period;
  /** The rows changed. `board.rows` is a new list each time. */
  change?(board: BoardMirror): void;
  /** The board is not shown any more. */
  ended?(problem: Problem): void;
}

/** A board that is kept equal to the node's. */
export interface BoardMirror {
  /** The rows of the window, in order, with their ranks. */
  readonly rows: readonly BoardRow[];
  readonly version: number;
  /** The snapshot that it began with last: period, season, number of all rows then. */
  readonly board: Board | undefined;
  /** How often it could not be right and was asked for anew. */
  readonly repairs: number;
  close(): void;
}

const FRAME_BACKOFF: BackoffOptions = { baseMs: 500, capMs: 30_000 };

/** A client of one node. */
export class Homeroom extends Emitter<HomeroomEvents> {
  readonly http: HomeroomHttp;
  readonly #connection: Connection;
  readonly #topics: Topics;
  readonly #outbox: Outbox;
  #lastId = 0;
  #posting = new AbortController();

  constructor(options: HomeroomOptions) {
    super();
    const { url, token, session } = options;
    if (token === undefined && session === undefined && !options.getTicket) {
      throw Problem.local('token_required', 'Give a token, a session or getTicket');
    }
    const env = environment(options.environment);
    this.http = new HomeroomHttp({ url, token, session, environment: env });
    const backoff = { ...FRAME_BACKOFF, ...options.backoff };
    const report = (problem: Problem): void => this.emit('problem', problem);
    const store = new Store(options.store, report);
    const nextId = (): number => (this.#lastId += 1);
    this.#topics = new Topics(env, store, backoff, {
      send: (frame) => this.#connection.send(frame),
      listChanged: () => this.#connection.topicsChanged(),
      beginAnew: () => this.#connection.beginAnew(),
      nextId,
      report,
    });
    const carry = (command: StoredCommand, ticket: number): boolean => this.#carry(command, ticket);
    const settled = (done: Settled): void => this.emit('settled', done);
    this.#outbox = new Outbox(env, store, backoff, options.queueMax ?? 1000, carry, nextId, settled);
    const getTicket = options.getTicket ?? ((signal?: AbortSignal) => this.http.ticket(signal));
    this.#connection = new Connection(env, this.http, getTicket, settings(options, backoff), {
      topics: () => this.#topics.names(),
      opened: (transport, isResumed) => this.#opened(transport, isResumed),
      frame: (frame) => this.#frame(frame),
      lost: () => this.#lost(),
      ended: (problem) => this.#outbox.end(problem),
    });
    this.#connection.on('state', (change) => this.emit('state', change));
  }

  get state(): State {
    return this.#connection.state;
  }
  /** The way that is open, or was last. */
  get transport(): Transport {
    return this.#connection.transport;
  }
  /** Commands without an answer. */
  get waiting(): number {
    return this.#outbox.size;
  }

  /** Connects, and stays connected until `close()` or until the node ends it for good. Resolves when first open. */
  connect(): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      if (this.state === 'open') return resolve();
      const off = this.on('state', ({ state, problem }) => {
        if (state === 'open') resolve();
        else if (state === 'closed') reject(problem ?? Problem.local('closed', 'Closed before it was open'));
        else return;
        off();
      });
    });
    // Whoever does not wait for it sees the same as an event.
    opened.catch(() => undefined);
    this.#connection.start();
    return opened;
  }

  /** Disconnects. Topics stay wanted and go on with the next `connect()`; commands without an answer are rejected with
   * `closed`, and those in the storage are sent again by the next client of its scope. */
  close(): void {
    this.#lost();
    this.#connection.stop();
    this.#outbox.end(Problem.local('closed', 'The client was closed'));
  }

  /** Follows a topic: its state, then every message after it. A topic that is taken a second time with `snapshot` begins
   * anew for both. */
  subscribe<Name extends Topic>(topic: Name, handlers: TopicHandlers<Name>, options: SubscribeOptions = {}): Subscription {
    return this.#topics.subscribe(topic, handlers as TopicHandlers, options);
  }

  /** Awards an action, once, however often the connection breaks meanwhile. */
  earn(fields: Earn, key = newKey()): Promise<Ack<Earned>> {
    return this.#outbox.add({ kind: 'earn', fields: { ...fields }, key }) as Promise<Ack<Earned>>;
  }
  /** Reports a step of progress, once. */
  progress(fields: ProgressStep, key = newKey()): Promise<Ack<UnitProgress>> {
    return this.#outbox.add({ kind: 'progress', fields: { ...fields }, key }) as Promise<Ack<UnitProgress>>;
  }

  /** Keeps a board (its first 200 places, unless the node is set otherwise). */
  mirrorBoard(name: BoardName, { period = 'all', change, ended }: MirrorHandlers = {}): BoardMirror {
    const window = new BoardWindow();
    const topic: Topic = period === 'all' ? `board:${name}` : `board:${name}:${period}`;
    let board: Board | undefined;
    let repairs = 0;
    const show = (isRight: boolean): void => {
      if (isRight) return change?.(mirror);
      repairs += 1;
      this.#topics.refresh(topic);
    };
    const subscription = this.subscribe(topic, {
      snapshot: (data) => {
        board = data as Board;
        show(window.begin(board));
      },
      message: (message) => {
        if (message.type === 'leaderboard_update') show(window.apply(message.data));
      },
      ended: (problem) => ended?.(problem),
    });
    const mirror: BoardMirror = {
      get rows() {
        return window.rows;
      },
      get version() {
        return window.version;
      },
      get board() {
        return board;
      },
      get repairs() {
        return repairs;
      },
      close: () => subscription.unsubscribe(),
    };
    return mirror;
  }

  #opened(transport: Transport, isResumed: boolean): void {
    this.#posting = new AbortController();
    this.#topics.opened(transport, isResumed);
    this.#outbox.opened();
  }

  #lost(): void {
    this.#posting.abort();
    this.#topics.lost();
    this.#outbox.lost();
  }

  #frame(frame: Frame): void {
    this.emit('frame', frame);
    if (frame.type === 'ack' && this.#outbox.has(frame.id)) {
      const { id, data, status, replayed } = frame;
      this.#outbox.answered(id as number, { data, status: Number(status ?? 200), replayed: replayed === true });
    } else if (frame.type === 'error' && this.#outbox.has(frame.id)) {
      this.#outbox.refused(frame.id, Problem.read(frame.error));
    } else if (!this.#topics.take(frame) && frame.type === 'error') {
      this.emit('problem', Problem.read(frame.error));
    }
  }

  #carry({ kind, fields, key }: StoredCommand, ticket: number): boolean {
    if (this.transport === 'socket') return this.#connection.send({ ...fields, type: kind, id: ticket, key });
    // Without a token nothing can be written here: it waits for a socket.
    if (!this.http.isKnown) return false;
    void this.#post(kind, fields, key, ticket);
    return true;
  }

  async #post(kind: string, fields: Record<string, unknown>, key: string, ticket: number): Promise<void> {
    const { user_id, ...step } = fields;
    const [path, body] = kind === 'earn' ? ['/points/earn', fields] : [`/progress/${encodeURIComponent(String(user_id))}`, step];
    try {
      const { signal } = this.#posting;
      this.#outbox.answered(ticket, await this.http.request('POST', path, { body, key, signal }));
    } catch (thrown) {
      this.#outbox.refused(ticket, Problem.of(thrown));
    }
  }
}

function settings(options: HomeroomOptions, backoff: BackoffOptions): ConnectionSettings {
  return {
    transport: options.transport ?? 'auto',
    socketFailuresMax: options.socketFailuresMax ?? 3,
    fallbackForMs: options.fallbackForMs ?? 300_000,
    backoff,
    stableAfterMs: 10_000,
    openWithinMs: options.openWithinMs ?? 15_000,
    heartbeatEveryMs: options.heartbeatEveryMs ?? 20_000,
    heartbeatWaitMs: options.heartbeatWaitMs ?? 10_000,
    streamSilenceMs: 60_000,
  };
}
