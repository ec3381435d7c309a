// The main reads and writes over HTTP, typed. Every failure is a `Problem`.

import { environment, type Environment } from './environment.js';
import type {
  Achievements, Board, BoardName, Earn, Earned, LedgerEntry, Performance, Period, Progress, ProgressStep,
  UnitProgress,
} from './messages.js';
import { Problem, readRetryAfter } from './problem.js';

/** A token, or what gives the present one. */
export type TokenSource = string | (() => string | Promise<string>);

/** Whose cookie of this browser a page speaks with. A browser can hold one of each. */
export type SessionRole = 'admin' | 'mentor' | 'student' | 'projector';

/** A page of a list. */
export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}
/** Which part of a list. */
export interface PageWish {
  limit?: number;
  cursor?: string;
}
/** Which part of a board. */
export interface BoardWish extends PageWish {
  period?: Period;
  around?: number;
  neighbours?: number;
  at?: string;
}
/** `GET /me`, in part. */
export interface Me {
  token_id: number;
  role: 'admin' | 'service' | 'mentor' | 'student' | 'projector';
  user_id: number | null;
  teams?: number[];
}
/** What a request may carry. */
export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Makes a write safe to repeat. */
  key?: string;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}
/** An answer with its JSON. */
export interface HttpAnswer<Data> {
  status: number;
  data: Data;
  replayed: boolean;
}

/** A caller of one node. */
export class HomeroomHttp {
  /** Without a slash at its end. */
  readonly base: string;
  readonly #token: TokenSource | undefined;
  readonly #session: SessionRole | undefined;
  readonly #env: Environment;

  constructor(options: {
    url: string;
    token?: TokenSource | undefined;
    session?: SessionRole | undefined;
    environment?: Partial<Environment>;
  }) {
    this.base = options.url.replace(/\/+$/, '');
    this.#token = options.token;
    this.#session = options.session;
    this.#env = environment(options.environment);
  }

  /** Whether requests say who sends them. */
  get isKnown(): boolean {
    return this.#token !== undefined || this.#session !== undefined;
  }

  /** Sends one request. Resolves with any 2xx; everything else is a `Problem`. */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
    if (this.#token !== undefined) {
      const token = typeof this.#token === 'function' ? await this.#token() : this.#token;
      headers['Authorization'] = `Bearer ${token}`;
    }
    if (this.#session !== undefined) headers['Homeroom-Session'] = this.#session;
    if (options.key !== undefined) headers['Idempotency-Key'] = options.key;
    const init: RequestInit = { method, headers };
    if (options.body !== undefined) {
      headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(options.body);
    }
    if (options.signal) init.signal = options.signal;
    let response: Response;
    try {
      response = await this.#env.fetch(this.base + path + queryText(options.query), init);
    } catch (thrown) {
      throw Problem.of(thrown);
    }
    if (response.ok) return response;
    const hint = readRetryAfter(response.headers.get('Retry-After'), Date.now());
    const body: unknown = await response.json().catch(() => undefined);
    throw Problem.read(body, response.status, hint);
  }

  /** Sends one request and reads the JSON of its answer. */
  async request<Data>(method: string, path: string, options: RequestOptions = {}): Promise<HttpAnswer<Data>> {
    const response = await this.send(method, path, options);
    try {
      const data = (response.status === 204 ? undefined : await response.json()) as Data;
      return { status: response.status, data, replayed: response.headers.get('Idempotency-Replayed') === 'true' };
    } catch (thrown) {
      // The answer broke off: for a write with a key, as good as no answer.
      throw Problem.of(thrown);
    }
  }

  async get<Data>(path: string, query?: RequestOptions['query']): Promise<Data> {
    return (await this.request<Data>('GET', path, query ? { query } : {})).data;
  }

  me(): Promise<Me> {
    return this.get('/me');
  }
  progress(userId: number): Promise<Progress> {
    return this.get(`/progress/${userId}`);
  }
  achievements(userId: number): Promise<Achievements> {
    return this.get(`/achievements/${userId}`);
  }
  points(userId: number, page: PageWish = {}): Promise<Page<LedgerEntry>> {
    return this.get(`/points/${userId}`, { ...page });
  }
  performance(teamId: number): Promise<Performance> {
    return this.get(`/team/${teamId}/performance`);
  }
  board(board: BoardName, wish: BoardWish = {}): Promise<Board> {
    return this.get(`/leaderboards/${encodeURIComponent(board)}`, { ...wish });
  }
  /** Prefer `Homeroom.earn`, which repeats it until it is answered. */
  earn(fields: Earn, key?: string): Promise<HttpAnswer<Earned>> {
    return this.request('POST', '/points/earn', withKey(fields, key));
  }
  /** Prefer `Homeroom.progress`, which repeats it until it is answered. */
  step({ user_id, ...fields }: ProgressStep, key?: string): Promise<HttpAnswer<UnitProgress>> {
    return this.request('POST', `/progress/${encodeURIComponent(String(user_id))}`, withKey(fields, key));
  }
  /** A ticket: one use, 30 seconds. */
  async ticket(signal?: AbortSignal): Promise<string> {
    const made = await this.request<{ ticket: string }>('POST', '/tickets', signal ? { signal } : {});
    return made.data.ticket;
  }
}

function withKey(body: unknown, key: string | undefined): RequestOptions {
  return key === undefined ? { body } : { body, key };
}

function queryText(query: RequestOptions['query']): string {
  const parts = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  const text = parts.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join('&');
  return text && `?${text}`;
}

