// Staying connected: when to try, by which way, how long to wait, and when to give up. What frames say is not its affair.

import { Backoff, type BackoffOptions } from './backoff.js';
import { Emitter, type Off } from './events.js';
import type { Environment } from './environment.js';
import type { HomeroomHttp } from './http.js';
import { openSocket, openStream, type Line, type LineEvents, type Lost } from './line.js';
import type { Frame } from './messages.js';
import { Problem } from './problem.js';

/** `waiting`: for the next attempt. `closed`: not begun, ended by `close()`, or ended for good by the node. */
export type State = 'connecting' | 'open' | 'waiting' | 'closed';
/** A WebSocket, or server-sent events with commands over HTTP. */
export type Transport = 'socket' | 'stream';

/** What a change of state says. */
export interface StateChange {
  state: State;
  transport: Transport;
  /** When `waiting`: how long; undefined while the page is offline, since then the network decides. */
  retryInMs?: number | undefined;
  /** When a connection was lost: with which close code. */
  code?: number | undefined;
  /** Why it ended, where that is known. */
  problem?: Problem | undefined;
}

/** What may be set; see `HomeroomOptions`. */
export interface ConnectionSettings {
  transport: 'auto' | Transport;
  socketFailuresMax: number;
  fallbackForMs: number;
  backoff: BackoffOptions;
  stableAfterMs: number;
  openWithinMs: number;
  heartbeatEveryMs: number;
  heartbeatWaitMs: number;
  streamSilenceMs: number;
}

/** What the connection is for. */
export interface ConnectionOwner {
  /** The topics that a stream has to carry. */
  topics(): string[];
  /** A way is open. `isResumed`: a stream goes on where the last one ended. */
  opened(transport: Transport, isResumed: boolean): void;
  frame(frame: Frame): void;
  lost(): void;
  /** It will not come back by itself. */
  ended(problem: Problem): void;
}

interface Events {
  state: StateChange;
}

/** In place of a line where there is none. */
const NO_LINE: Line = { send: () => false, close: () => undefined };

/** Keeps one line open. */
export class Connection extends Emitter<Events> {
  #state: State = 'closed';
  #transport: Transport;
  #line: Line = NO_LINE;
  #timer: unknown;
  #beat: unknown;
  #heardAt = 0;
  #openedAt = 0;
  #socketFailures = 0;
  #fallbackUntil = 0;
  #lastEventId: string | undefined;
  #streamTopics = '';
  #offNetwork: Off | undefined;
  readonly #backoff: Backoff;
  readonly #isLocal: boolean;

  constructor(
    private readonly env: Environment,
    private readonly http: HomeroomHttp,
    private readonly getTicket: (signal?: AbortSignal) => Promise<string>,
    private readonly settings: ConnectionSettings,
    private readonly owner: ConnectionOwner,
  ) {
    super();
    this.#transport = settings.transport === 'stream' ? 'stream' : 'socket';
    this.#backoff = new Backoff(settings.backoff, env.random);
    // A machine without any network still reaches itself.
    this.#isLocal = /^https?:\/\/(localhost|127\.|\[::1\])/.test(http.base);
  }

  get state(): State {
    return this.#state;
  }
  get transport(): Transport {
    return this.#transport;
  }

  start(): void {
    if (this.#state !== 'closed') return;
    this.#offNetwork = this.env.network.onChange(() => this.#networkChanged());
    this.#backoff.reset();
    this.#attempt();
  }

  /** Ends it; `start` begins anew. */
  stop(problem?: Problem, code?: number): void {
    if (this.#state === 'closed') return;
    this.#dropLine(1000);
    this.env.clearTimeout(this.#timer);
    this.#offNetwork?.();
    this.#change('closed', { problem, code });
  }

  send(frame: object): boolean {
    return this.#state === 'open' && this.#transport === 'socket' && (this.#line.send(frame));
  }

  /** The topics that are wanted have changed: a stream has to be opened anew with them. */
  topicsChanged(): void {
    if (this.#transport !== 'stream' || this.#state === 'closed' || this.#state === 'waiting') return;
    if (this.owner.topics().join(',') === this.#streamTopics) return;
    this.#dropLine();
    this.owner.lost();
    this.#attempt();
  }

  /** What the stream says cannot be right: it begins anew, without its position, after the usual wait. */
  beginAnew(): void {
    if (this.#transport !== 'stream' || this.#state === 'closed' || this.#state === 'waiting') return;
    this.#lastEventId = undefined;
    this.#lost({ code: 1006, reason: 'a message was out of order' });
  }

  #attempt(): void {
    if (!this.#isLocal && !this.env.network.isOnline()) return this.#change('waiting', {});
    this.#transport = this.#chooseTransport();
    this.#change('connecting', {});
    let isResumed = false;
    const events: LineEvents = {
      opened: () => this.#opened(isResumed),
      heard: () => void (this.#heardAt = this.env.now()),
      frame: (frame, eventId) => {
        if (eventId !== undefined) this.#lastEventId = eventId;
        if (frame.type !== 'pong') this.owner.frame(frame);
      },
      lost: (lost) => this.#lost(lost),
    };
    const { env, http, getTicket } = this;
    const args = { env, http, getTicket, openWithinMs: this.settings.openWithinMs, events };
    if (this.#transport === 'socket') {
      this.#lastEventId = undefined;
      this.#line = openSocket(args);
    } else {
      const topics = this.owner.topics();
      this.#streamTopics = topics.join(',');
      if (topics.length === 0) {
        // Nothing to listen to: commands go over HTTP, and the stream opens with the first topic.
        this.#line = NO_LINE;
        return this.#opened(false);
      }
      isResumed = this.#lastEventId !== undefined;
      this.#line = openStream({ ...args, topics, lastEventId: this.#lastEventId });
    }
  }

  #chooseTransport(): Transport {
    if (this.settings.transport !== 'auto') return this.settings.transport;
    if (!this.env.WebSocket) return 'stream';
    const isFallback = this.env.now() < this.#fallbackUntil;
    return isFallback ? 'stream' : 'socket';
  }

  #opened(isResumed: boolean): void {
    this.#openedAt = this.#heardAt = this.env.now();
    if (this.#transport === 'socket') this.#socketFailures = 0;
    this.#change('open', {});
    this.#scheduleBeat(this.settings.heartbeatEveryMs);
    this.owner.opened(this.#transport, isResumed);
  }

  /** A connection that breaks at once must not be tried at once again: only one that held starts the count anew. */
  #lost(lost: Lost): void {
    const wasOpen = this.#state === 'open';
    this.#dropLine();
    if (wasOpen) this.owner.lost();
    if (wasOpen && this.env.now() - this.#openedAt >= this.settings.stableAfterMs) this.#backoff.reset();
    const finalProblem = forGood(lost);
    if (finalProblem && !this.#leaveStream(lost)) {
      this.stop(finalProblem, lost.code);
      return this.owner.ended(finalProblem);
    }
    // Of a socket that never opened a page is not told why. Where HTTP failed as well, the node is away, not the way to it.
    if (!wasOpen && this.#transport === 'socket' && !lost.problem) {
      this.#socketFailures += 1;
      if (this.#socketFailures >= this.settings.socketFailuresMax) {
        this.#fallbackUntil = this.env.now() + this.settings.fallbackForMs;
        this.#socketFailures = 0;
      }
    }
    this.#wait(this.#backoff.next(lost.retryAfterMs), lost);
  }

  /** A node without the stream: back to the socket, if that is allowed. */
  #leaveStream(lost: Lost): boolean {
    const isMissing = this.#transport === 'stream' && (lost.problem?.status === 404 || lost.problem?.status === 405);
    if (!isMissing || this.settings.transport !== 'auto' || !this.env.WebSocket) return false;
    this.#fallbackUntil = 0;
    return true;
  }

  #wait(retryInMs: number, lost: Lost): void {
    const { code, problem } = lost;
    if (!this.#isLocal && !this.env.network.isOnline()) return this.#change('waiting', { code, problem });
    this.#timer = this.env.setTimeout(() => this.#attempt(), retryInMs);
    this.#change('waiting', { retryInMs, code, problem });
  }

  #networkChanged(): void {
    if (this.#state === 'open') return this.#checkNow();
    if (this.#state !== 'waiting') return;
    if (this.#isLocal) return;
    this.env.clearTimeout(this.#timer);
    if (!this.env.network.isOnline()) return this.#change('waiting', {});
    // A whole school is back in the same moment when its network is.
    this.#backoff.reset();
    this.#wait(this.#backoff.next(), { code: 1006, reason: '' });
  }

  /** A page that slept, or changed its network, may hold a connection that is long gone. */
  #checkNow(): void {
    this.env.clearTimeout(this.#beat);
    this.#probe();
  }

  #scheduleBeat(inMs: number): void {
    this.env.clearTimeout(this.#beat);
    this.#beat = this.env.setTimeout(() => this.#look(), inMs);
  }

  #look(): void {
    const silentMs = this.env.now() - this.#heardAt;
    const { heartbeatEveryMs, streamSilenceMs } = this.settings;
    if (this.#transport === 'stream') {
      // Nothing can be asked here: the node's own signs of life have to be enough.
      if (this.#streamTopics !== '' && silentMs >= streamSilenceMs) return this.#silent();
      return this.#scheduleBeat(heartbeatEveryMs);
    }
    if (silentMs < heartbeatEveryMs) return this.#scheduleBeat(heartbeatEveryMs - silentMs);
    this.#probe();
  }

  #probe(): void {
    if (this.#transport !== 'socket') return this.#scheduleBeat(this.settings.heartbeatEveryMs);
    const askedAt = this.env.now();
    this.#line.send({ type: 'ping' });
    this.#beat = this.env.setTimeout(() => {
      if (this.#heardAt < askedAt) this.#silent();
      else this.#scheduleBeat(this.settings.heartbeatEveryMs);
    }, this.settings.heartbeatWaitMs);
  }

  #silent(): void {
    this.#lost({ code: 1006, reason: 'the node is silent' });
  }

  #dropLine(code?: number): void {
    this.env.clearTimeout(this.#beat);
    const line = this.#line;
    this.#line = NO_LINE;
    line.close(code);
  }

  #change(state: State, more: Pick<StateChange, 'retryInMs' | 'code' | 'problem'>): void {
    this.#state = state;
    this.emit('state', { state, transport: this.#transport, ...more });
  }
}

/** Why it makes no sense to come back with the same token, if it doesn't: codes from 4500, and refusals of HTTP that time
 * doesn't change. */
function forGood({ code, reason, problem }: Lost): Problem | undefined {
  if (code >= 4500 && code <= 4999) {
    const title = 'The node ended this session for good';
    return Problem.local(code === 4500 ? 'token_ended' : 'refused_for_good', title, `${code} ${reason}`);
  }
  const status = problem?.status ?? 0;
  return status >= 400 && status < 500 && !problem?.isTransient ? problem : undefined;
}
