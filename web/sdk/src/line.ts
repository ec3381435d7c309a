// One connection, of either kind: it opens, brings frames, and is lost once. Reconnecting is not its affair.

import type { Environment, SocketLike } from './environment.js';
import type { HomeroomHttp } from './http.js';
import type { Frame } from './messages.js';
import { Problem } from './problem.js';

/** Why a connection ended. */
export interface Lost {
  /** The close code; 1006 where there was none. */
  code: number;
  reason: string;
  /** How long the node asks to wait. */
  retryAfterMs?: number | undefined;
  /** What HTTP answered, where it was HTTP that failed. */
  problem?: Problem | undefined;
}

/** What a connection tells. `lost` comes once, and nothing after it. */
export interface LineEvents {
  opened(): void;
  /** Anything came, also what is no frame. */
  heard(): void;
  frame(frame: Frame, eventId?: string): void;
  lost(lost: Lost): void;
}

/** A connection under way or open. */
export interface Line {
  /** False where it cannot take any (a stream, or a socket that is closing). */
  send(frame: object): boolean;
  /** Ends it. `lost` is not told. */
  close(code?: number): void;
}

/** The subprotocol. */
export const SUBPROTOCOL = 'homeroom.v1';

/** No message of the node carries more; beyond it, something else is speaking. */
const STREAM_EVENT_CHARS_MAX = 8 * 1024 * 1024;

/** Reads a frame; undefined where it is none. */
function readFrame(text: unknown): Frame | undefined {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    const isFrame = typeof value === 'object' && value !== null && typeof (value as Frame).type === 'string';
    return isFrame ? (value as Frame) : undefined;
  } catch {
    return undefined;
  }
}

/** The hint in the reason of a 1012: `{"retry_after_ms":n}`. */
export function readHint(reason: string): number | undefined {
  try {
    const value: unknown = JSON.parse(reason);
    const hint = typeof value === 'object' && value !== null ? (value as { retry_after_ms?: unknown }).retry_after_ms : 0;
    return typeof hint === 'number' && hint > 0 ? hint : undefined;
  } catch {
    return undefined;
  }
}

/** What both kinds of connection need. */
export interface LineArgs {
  env: Environment;
  http: HomeroomHttp;
  /** How to get in without a header. */
  getTicket: (signal: AbortSignal) => Promise<string>;
  /** How long opening may take. */
  openWithinMs: number;
  events: LineEvents;
}

/** Opens a WebSocket with a fresh ticket. */
export function openSocket({ env, http, getTicket, openWithinMs, events }: LineArgs): Line {
  let socket: SocketLike | undefined;
  let isDone = false;
  const abort = new AbortController();
  const deadline = env.setTimeout(() => lose({ code: 1006, reason: 'not open in time' }), openWithinMs);

  function end(code?: number): void {
    isDone = true;
    env.clearTimeout(deadline);
    abort.abort();
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // Closing a socket that was never open is an error event in some places.
    socket.onerror = () => undefined;
    try {
      socket.close(code);
    } catch {
      // Already closed.
    }
  }
  function lose(lost: Lost): void {
    if (isDone) return;
    end();
    events.lost(lost);
  }
  async function begin(): Promise<void> {
    const ticket = await getTicket(abort.signal);
    if (isDone) return;
    if (!env.WebSocket) throw Problem.local('network_error', 'No WebSocket here', 'Give one in `environment`.');
    const address = `${http.base.replace(/^http/, 'ws')}/ws?ticket=${encodeURIComponent(ticket)}`;
    socket = new env.WebSocket(address, [SUBPROTOCOL]);
    socket.onopen = () => {
      env.clearTimeout(deadline);
      events.opened();
    };
    socket.onmessage = (event: { data?: unknown }) => {
      events.heard();
      const frame = readFrame(event.data);
      if (frame && !isDone) events.frame(frame);
    };
    socket.onclose = (event: { code?: number; reason?: string }) => {
      const { code = 1006, reason = '' } = event;
      lose({ code, reason, retryAfterMs: code === 1012 ? readHint(reason) : undefined });
    };
    // `close` follows, and says more.
    socket.onerror = () => undefined;
  }
  begin().catch((thrown: unknown) => {
    const problem = Problem.of(thrown);
    lose({ code: 1006, reason: problem.message, retryAfterMs: problem.retryAfterMs, problem });
  });
  return {
    send(frame) {
      if (isDone || !socket) return false;
      try {
        socket.send(JSON.stringify(frame));
        return true;
      } catch {
        return false;
      }
    },
    close: end,
  };
}

/** Opens the stream of server-sent events of these topics. It takes no frames. Read with `fetch`, not with `EventSource`:
 * that hides status and `Retry-After`, sends no header, and comes back with a ticket that is used up. */
export function openStream(args: LineArgs & { topics: string[]; lastEventId: string | undefined }): Line {
  const { env, http, getTicket, openWithinMs, events, topics, lastEventId } = args;
  const abort = new AbortController();
  let isDone = false;
  let deadline: unknown;

  function end(): void {
    isDone = true;
    env.clearTimeout(deadline);
    abort.abort();
  }
  function lose(lost: Lost): void {
    if (isDone) return;
    end();
    events.lost(lost);
  }
  async function begin(): Promise<void> {
    const query: Record<string, string> = { topics: topics.join(',') };
    if (!http.isKnown) query['ticket'] = await getTicket(abort.signal);
    if (isDone) return;
    const headers: Record<string, string> = { Accept: 'text/event-stream', 'Cache-Control': 'no-cache' };
    if (lastEventId !== undefined) headers['Last-Event-ID'] = lastEventId;
    const response = await http.send('GET', '/events/stream', { query, headers, signal: abort.signal });
    if (isDone) return;
    env.clearTimeout(deadline);
    events.opened();
    const reader = new EventReader((event, id) => {
      const frame = readFrame(event);
      if (!frame || isDone) return;
      if (frame.type === 'closed') lose(lastWord(frame));
      else events.frame(frame, id);
    });
    const body = response.body?.pipeThrough(new TextDecoderStream() as never).getReader() as
      | ReadableStreamDefaultReader<string>
      | undefined;
    for (;;) {
      // A stream that breaks says no more than one that ends: the node may be gone.
      const part = await body?.read().catch(() => undefined);
      if (isDone) return;
      if (!part || part.done) return lose({ code: 1006, reason: 'the stream ended', retryAfterMs: reader.retryMs });
      events.heard();
      reader.push(part.value);
    }
  }
  deadline = env.setTimeout(() => lose({ code: 1006, reason: 'not open in time' }), openWithinMs);
  begin().catch((thrown: unknown) => {
    const problem = Problem.of(thrown);
    lose({ code: 1006, reason: problem.message, retryAfterMs: problem.retryAfterMs, problem });
  });
  return { send: () => false, close: end };
}

/** The last message of a stream says what a socket says by its close code. */
function lastWord(frame: Frame): Lost {
  const { code, reason, retry_after_ms: hint } = frame as Frame & { code?: unknown; retry_after_ms?: unknown };
  return {
    code: typeof code === 'number' ? code : 1006,
    reason: typeof reason === 'string' ? reason : '',
    retryAfterMs: typeof hint === 'number' && hint > 0 ? hint : undefined,
  };
}

/** Takes an event stream apart (HTML standard, section 9.2.6), however its text is cut. */
export class EventReader {
  /** What the last `retry` field said. */
  retryMs: number | undefined;
  #rest = '';
  #data: string[] = [];
  #id: string | undefined;
  readonly #take: (data: string, id: string | undefined) => void;

  constructor(take: (data: string, id: string | undefined) => void) {
    this.#take = take;
  }

  push(text: string): void {
    this.#rest += text;
    if (this.#rest.length > STREAM_EVENT_CHARS_MAX) {
      throw Problem.local('unexpected_answer', 'An event without end');
    }
    // A carriage return at the very end may be the first half of a line end.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') {
      const data = this.#data;
      this.#data = [];
      if (data.length > 0) this.#take(data.join('\n'), this.#id);
      return;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }
}
