/*! Homeroom's client library: web/sdk, built by build.mjs. SPDX-License-Identifier: Apache-2.0 */

// src/backoff.ts
var HINT_MAX_MS = 6e5;
var ATTEMPT_MAX = 30;
function fullJitter(attempt, { baseMs, capMs }, random) {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt, ATTEMPT_MAX));
  return Math.floor(random * ceiling);
}
var Backoff = class {
  #attempt = 0;
  #options;
  #random;
  constructor(options, random) {
    this.#options = options;
    this.#random = random;
  }
  /** Attempts since the last success. */
  get attempt() {
    return this.#attempt;
  }
  /** How long to wait before the next attempt. */
  next(hintMs = 0) {
    const wait = fullJitter(this.#attempt, this.#options, this.#random());
    this.#attempt += 1;
    return Math.min(Math.max(hintMs, 0), HINT_MAX_MS) + wait;
  }
  /** An attempt succeeded. */
  reset() {
    this.#attempt = 0;
  }
};

// src/events.ts
var Emitter = class {
  #listeners = /* @__PURE__ */ new Map();
  /** Adds a listener and gives what removes it. */
  on(name, listener) {
    const all = this.#listeners.get(name) ?? /* @__PURE__ */ new Set();
    this.#listeners.set(name, all);
    all.add(listener);
    return () => void all.delete(listener);
  }
  emit(name, value) {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      try {
        listener(value);
      } catch (thrown) {
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }
};

// src/problem.ts
var Problem = class _Problem extends Error {
  name = "Problem";
  type;
  title;
  status;
  detail;
  code;
  errors;
  /** When it will be possible (RFC 3339), if the node said so. */
  retryAt;
  /** How long the node asks to wait. */
  retryAfterMs;
  constructor(fields) {
    super(fields.detail ? `${fields.title}: ${fields.detail}` : fields.title, { cause: fields.cause });
    this.type = fields.type ?? `/problems/${fields.code}`;
    this.title = fields.title;
    this.status = fields.status ?? 0;
    this.detail = fields.detail ?? "";
    this.code = fields.code;
    this.errors = fields.errors ?? [];
    this.retryAt = fields.retryAt;
    this.retryAfterMs = fields.retryAfterMs;
  }
  /** A failure of this side. */
  static local(code, title, detail = "", cause) {
    return new _Problem({ code, title, detail, cause });
  }
  /** Reads a problem of the node. Whatever is no problem (a page of a proxy, say) becomes `unexpected_answer`. */
  static read(value, status = 0, retryAfterMs) {
    const fields = typeof value === "object" && value !== null ? value : {};
    const text = (name) => {
      const found = fields[name];
      return typeof found === "string" ? found : void 0;
    };
    const code = text("code");
    const shownStatus = typeof fields["status"] === "number" ? fields["status"] : status;
    const seconds = fields["retry_after"];
    const hint = retryAfterMs ?? (typeof seconds === "number" && seconds >= 0 ? seconds * 1e3 : void 0);
    if (code === void 0) {
      const title = `HTTP ${shownStatus} without a problem`;
      return new _Problem({ code: "unexpected_answer", title, status: shownStatus, retryAfterMs: hint });
    }
    return new _Problem({
      code,
      status: shownStatus,
      type: text("type") ?? `/problems/${code}`,
      title: text("title") ?? code,
      detail: text("detail") ?? "",
      errors: Array.isArray(fields["errors"]) ? fields["errors"] : [],
      retryAt: text("retry_at"),
      retryAfterMs: hint
    });
  }
  /** Anything thrown, as a problem: a failed `fetch` is `network_error`. */
  static of(thrown) {
    if (thrown instanceof _Problem) return thrown;
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return _Problem.local("network_error", "The node was not reached", detail, thrown);
  }
  /** Whether the same request, sent again later, may succeed: limits, load, a lost answer. */
  get isTransient() {
    return this.isLasting || this.status === 500;
  }
  /** Transient, and worth repeating for as long as it takes: the node says so itself, or never heard of it. */
  get isLasting() {
    return this.code === "network_error" || this.code === "request_in_progress" || [408, 425, 429, 502, 503, 504].includes(this.status);
  }
};
function readRetryAfter(value, nowMs) {
  if (value == null || value.trim() === "") return void 0;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1e3 : void 0;
  const date = Date.parse(value);
  return Number.isNaN(date) ? void 0 : Math.max(0, date - nowMs);
}

// src/line.ts
var SUBPROTOCOL = "homeroom.v1";
var STREAM_EVENT_CHARS_MAX = 8 * 1024 * 1024;
function readFrame(text) {
  try {
    const value = typeof text === "string" ? JSON.parse(text) : void 0;
    const isFrame = typeof value === "object" && value !== null && typeof value.type === "string";
    return isFrame ? value : void 0;
  } catch {
    return void 0;
  }
}
function readHint(reason) {
  try {
    const value = JSON.parse(reason);
    const hint = typeof value === "object" && value !== null ? value.retry_after_ms : 0;
    return typeof hint === "number" && hint > 0 ? hint : void 0;
  } catch {
    return void 0;
  }
}
function openSocket({ env, http, getTicket, openWithinMs, events }) {
  let socket;
  let isDone = false;
  const abort = new AbortController();
  const deadline = env.setTimeout(() => lose({ code: 1006, reason: "not open in time" }), openWithinMs);
  function end(code) {
    isDone = true;
    env.clearTimeout(deadline);
    abort.abort();
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => void 0;
    try {
      socket.close(code);
    } catch {
    }
  }
  function lose(lost) {
    if (isDone) return;
    end();
    events.lost(lost);
  }
  async function begin() {
    const ticket = await getTicket(abort.signal);
    if (isDone) return;
    if (!env.WebSocket) throw Problem.local("network_error", "No WebSocket here", "Give one in `environment`.");
    const address = `${http.base.replace(/^http/, "ws")}/ws?ticket=${encodeURIComponent(ticket)}`;
    socket = new env.WebSocket(address, [SUBPROTOCOL]);
    socket.onopen = () => {
      env.clearTimeout(deadline);
      events.opened();
    };
    socket.onmessage = (event) => {
      events.heard();
      const frame = readFrame(event.data);
      if (frame && !isDone) events.frame(frame);
    };
    socket.onclose = (event) => {
      const { code = 1006, reason = "" } = event;
      lose({ code, reason, retryAfterMs: code === 1012 ? readHint(reason) : void 0 });
    };
    socket.onerror = () => void 0;
  }
  begin().catch((thrown) => {
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
    close: end
  };
}
function openStream(args) {
  const { env, http, getTicket, openWithinMs, events, topics, lastEventId } = args;
  const abort = new AbortController();
  let isDone = false;
  let deadline;
  function end() {
    isDone = true;
    env.clearTimeout(deadline);
    abort.abort();
  }
  function lose(lost) {
    if (isDone) return;
    end();
    events.lost(lost);
  }
  async function begin() {
    const query = { topics: topics.join(",") };
    if (!http.isKnown) query["ticket"] = await getTicket(abort.signal);
    if (isDone) return;
    const headers = { Accept: "text/event-stream", "Cache-Control": "no-cache" };
    if (lastEventId !== void 0) headers["Last-Event-ID"] = lastEventId;
    const response = await http.send("GET", "/events/stream", { query, headers, signal: abort.signal });
    if (isDone) return;
    env.clearTimeout(deadline);
    events.opened();
    const reader = new EventReader((event, id) => {
      const frame = readFrame(event);
      if (!frame || isDone) return;
      if (frame.type === "closed") lose(lastWord(frame));
      else events.frame(frame, id);
    });
    const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (; ; ) {
      const part = await body?.read().catch(() => void 0);
      if (isDone) return;
      if (!part || part.done) return lose({ code: 1006, reason: "the stream ended", retryAfterMs: reader.retryMs });
      events.heard();
      reader.push(part.value);
    }
  }
  deadline = env.setTimeout(() => lose({ code: 1006, reason: "not open in time" }), openWithinMs);
  begin().catch((thrown) => {
    const problem = Problem.of(thrown);
    lose({ code: 1006, reason: problem.message, retryAfterMs: problem.retryAfterMs, problem });
  });
  return { send: () => false, close: end };
}
function lastWord(frame) {
  const { code, reason, retry_after_ms: hint } = frame;
  return {
    code: typeof code === "number" ? code : 1006,
    reason: typeof reason === "string" ? reason : "",
    retryAfterMs: typeof hint === "number" && hint > 0 ? hint : void 0
  };
}
var EventReader = class {
  /** What the last `retry` field said. */
  retryMs;
  #rest = "";
  #data = [];
  #id;
  #take;
  constructor(take) {
    this.#take = take;
  }
  push(text) {
    this.#rest += text;
    if (this.#rest.length > STREAM_EVENT_CHARS_MAX) {
      throw Problem.local("unexpected_answer", "An event without end");
    }
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }
  #line(line) {
    if (line === "") {
      const data = this.#data;
      this.#data = [];
      if (data.length > 0) this.#take(data.join("\n"), this.#id);
      return;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
  }
};

// src/connection.ts
var NO_LINE = { send: () => false, close: () => void 0 };
var Connection = class extends Emitter {
  constructor(env, http, getTicket, settings2, owner) {
    super();
    this.env = env;
    this.http = http;
    this.getTicket = getTicket;
    this.settings = settings2;
    this.owner = owner;
    this.#transport = settings2.transport === "stream" ? "stream" : "socket";
    this.#backoff = new Backoff(settings2.backoff, env.random);
    this.#isLocal = /^https?:\/\/(localhost|127\.|\[::1\])/.test(http.base);
  }
  env;
  http;
  getTicket;
  settings;
  owner;
  #state = "closed";
  #transport;
  #line = NO_LINE;
  #timer;
  #beat;
  #heardAt = 0;
  #openedAt = 0;
  #socketFailures = 0;
  #fallbackUntil = 0;
  #lastEventId;
  #streamTopics = "";
  #offNetwork;
  #backoff;
  #isLocal;
  get state() {
    return this.#state;
  }
  get transport() {
    return this.#transport;
  }
  start() {
    if (this.#state !== "closed") return;
    this.#offNetwork = this.env.network.onChange(() => this.#networkChanged());
    this.#backoff.reset();
    this.#attempt();
  }
  /** Ends it; `start` begins anew. */
  stop(problem, code) {
    if (this.#state === "closed") return;
    this.#dropLine(1e3);
    this.env.clearTimeout(this.#timer);
    this.#offNetwork?.();
    this.#change("closed", { problem, code });
  }
  send(frame) {
    return this.#state === "open" && this.#transport === "socket" && this.#line.send(frame);
  }
  /** The topics that are wanted have changed: a stream has to be opened anew with them. */
  topicsChanged() {
    if (this.#transport !== "stream" || this.#state === "closed" || this.#state === "waiting") return;
    if (this.owner.topics().join(",") === this.#streamTopics) return;
    this.#dropLine();
    this.owner.lost();
    this.#attempt();
  }
  /** What the stream says cannot be right: it begins anew, without its position, after the usual wait. */
  beginAnew() {
    if (this.#transport !== "stream" || this.#state === "closed" || this.#state === "waiting") return;
    this.#lastEventId = void 0;
    this.#lost({ code: 1006, reason: "a message was out of order" });
  }
  #attempt() {
    if (!this.#isLocal && !this.env.network.isOnline()) return this.#change("waiting", {});
    this.#transport = this.#chooseTransport();
    this.#change("connecting", {});
    let isResumed = false;
    const events = {
      opened: () => this.#opened(isResumed),
      heard: () => void (this.#heardAt = this.env.now()),
      frame: (frame, eventId) => {
        if (eventId !== void 0) this.#lastEventId = eventId;
        if (frame.type !== "pong") this.owner.frame(frame);
      },
      lost: (lost) => this.#lost(lost)
    };
    const { env, http, getTicket } = this;
    const args = { env, http, getTicket, openWithinMs: this.settings.openWithinMs, events };
    if (this.#transport === "socket") {
      this.#lastEventId = void 0;
      this.#line = openSocket(args);
    } else {
      const topics = this.owner.topics();
      this.#streamTopics = topics.join(",");
      if (topics.length === 0) {
        this.#line = NO_LINE;
        return this.#opened(false);
      }
      isResumed = this.#lastEventId !== void 0;
      this.#line = openStream({ ...args, topics, lastEventId: this.#lastEventId });
    }
  }
  #chooseTransport() {
    if (this.settings.transport !== "auto") return this.settings.transport;
    if (!this.env.WebSocket) return "stream";
    const isFallback = this.env.now() < this.#fallbackUntil;
    return isFallback ? "stream" : "socket";
  }
  #opened(isResumed) {
    this.#openedAt = this.#heardAt = this.env.now();
    if (this.#transport === "socket") this.#socketFailures = 0;
    this.#change("open", {});
    this.#scheduleBeat(this.settings.heartbeatEveryMs);
    this.owner.opened(this.#transport, isResumed);
  }
  /** A connection that breaks at once must not be tried at once again: only one that held starts the count anew. */
  #lost(lost) {
    const wasOpen = this.#state === "open";
    this.#dropLine();
    if (wasOpen) this.owner.lost();
    if (wasOpen && this.env.now() - this.#openedAt >= this.settings.stableAfterMs) this.#backoff.reset();
    const finalProblem = forGood(lost);
    if (finalProblem && !this.#leaveStream(lost)) {
      this.stop(finalProblem, lost.code);
      return this.owner.ended(finalProblem);
    }
    if (!wasOpen && this.#transport === "socket" && !lost.problem) {
      this.#socketFailures += 1;
      if (this.#socketFailures >= this.settings.socketFailuresMax) {
        this.#fallbackUntil = this.env.now() + this.settings.fallbackForMs;
        this.#socketFailures = 0;
      }
    }
    this.#wait(this.#backoff.next(lost.retryAfterMs), lost);
  }
  /** A node without the stream: back to the socket, if that is allowed. */
  #leaveStream(lost) {
    const isMissing = this.#transport === "stream" && (lost.problem?.status === 404 || lost.problem?.status === 405);
    if (!isMissing || this.settings.transport !== "auto" || !this.env.WebSocket) return false;
    this.#fallbackUntil = 0;
    return true;
  }
  #wait(retryInMs, lost) {
    const { code, problem } = lost;
    if (!this.#isLocal && !this.env.network.isOnline()) return this.#change("waiting", { code, problem });
    this.#timer = this.env.setTimeout(() => this.#attempt(), retryInMs);
    this.#change("waiting", { retryInMs, code, problem });
  }
  #networkChanged() {
    if (this.#state === "open") return this.#checkNow();
    if (this.#state !== "waiting") return;
    if (this.#isLocal) return;
    this.env.clearTimeout(this.#timer);
    if (!this.env.network.isOnline()) return this.#change("waiting", {});
    this.#backoff.reset();
    this.#wait(this.#backoff.next(), { code: 1006, reason: "" });
  }
  /** A page that slept, or changed its network, may hold a connection that is long gone. */
  #checkNow() {
    this.env.clearTimeout(this.#beat);
    this.#probe();
  }
  #scheduleBeat(inMs) {
    this.env.clearTimeout(this.#beat);
    this.#beat = this.env.setTimeout(() => this.#look(), inMs);
  }
  #look() {
    const silentMs = this.env.now() - this.#heardAt;
    const { heartbeatEveryMs, streamSilenceMs } = this.settings;
    if (this.#transport === "stream") {
      if (this.#streamTopics !== "" && silentMs >= streamSilenceMs) return this.#silent();
      return this.#scheduleBeat(heartbeatEveryMs);
    }
    if (silentMs < heartbeatEveryMs) return this.#scheduleBeat(heartbeatEveryMs - silentMs);
    this.#probe();
  }
  #probe() {
    if (this.#transport !== "socket") return this.#scheduleBeat(this.settings.heartbeatEveryMs);
    const askedAt = this.env.now();
    this.#line.send({ type: "ping" });
    this.#beat = this.env.setTimeout(() => {
      if (this.#heardAt < askedAt) this.#silent();
      else this.#scheduleBeat(this.settings.heartbeatEveryMs);
    }, this.settings.heartbeatWaitMs);
  }
  #silent() {
    this.#lost({ code: 1006, reason: "the node is silent" });
  }
  #dropLine(code) {
    this.env.clearTimeout(this.#beat);
    const line = this.#line;
    this.#line = NO_LINE;
    line.close(code);
  }
  #change(state, more) {
    this.#state = state;
    this.emit("state", { state, transport: this.#transport, ...more });
  }
};
function forGood({ code, reason, problem }) {
  if (code >= 4500 && code <= 4999) {
    const title = "The node ended this session for good";
    return Problem.local(code === 4500 ? "token_ended" : "refused_for_good", title, `${code} ${reason}`);
  }
  const status = problem?.status ?? 0;
  return status >= 400 && status < 500 && !problem?.isTransient ? problem : void 0;
}

// src/environment.ts
var always = { isOnline: () => true, onChange: () => () => void 0 };
function pageNetwork() {
  const page = globalThis;
  if (typeof page.addEventListener !== "function" || typeof page.navigator?.onLine !== "boolean") return always;
  return {
    isOnline: () => page.navigator?.onLine !== false,
    onChange(listener) {
      globalThis.addEventListener("online", listener);
      globalThis.addEventListener("offline", listener);
      page.document?.addEventListener("visibilitychange", listener);
      return () => {
        globalThis.removeEventListener("online", listener);
        globalThis.removeEventListener("offline", listener);
        page.document?.removeEventListener("visibilitychange", listener);
      };
    }
  };
}
function environment(given = {}) {
  return {
    WebSocket: globalThis.WebSocket,
    // A method of the global object: it must not be called on another one.
    fetch: (input, init) => globalThis.fetch(input, init),
    now: () => globalThis.performance.now(),
    setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    random: Math.random,
    network: pageNetwork(),
    ...given
  };
}
function newKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// src/http.ts
var HomeroomHttp = class {
  /** Without a slash at its end. */
  base;
  #token;
  #session;
  #env;
  constructor(options) {
    this.base = options.url.replace(/\/+$/, "");
    this.#token = options.token;
    this.#session = options.session;
    this.#env = environment(options.environment);
  }
  /** Whether requests say who sends them. */
  get isKnown() {
    return this.#token !== void 0 || this.#session !== void 0;
  }
  /** Sends one request. Resolves with any 2xx; everything else is a `Problem`. */
  async send(method, path, options = {}) {
    const headers = { Accept: "application/json", ...options.headers };
    if (this.#token !== void 0) {
      const token = typeof this.#token === "function" ? await this.#token() : this.#token;
      headers["Authorization"] = `Bearer ${token}`;
    }
    if (this.#session !== void 0) headers["Homeroom-Session"] = this.#session;
    if (options.key !== void 0) headers["Idempotency-Key"] = options.key;
    const init = { method, headers };
    if (options.body !== void 0) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(options.body);
    }
    if (options.signal) init.signal = options.signal;
    let response;
    try {
      response = await this.#env.fetch(this.base + path + queryText(options.query), init);
    } catch (thrown) {
      throw Problem.of(thrown);
    }
    if (response.ok) return response;
    const hint = readRetryAfter(response.headers.get("Retry-After"), Date.now());
    const body = await response.json().catch(() => void 0);
    throw Problem.read(body, response.status, hint);
  }
  /** Sends one request and reads the JSON of its answer. */
  async request(method, path, options = {}) {
    const response = await this.send(method, path, options);
    try {
      const data = response.status === 204 ? void 0 : await response.json();
      return { status: response.status, data, replayed: response.headers.get("Idempotency-Replayed") === "true" };
    } catch (thrown) {
      throw Problem.of(thrown);
    }
  }
  async get(path, query) {
    return (await this.request("GET", path, query ? { query } : {})).data;
  }
  me() {
    return this.get("/me");
  }
  progress(userId) {
    return this.get(`/progress/${userId}`);
  }
  achievements(userId) {
    return this.get(`/achievements/${userId}`);
  }
  points(userId, page = {}) {
    return this.get(`/points/${userId}`, { ...page });
  }
  performance(teamId) {
    return this.get(`/team/${teamId}/performance`);
  }
  board(board, wish = {}) {
    return this.get(`/leaderboards/${encodeURIComponent(board)}`, { ...wish });
  }
  /** Prefer `Homeroom.earn`, which repeats it until it is answered. */
  earn(fields, key) {
    return this.request("POST", "/points/earn", withKey(fields, key));
  }
  /** Prefer `Homeroom.progress`, which repeats it until it is answered. */
  step({ user_id, ...fields }, key) {
    return this.request("POST", `/progress/${encodeURIComponent(String(user_id))}`, withKey(fields, key));
  }
  /** A ticket: one use, 30 seconds. */
  async ticket(signal) {
    const made = await this.request("POST", "/tickets", signal ? { signal } : {});
    return made.data.ticket;
  }
};
function withKey(body, key) {
  return key === void 0 ? { body } : { body, key };
}
function queryText(query) {
  const parts = Object.entries(query ?? {}).filter(([, value]) => value !== void 0);
  const text = parts.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join("&");
  return text && `?${text}`;
}

// src/mirror.ts
function rowKey(row) {
  return row.user_id ?? row.team_id ?? row.row ?? "";
}
function compareRows(one, other) {
  if (one.points !== other.points) return other.points - one.points;
  if (one.reached_at !== other.reached_at) {
    if (one.reached_at === null) return 1;
    if (other.reached_at === null) return -1;
    return one.reached_at < other.reached_at ? -1 : 1;
  }
  const [a, b] = [rowKey(one), rowKey(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}
function ranked(rows) {
  const sorted = [...rows].sort(compareRows);
  let rank = 0;
  let points;
  return sorted.map((row, index) => {
    if (row.points !== points) [rank, points] = [index + 1, row.points];
    return row.rank === rank ? row : { ...row, rank };
  });
}
var BoardWindow = class {
  #rows = /* @__PURE__ */ new Map();
  #ranked = [];
  #version = -1;
  get rows() {
    return this.#ranked;
  }
  get version() {
    return this.#version;
  }
  /** Begins anew. False if the rows contradict the order that they came in. */
  begin(board) {
    this.#rows.clear();
    for (const row of board.entries) this.#rows.set(rowKey(row), row);
    this.#version = board.version;
    this.#ranked = ranked(this.#rows.values());
    return this.#rows.size === board.entries.length && this.#ranked.every((row, index) => row.rank === board.entries[index]?.rank && rowKey(row) === rowKey(board.entries[index]));
  }
  /** Applies what changed. False if that cannot follow from what was there: the version has to rise, what leaves has to be
   * there, and the ranks that come with the changed rows have to be those that follow from the order. */
  apply({ version, changes, removed }) {
    let isRight = version > this.#version;
    for (const key of removed) isRight = this.#rows.delete(key) && isRight;
    for (const row of changes) this.#rows.set(rowKey(row), row);
    this.#version = version;
    this.#ranked = ranked(this.#rows.values());
    const told = new Map(changes.map((row) => [rowKey(row), row.rank]));
    for (const row of this.#ranked) {
      const rank = told.get(rowKey(row));
      isRight &&= rank === void 0 || rank === row.rank;
    }
    return isRight;
  }
};

// src/outbox.ts
var UNDER_WAY_MAX = 64;
var COMMAND_BYTES_MAX = 64 * 1024 - 256;
var FAILURES_MAX = 5;
var Outbox = class {
  constructor(env, store, backoff, sizeMax, carry, nextId, settled) {
    this.env = env;
    this.store = store;
    this.backoff = backoff;
    this.sizeMax = sizeMax;
    this.carry = carry;
    this.nextId = nextId;
    this.settled = settled;
    for (const [number, command] of store.commands(sizeMax)) this.#push(command, number);
  }
  env;
  store;
  backoff;
  sizeMax;
  carry;
  nextId;
  settled;
  /** By person, each in the order given: only the first of each lane may be under way. */
  #lanes = /* @__PURE__ */ new Map();
  #underWay = /* @__PURE__ */ new Map();
  #size = 0;
  #isOpen = false;
  /** Commands without an answer. */
  get size() {
    return this.#size;
  }
  /** Takes a command in. Resolves when it is durable; rejects with a `Problem` when it is refused. */
  add(command) {
    if (this.#size >= this.sizeMax) {
      const detail = `${this.sizeMax} commands wait for an answer`;
      return Promise.reject(Problem.local("queue_full", "Too many commands wait", detail));
    }
    if (new TextEncoder().encode(JSON.stringify(command)).length > COMMAND_BYTES_MAX) {
      return Promise.reject(Problem.local("frame_too_large", "The command is too large"));
    }
    return new Promise((resolve, reject) => {
      const number = this.store.keepCommand(command);
      Object.assign(this.#push(command, number), { resolve, reject });
      this.#pump();
    });
  }
  opened() {
    this.#isOpen = true;
    this.#pump();
  }
  /** Whether what was under way arrived is not known: it goes out again. */
  lost() {
    this.#isOpen = false;
    for (const item of this.#underWay.values()) item.ticket = 0;
    this.#underWay.clear();
  }
  /** Nothing more will be sent. What is stored stays there for the next time. */
  end(problem) {
    this.lost();
    const items = [...this.#lanes.values()].flat();
    this.#lanes.clear();
    this.#size = 0;
    for (const item of items) item.reject(problem);
  }
  /** Whether this id is that of a command under way. */
  has(ticket) {
    return this.#underWay.has(ticket);
  }
  answered(ticket, answer) {
    const item = this.#take(ticket);
    if (!item) return;
    const ack = { ...answer, key: item.command.key };
    this.#done(item);
    item.resolve(ack);
    this.settled({ command: item.command, ack });
    this.#pump();
  }
  refused(ticket, problem) {
    const item = this.#take(ticket);
    if (!item) return;
    if (!problem.isLasting) item.failures += 1;
    if (problem.isTransient && item.failures < FAILURES_MAX) return this.#rest(item, problem.retryAfterMs ?? 0);
    this.#done(item);
    item.reject(problem);
    this.settled({ command: item.command, problem });
    this.#pump();
  }
  #push(command, number) {
    const lane = String(command.fields["user_id"]);
    const nothing = () => void 0;
    const item = {
      command,
      number,
      lane,
      ticket: 0,
      isResting: false,
      failures: 0,
      attempts: 0,
      resolve: nothing,
      reject: nothing
    };
    const others = this.#lanes.get(lane);
    if (others) others.push(item);
    else this.#lanes.set(lane, [item]);
    this.#size += 1;
    return item;
  }
  #pump() {
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
  #take(ticket) {
    const item = this.#underWay.get(ticket);
    this.#underWay.delete(ticket);
    if (item) item.ticket = 0;
    return item;
  }
  /** Later, and its person's other commands after it. */
  #rest(item, hintMs) {
    item.isResting = true;
    const wait = hintMs + fullJitter(item.attempts, this.backoff, this.env.random());
    item.attempts += 1;
    this.env.setTimeout(() => {
      item.isResting = false;
      this.#pump();
    }, wait);
  }
  #done(item) {
    const lane = this.#lanes.get(item.lane);
    if (lane?.[0] === item) lane.shift();
    if (lane?.length === 0) this.#lanes.delete(item.lane);
    this.#size -= 1;
    this.store.dropCommand(item.number);
  }
};

// src/store.ts
var Store = class {
  #storage;
  #prefix;
  #report;
  /** Numbers of the commands that have no answer, rising: the list that `commands` keeps. */
  #open = /* @__PURE__ */ new Set();
  #next = 0;
  constructor(options, report) {
    this.#storage = options?.storage;
    this.#prefix = `homeroom:${options?.scope ?? ""}:`;
    this.#report = report;
  }
  position(topic) {
    const found = this.#read(`position:${topic}`);
    const isGood = typeof found?.epoch === "string" && Number.isSafeInteger(found.offset);
    return isGood ? found : void 0;
  }
  keepPosition(topic, position) {
    this.#write(`position:${topic}`, position);
  }
  /** Commands of an earlier page, in their order, with their numbers. At most `max`. */
  commands(max) {
    const found = [];
    const list = this.#read("commands");
    for (const number of Array.isArray(list) ? list.slice(0, max) : []) {
      const command = this.#read(`command:${number}`);
      const isKnown = (command?.kind === "earn" || command?.kind === "progress") && typeof command.key === "string";
      if (!Number.isSafeInteger(number) || !isKnown || typeof command.fields !== "object" || !command.fields) continue;
      found.push([number, command]);
      this.#open.add(number);
      this.#next = Math.max(this.#next, number + 1);
    }
    return found;
  }
  /** Keeps a command before it is sent, and gives its number. */
  keepCommand(command) {
    const number = this.#next;
    this.#next += 1;
    this.#open.add(number);
    this.#write(`command:${number}`, command);
    this.#write("commands", [...this.#open]);
    return number;
  }
  /** A command has its answer. */
  dropCommand(number) {
    this.#open.delete(number);
    this.#write("commands", this.#open.size > 0 ? [...this.#open] : void 0);
    this.#write(`command:${number}`, void 0);
  }
  #read(name) {
    try {
      const text = this.#storage?.getItem(this.#prefix + name);
      return text == null ? void 0 : JSON.parse(text);
    } catch (thrown) {
      this.#failed(thrown);
      return void 0;
    }
  }
  #write(name, value) {
    try {
      if (value === void 0) this.#storage?.removeItem(this.#prefix + name);
      else this.#storage?.setItem(this.#prefix + name, JSON.stringify(value));
    } catch (thrown) {
      this.#failed(thrown);
    }
  }
  #failed(thrown) {
    this.#report(Problem.local("storage_failed", "The storage failed", String(thrown), thrown));
  }
};

// src/topics.ts
var ASK_MAX = 100;
var FAULTS_MAX = 3;
var Topics = class {
  constructor(env, store, backoff, owner) {
    this.env = env;
    this.store = store;
    this.backoff = backoff;
    this.owner = owner;
  }
  env;
  store;
  backoff;
  owner;
  #held = /* @__PURE__ */ new Map();
  #mode = "none";
  #isAskDue = false;
  names() {
    return [...this.#held.keys()];
  }
  subscribe(topic, taker, options) {
    let held = this.#held.get(topic);
    if (!held) {
      const position = options.from ?? (options.stored ? this.store.position(topic) : void 0);
      held = {
        topic,
        position,
        takers: /* @__PURE__ */ new Set(),
        isStored: options.stored ?? false,
        phase: "wanted",
        askId: 0,
        faults: 0,
        timer: void 0
      };
      this.#held.set(topic, held);
      this.#askSoon();
    } else if (taker.snapshot) {
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
        this.owner.send({ type: "unsubscribe", id: this.owner.nextId(), topics: [{ topic }] });
        this.#askSoon();
      }
    };
  }
  /** What is held cannot be right: ask for its snapshot. */
  refresh(topic) {
    const held = this.#held.get(topic);
    if (held) this.#fault(held, true);
  }
  /** A way is open. A stream that was resumed goes on where it was. */
  opened(mode, isResumed) {
    this.#mode = mode;
    for (const held of this.#held.values()) {
      this.env.clearTimeout(held.timer);
      if (mode === "socket") held.phase = "wanted";
      else held.phase = isResumed && held.position ? "held" : "asking";
      held.askId = 0;
    }
    if (mode === "socket") this.#ask();
  }
  lost() {
    this.#mode = "none";
    for (const held of this.#held.values()) this.env.clearTimeout(held.timer);
  }
  /** Takes a frame; false if it is not about topics. */
  take(frame) {
    switch (frame.type) {
      case "subscribed":
        if (Array.isArray(frame.topics)) for (const reply of frame.topics) this.#reply(frame.id, reply);
        return true;
      case "snapshot":
        return this.#snapshot(frame);
      case "unsubscribed": {
        const held = typeof frame.topic === "string" ? this.#held.get(frame.topic) : void 0;
        if (held && held.phase !== "asking") this.#ended(held, Problem.read(frame.reason));
        return true;
      }
      case "error":
        return this.#error(frame);
      default:
        return typeof frame.topic === "string" && this.#message(frame.topic, frame);
    }
  }
  #askSoon() {
    if (this.#isAskDue) return;
    this.#isAskDue = true;
    queueMicrotask(() => {
      this.#isAskDue = false;
      this.#ask();
    });
  }
  #ask() {
    if (this.#mode !== "socket") return this.owner.listChanged();
    const wanted = [...this.#held.values()].filter((held) => held.phase === "wanted");
    for (let from = 0; from < wanted.length; from += ASK_MAX) {
      const part = wanted.slice(from, from + ASK_MAX);
      const id = this.owner.nextId();
      const topics = part.map(({ topic, position }) => ({ topic, ...position }));
      if (!this.owner.send({ type: "subscribe", id, topics })) return;
      for (const held of part) Object.assign(held, { phase: "asking", askId: id });
    }
  }
  #reply(id, value) {
    const reply = value;
    const held = this.#held.get(reply.topic ?? "");
    if (!held || this.#mode === "socket" && (held.phase !== "asking" || held.askId !== id)) return;
    if (reply.error !== void 0) return this.#refused(held, Problem.read(reply.error));
    const { epoch, offset } = reply;
    if (typeof epoch !== "string" || !Number.isSafeInteger(offset)) return this.#fault(held, true);
    const position = { epoch, offset };
    if (reply.snapshot !== void 0) return this.#begin(held, position, reply.snapshot);
    const isWhereWeAre = held.position?.epoch === epoch && held.position.offset === offset;
    if (!reply.recovered || !isWhereWeAre) return this.#fault(held, true);
    held.phase = "held";
    this.#tell(held, (taker) => taker.recovered?.({ ...position }));
  }
  /** Unasked, or first of a stream. While a request is under way it belongs to the old position. */
  #snapshot(frame) {
    const held = this.#held.get(frame.topic);
    if (!held || this.#mode === "socket" && held.phase !== "held") return true;
    const { epoch, offset, data } = frame;
    if (typeof epoch !== "string" || !Number.isSafeInteger(offset)) this.#fault(held, true);
    else this.#begin(held, { epoch, offset }, data);
    return true;
  }
  #begin(held, position, data) {
    held.phase = "held";
    this.#moved(held, position);
    this.#tell(held, (taker) => taker.snapshot?.(data, { ...position }));
  }
  #message(topic, frame) {
    const held = this.#held.get(topic);
    if (held?.phase !== "held" || !held.position) return true;
    if (frame.offset !== held.position.offset + 1) {
      this.#fault(held, false);
      return true;
    }
    held.faults = 0;
    this.#moved(held, { epoch: held.position.epoch, offset: frame.offset });
    this.#tell(held, (taker) => taker.message?.(frame));
    return true;
  }
  /** The position is the new one before anybody hears of it: a handler that throws does not get the same again. */
  #moved(held, position) {
    held.position = position;
    if (held.isStored) this.store.keepPosition(held.topic, position);
  }
  /** A gap, a repeat or nonsense: ask anew, by position while that is believed. */
  #fault(held, isPositionUseless) {
    held.faults += 1;
    this.#again(held, isPositionUseless || held.faults >= FAULTS_MAX);
  }
  #again(held, withoutPosition) {
    if (withoutPosition) held.position = void 0;
    if (this.#mode === "none") {
      held.phase = "wanted";
    } else if (this.#mode === "stream") {
      held.phase = "asking";
      this.owner.beginAnew();
    } else if (held.faults > 1) {
      this.#rest(held, fullJitter(held.faults, this.backoff, this.env.random()));
    } else {
      held.phase = "wanted";
      this.#askSoon();
    }
  }
  #rest(held, ms) {
    held.phase = "resting";
    this.env.clearTimeout(held.timer);
    held.timer = this.env.setTimeout(() => {
      held.phase = "wanted";
      this.#askSoon();
    }, ms);
  }
  #refused(held, problem) {
    if (problem.code === "reply_too_large") {
      held.phase = "wanted";
      return this.#askSoon();
    }
    if (!problem.isTransient) return this.#ended(held, problem);
    held.faults += 1;
    const hint = problem.retryAfterMs ?? 0;
    this.#rest(held, hint + fullJitter(held.faults, this.backoff, this.env.random()));
  }
  /** A request of ours as a whole was refused. */
  #error(frame) {
    const asked = [...this.#held.values()].filter((held) => held.phase === "asking" && held.askId === frame.id);
    if (frame.id === void 0 || asked.length === 0) return false;
    const problem = Problem.read(frame.error);
    for (const held of asked) this.#refused(held, problem);
    return true;
  }
  #ended(held, problem) {
    this.#drop(held);
    this.#tell(held, (taker) => taker.ended?.(problem));
    this.#askSoon();
  }
  #drop(held) {
    this.env.clearTimeout(held.timer);
    this.#held.delete(held.topic);
  }
  #tell(held, act) {
    for (const taker of [...held.takers]) {
      try {
        act(taker);
      } catch (thrown) {
        this.owner.report(Problem.local("handler_failed", `A handler of ${held.topic} failed`, String(thrown), thrown));
      }
    }
  }
};

// src/client.ts
var FRAME_BACKOFF = { baseMs: 500, capMs: 3e4 };
var Homeroom = class extends Emitter {
  http;
  #connection;
  #topics;
  #outbox;
  #lastId = 0;
  #posting = new AbortController();
  constructor(options) {
    super();
    const { url, token, session } = options;
    if (token === void 0 && session === void 0 && !options.getTicket) {
      throw Problem.local("token_required", "Give a token, a session or getTicket");
    }
    const env = environment(options.environment);
    this.http = new HomeroomHttp({ url, token, session, environment: env });
    const backoff = { ...FRAME_BACKOFF, ...options.backoff };
    const report = (problem) => this.emit("problem", problem);
    const store = new Store(options.store, report);
    const nextId = () => this.#lastId += 1;
    this.#topics = new Topics(env, store, backoff, {
      send: (frame) => this.#connection.send(frame),
      listChanged: () => this.#connection.topicsChanged(),
      beginAnew: () => this.#connection.beginAnew(),
      nextId,
      report
    });
    const carry = (command, ticket) => this.#carry(command, ticket);
    const settled = (done) => this.emit("settled", done);
    this.#outbox = new Outbox(env, store, backoff, options.queueMax ?? 1e3, carry, nextId, settled);
    const getTicket = options.getTicket ?? ((signal) => this.http.ticket(signal));
    this.#connection = new Connection(env, this.http, getTicket, settings(options, backoff), {
      topics: () => this.#topics.names(),
      opened: (transport, isResumed) => this.#opened(transport, isResumed),
      frame: (frame) => this.#frame(frame),
      lost: () => this.#lost(),
      ended: (problem) => this.#outbox.end(problem)
    });
    this.#connection.on("state", (change) => this.emit("state", change));
  }
  get state() {
    return this.#connection.state;
  }
  /** The way that is open, or was last. */
  get transport() {
    return this.#connection.transport;
  }
  /** Commands without an answer. */
  get waiting() {
    return this.#outbox.size;
  }
  /** Connects, and stays connected until `close()` or until the node ends it for good. Resolves when first open. */
  connect() {
    const opened = new Promise((resolve, reject) => {
      if (this.state === "open") return resolve();
      const off = this.on("state", ({ state, problem }) => {
        if (state === "open") resolve();
        else if (state === "closed") reject(problem ?? Problem.local("closed", "Closed before it was open"));
        else return;
        off();
      });
    });
    opened.catch(() => void 0);
    this.#connection.start();
    return opened;
  }
  /** Disconnects. Topics stay wanted and go on with the next `connect()`; commands without an answer are rejected with
   * `closed`, and those in the storage are sent again by the next client of its scope. */
  close() {
    this.#lost();
    this.#connection.stop();
    this.#outbox.end(Problem.local("closed", "The client was closed"));
  }
  /** Follows a topic: its state, then every message after it. A topic that is taken a second time with `snapshot` begins
   * anew for both. */
  subscribe(topic, handlers, options = {}) {
    return this.#topics.subscribe(topic, handlers, options);
  }
  /** Awards an action, once, however often the connection breaks meanwhile. */
  earn(fields, key = newKey()) {
    return this.#outbox.add({ kind: "earn", fields: { ...fields }, key });
  }
  /** Reports a step of progress, once. */
  progress(fields, key = newKey()) {
    return this.#outbox.add({ kind: "progress", fields: { ...fields }, key });
  }
  /** Keeps a board (its first 200 places, unless the node is set otherwise). */
  mirrorBoard(name, { period = "all", change, ended } = {}) {
    const window = new BoardWindow();
    const topic = period === "all" ? `board:${name}` : `board:${name}:${period}`;
    let board;
    let repairs = 0;
    const show = (isRight) => {
      if (isRight) return change?.(mirror);
      repairs += 1;
      this.#topics.refresh(topic);
    };
    const subscription = this.subscribe(topic, {
      snapshot: (data) => {
        board = data;
        show(window.begin(board));
      },
      message: (message) => {
        if (message.type === "leaderboard_update") show(window.apply(message.data));
      },
      ended: (problem) => ended?.(problem)
    });
    const mirror = {
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
      close: () => subscription.unsubscribe()
    };
    return mirror;
  }
  #opened(transport, isResumed) {
    this.#posting = new AbortController();
    this.#topics.opened(transport, isResumed);
    this.#outbox.opened();
  }
  #lost() {
    this.#posting.abort();
    this.#topics.lost();
    this.#outbox.lost();
  }
  #frame(frame) {
    this.emit("frame", frame);
    if (frame.type === "ack" && this.#outbox.has(frame.id)) {
      const { id, data, status, replayed } = frame;
      this.#outbox.answered(id, { data, status: Number(status ?? 200), replayed: replayed === true });
    } else if (frame.type === "error" && this.#outbox.has(frame.id)) {
      this.#outbox.refused(frame.id, Problem.read(frame.error));
    } else if (!this.#topics.take(frame) && frame.type === "error") {
      this.emit("problem", Problem.read(frame.error));
    }
  }
  #carry({ kind, fields, key }, ticket) {
    if (this.transport === "socket") return this.#connection.send({ ...fields, type: kind, id: ticket, key });
    if (!this.http.isKnown) return false;
    void this.#post(kind, fields, key, ticket);
    return true;
  }
  async #post(kind, fields, key, ticket) {
    const { user_id, ...step } = fields;
    const [path, body] = kind === "earn" ? ["/points/earn", fields] : [`/progress/${encodeURIComponent(String(user_id))}`, step];
    try {
      const { signal } = this.#posting;
      this.#outbox.answered(ticket, await this.http.request("POST", path, { body, key, signal }));
    } catch (thrown) {
      this.#outbox.refused(ticket, Problem.of(thrown));
    }
  }
};
function settings(options, backoff) {
  return {
    transport: options.transport ?? "auto",
    socketFailuresMax: options.socketFailuresMax ?? 3,
    fallbackForMs: options.fallbackForMs ?? 3e5,
    backoff,
    stableAfterMs: 1e4,
    openWithinMs: options.openWithinMs ?? 15e3,
    heartbeatEveryMs: options.heartbeatEveryMs ?? 2e4,
    heartbeatWaitMs: options.heartbeatWaitMs ?? 1e4,
    streamSilenceMs: 6e4
  };
}
export {
  Homeroom,
  HomeroomHttp,
  Problem
};
