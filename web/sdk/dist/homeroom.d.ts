/*! Homeroom's client library: web/sdk, built by build.mjs. SPDX-License-Identifier: Apache-2.0 */

/** Bounds of the waiting time in milliseconds. */
interface BackoffOptions {
    /** The most that the first attempt waits. */
    baseMs: number;
    /** The most that any attempt waits. */
    capMs: number;
}
/** The longest hint of a node that is followed: ten minutes. */
declare const HINT_MAX_MS = 600000;
/** The waiting time of an attempt (from 0); `random` is in [0, 1). */
declare function fullJitter(attempt: number, { baseMs, capMs }: BackoffOptions, random: number): number;
/** Attempts in a row. A hint of the node is a floor: jitter comes on top, for a hint may be the same for everybody. */
declare class Backoff {
    #private;
    constructor(options: BackoffOptions, random: () => number);
    /** Attempts since the last success. */
    get attempt(): number;
    /** How long to wait before the next attempt. */
    next(hintMs?: number): number;
    /** An attempt succeeded. */
    reset(): void;
}

/** Options of a client. `url` and one of `token`, `session` and `getTicket` are needed. */
interface HomeroomOptions {
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
interface HomeroomEvents {
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
interface MirrorHandlers {
    /** Which board (default `all`). */
    period?: Period;
    /** The rows changed. `board.rows` is a new list each time. */
    change?(board: BoardMirror): void;
    /** The board is not shown any more. */
    ended?(problem: Problem): void;
}
/** A board that is kept equal to the node's. */
interface BoardMirror {
    /** The rows of the window, in order, with their ranks. */
    readonly rows: readonly BoardRow[];
    readonly version: number;
    /** The snapshot that it began with last: period, season, number of all rows then. */
    readonly board: Board | undefined;
    /** How often it could not be right and was asked for anew. */
    readonly repairs: number;
    close(): void;
}
/** A client of one node. */
declare class Homeroom extends Emitter<HomeroomEvents> {
    #private;
    readonly http: HomeroomHttp;
    constructor(options: HomeroomOptions);
    get state(): State;
    /** The way that is open, or was last. */
    get transport(): Transport;
    /** Commands without an answer. */
    get waiting(): number;
    /** Connects, and stays connected until `close()` or until the node ends it for good. Resolves when first open. */
    connect(): Promise<void>;
    /** Disconnects. Topics stay wanted and go on with the next `connect()`; commands without an answer are rejected with
     * `closed`, and those in the storage are sent again by the next client of its scope. */
    close(): void;
    /** Follows a topic: its state, then every message after it. A topic that is taken a second time with `snapshot` begins
     * anew for both. */
    subscribe<Name extends Topic>(topic: Name, handlers: TopicHandlers<Name>, options?: SubscribeOptions): Subscription;
    /** Awards an action, once, however often the connection breaks meanwhile. */
    earn(fields: Earn, key?: string): Promise<Ack<Earned>>;
    /** Reports a step of progress, once. */
    progress(fields: ProgressStep, key?: string): Promise<Ack<UnitProgress>>;
    /** Keeps a board (its first 200 places, unless the node is set otherwise). */
    mirrorBoard(name: BoardName, { period, change, ended }?: MirrorHandlers): BoardMirror;
}

/** `waiting`: for the next attempt. `closed`: not begun, ended by `close()`, or ended for good by the node. */
type State = 'connecting' | 'open' | 'waiting' | 'closed';
/** A WebSocket, or server-sent events with commands over HTTP. */
type Transport = 'socket' | 'stream';
/** What a change of state says. */
interface StateChange {
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
interface ConnectionSettings {
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
interface ConnectionOwner {
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
/** Keeps one line open. */
declare class Connection extends Emitter<Events> {
    #private;
    private readonly env;
    private readonly http;
    private readonly getTicket;
    private readonly settings;
    private readonly owner;
    constructor(env: Environment, http: HomeroomHttp, getTicket: (signal?: AbortSignal) => Promise<string>, settings: ConnectionSettings, owner: ConnectionOwner);
    get state(): State;
    get transport(): Transport;
    start(): void;
    /** Ends it; `start` begins anew. */
    stop(problem?: Problem, code?: number): void;
    send(frame: object): boolean;
    /** The topics that are wanted have changed: a stream has to be opened anew with them. */
    topicsChanged(): void;
    /** What the stream says cannot be right: it begins anew, without its position, after the usual wait. */
    beginAnew(): void;
}

/** The part of a WebSocket that is used. That of browsers and of Node fit. */
interface SocketLike {
    onopen: ((event: any) => void) | null;
    onmessage: ((event: any) => void) | null;
    onclose: ((event: any) => void) | null;
    onerror: ((event: any) => void) | null;
    send(text: string): void;
    close(code?: number, reason?: string): void;
}
/** Makes sockets. */
type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;
/** The part of `localStorage` that is used; synchronous, so that nothing is sent before it is kept. */
interface KeyValueStorage {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
}
/** Whether there is a network at all. */
interface Network {
    isOnline(): boolean;
    /** Calls on every change, and when the page comes to the front again (`isOnline` is then as before). */
    onChange(listener: () => void): Off;
}
/** Clock, randomness and connections. */
interface Environment {
    /** None where the platform has none: then only the stream can be used. */
    WebSocket: SocketConstructor | undefined;
    fetch: (input: string, init?: RequestInit) => Promise<Response>;
    /** Milliseconds that never go back. */
    now(): number;
    setTimeout(run: () => void, ms: number): unknown;
    clearTimeout(timer: unknown): void;
    /** In [0, 1). */
    random(): number;
    network: Network;
}
/** Where we are, with what was given in its place. */
declare function environment(given?: Partial<Environment>): Environment;
/** A new idempotency key: 128 random bits. `randomUUID` is missing on pages without TLS, as schools' networks have them. */
declare function newKey(): string;

/** Removes a listener. */
type Off = () => void;
/** Listeners of the events of `Map`: name → argument. */
declare class Emitter<Events extends object> {
    #private;
    /** Adds a listener and gives what removes it. */
    on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): Off;
    protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void;
}

/** A token, or what gives the present one. */
type TokenSource = string | (() => string | Promise<string>);
/** Whose cookie of this browser a page speaks with. A browser can hold one of each. */
type SessionRole = 'admin' | 'mentor' | 'student' | 'projector';
/** A page of a list. */
interface Page<Item> {
    items: Item[];
    next_cursor: string | null;
}
/** Which part of a list. */
interface PageWish {
    limit?: number;
    cursor?: string;
}
/** Which part of a board. */
interface BoardWish extends PageWish {
    period?: Period;
    around?: number;
    neighbours?: number;
    at?: string;
}
/** `GET /me`, in part. */
interface Me {
    token_id: number;
    role: 'admin' | 'service' | 'mentor' | 'student' | 'projector';
    user_id: number | null;
    teams?: number[];
}
/** What a request may carry. */
interface RequestOptions {
    query?: Record<string, string | number | boolean | undefined>;
    body?: unknown;
    /** Makes a write safe to repeat. */
    key?: string;
    signal?: AbortSignal;
    headers?: Record<string, string>;
}
/** An answer with its JSON. */
interface HttpAnswer<Data> {
    status: number;
    data: Data;
    replayed: boolean;
}
/** A caller of one node. */
declare class HomeroomHttp {
    #private;
    /** Without a slash at its end. */
    readonly base: string;
    constructor(options: {
        url: string;
        token?: TokenSource | undefined;
        session?: SessionRole | undefined;
        environment?: Partial<Environment>;
    });
    /** Whether requests say who sends them. */
    get isKnown(): boolean;
    /** Sends one request. Resolves with any 2xx; everything else is a `Problem`. */
    send(method: string, path: string, options?: RequestOptions): Promise<Response>;
    /** Sends one request and reads the JSON of its answer. */
    request<Data>(method: string, path: string, options?: RequestOptions): Promise<HttpAnswer<Data>>;
    get<Data>(path: string, query?: RequestOptions['query']): Promise<Data>;
    me(): Promise<Me>;
    progress(userId: number): Promise<Progress>;
    achievements(userId: number): Promise<Achievements>;
    points(userId: number, page?: PageWish): Promise<Page<LedgerEntry>>;
    performance(teamId: number): Promise<Performance>;
    board(board: BoardName, wish?: BoardWish): Promise<Board>;
    /** Prefer `Homeroom.earn`, which repeats it until it is answered. */
    earn(fields: Earn, key?: string): Promise<HttpAnswer<Earned>>;
    /** Prefer `Homeroom.progress`, which repeats it until it is answered. */
    step({ user_id, ...fields }: ProgressStep, key?: string): Promise<HttpAnswer<UnitProgress>>;
    /** A ticket: one use, 30 seconds. */
    ticket(signal?: AbortSignal): Promise<string>;
}

/** Why a connection ended. */
interface Lost {
    /** The close code; 1006 where there was none. */
    code: number;
    reason: string;
    /** How long the node asks to wait. */
    retryAfterMs?: number | undefined;
    /** What HTTP answered, where it was HTTP that failed. */
    problem?: Problem | undefined;
}
/** What a connection tells. `lost` comes once, and nothing after it. */
interface LineEvents {
    opened(): void;
    /** Anything came, also what is no frame. */
    heard(): void;
    frame(frame: Frame, eventId?: string): void;
    lost(lost: Lost): void;
}
/** A connection under way or open. */
interface Line {
    /** False where it cannot take any (a stream, or a socket that is closing). */
    send(frame: object): boolean;
    /** Ends it. `lost` is not told. */
    close(code?: number): void;
}
/** The subprotocol. */
declare const SUBPROTOCOL = "homeroom.v1";
/** The hint in the reason of a 1012: `{"retry_after_ms":n}`. */
declare function readHint(reason: string): number | undefined;
/** What both kinds of connection need. */
interface LineArgs {
    env: Environment;
    http: HomeroomHttp;
    /** How to get in without a header. */
    getTicket: (signal: AbortSignal) => Promise<string>;
    /** How long opening may take. */
    openWithinMs: number;
    events: LineEvents;
}
/** Opens a WebSocket with a fresh ticket. */
declare function openSocket({ env, http, getTicket, openWithinMs, events }: LineArgs): Line;
/** Opens the stream of server-sent events of these topics. It takes no frames. Read with `fetch`, not with `EventSource`:
 * that hides status and `Retry-After`, sends no header, and comes back with a ticket that is used up. */
declare function openStream(args: LineArgs & {
    topics: string[];
    lastEventId: string | undefined;
}): Line;
/** Takes an event stream apart (HTML standard, section 9.2.6), however its text is cut. */
declare class EventReader {
    #private;
    /** What the last `retry` field said. */
    retryMs: number | undefined;
    constructor(take: (data: string, id: string | undefined) => void);
    push(text: string): void;
}

/** RFC 3339 in UTC with milliseconds. */
type Time = string;
type Action = 'read_content' | 'complete_quiz' | 'contribute_resource' | 'community_feedback' | 'team_achievement';
type Tier = 'bronze' | 'silver' | 'gold';
type Period = 'all' | 'week' | 'day' | 'season';
/** `all`, `teams`, `team:{id}` or `qualification:{id}`. */
type BoardName = 'all' | 'teams' | `team:${number}` | `qualification:${number}`;
type Topic = `user:${number}` | `team:${number}` | `board:${BoardName}` | `board:${BoardName}:${'week' | 'day' | 'season'}` | `presence:${number}` | 'announcements' | `announcements:team:${number}` | 'honours';
/** A place in a topic: after message `offset` of the life `epoch`. */
interface Position {
    epoch: string;
    offset: number;
}
interface UnitProgress {
    unit_id: number;
    progress_percentage: number;
    last_accessed: Time;
    completed_at: Time | null;
}
interface SkillMastery {
    skill: string;
    mastery: number;
}
interface Progress {
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
    points: {
        total: number;
        level: number;
    };
}
interface Achievement {
    achievement_type: string;
    tier: Tier;
    earned_at: Time | null;
    achievement_data: Record<string, {
        value: number;
        target: number;
    }>;
    criteria: {
        key: string;
        current: number;
        target: number;
        met: boolean;
    }[];
}
interface Achievements {
    user_id: number;
    version: number;
    achievements: Achievement[];
}
interface TeamMember {
    user_id: number;
    name: string;
    points: number;
    completion_percentage: number;
    rank: number | null;
}
/** A projector sees no `members` and no `mentor_id`. */
interface Performance {
    team_id: number;
    name: string;
    mentor_id?: number | null;
    members?: TeamMember[];
    members_count: number;
    points: {
        sum: number;
        mean: number;
        adjusted: number;
    };
    progress: {
        mean_completion_percentage: number;
        units_completed: number;
    };
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
interface BoardRow {
    rank: number;
    user_id?: number;
    team_id?: number;
    /** What a projector gets in place of an id. */
    row?: string;
    name: string;
    points: number;
    reached_at: Time | null;
}
interface Board {
    board: string;
    period: Period;
    epoch: string;
    version: number;
    total: number;
    entries: BoardRow[];
    next_cursor: string | null;
    from: Time | null;
    to: Time | null;
    season?: {
        name: string;
        from: Time;
        to: Time;
    } | null;
}
interface LedgerEntry {
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
interface Presence {
    team_id: number;
    /** How many are here. */
    count: number;
    /** The first of them, by id. */
    present: PresentPerson[];
    /** Whether there are others: `GET /teams/{team_id}/presence` has all. */
    more: boolean;
}
interface PresentPerson {
    user_id: number;
    name: string;
}
/** What was announced lately, oldest first. */
interface Announcements {
    announcements: Announcement[];
}
interface Announcement {
    announcement_id: number;
    /** To which team; null: to everybody. */
    team_id: number | null;
    text: string;
    /** Who made it, as the reader may know them. */
    from: string | null;
    at: Time;
}
/** What those on boards unlocked lately, oldest first. */
interface Honours {
    honours: Honour[];
}
interface Honour {
    user_id?: number;
    /** In place of `user_id` for projectors: as on `board:all`. */
    row?: string;
    name: string | null;
    achievement_type: string;
    tier: Tier;
    earned_at: Time;
}
/** What a message of a topic holds, by its type. */
interface MessageData {
    progress_update: UnitProgress & {
        user_id: number;
    };
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
    points_reversed: {
        event_id: number;
        user_id: number;
        points: number;
        total: number;
        level: number;
        reason: string | null;
    };
    points_adjusted: {
        event_id: number;
        user_id: number;
        points: number;
        total: number;
        level: number;
        reason: string | null;
    };
    achievement_unlocked: {
        event_id: number;
        user_id: number;
        achievement_type: string;
        tier: Tier;
        earned_at: Time;
        achievement_data: Record<string, {
            value: number;
            target: number;
        }>;
    };
    state_carried: {
        event_id: number;
        user_id: number;
        total: number;
        level: number;
    };
    leaderboard_update: {
        board: string;
        period: Period;
        version: number;
        changes: BoardRow[];
        removed: (number | string)[];
    };
    /** Only the fields that changed, whole. */
    team_update: Partial<Performance> & {
        team_id: number;
    };
    presence_update: {
        team_id: number;
        joined: PresentPerson[];
        left: number[];
        count: number;
    };
    announcement: Announcement;
    honour: Honour;
}
type MessageType = keyof MessageData;
/** A message of a topic: `switch (message.type)` tells its data. */
type TopicMessage = {
    [Type in MessageType]: {
        type: Type;
        topic: string;
        offset: number;
        data: MessageData[Type];
    };
}[MessageType];
/** What a snapshot of a topic holds, by the topic's name. */
type SnapshotOf<Name extends string> = Name extends `user:${string}` ? {
    progress: Progress;
    achievements: Achievements;
} : Name extends `team:${string}` ? Performance : Name extends `board:${string}` ? Board : Name extends `presence:${string}` ? Presence : Name extends `announcements${string}` ? Announcements : Name extends 'honours' ? Honours : unknown;
/** Fields of an award, as `POST /points/earn` takes them. */
interface Earn {
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
        resource?: {
            user_id: number;
            reference_id: number;
        };
        rating?: number;
        team_id?: number;
    };
}
/** Fields of a step of progress, as `POST /progress/{user_id}` takes them. */
interface ProgressStep {
    user_id: number;
    unit_id: number;
    progress_percentage: number;
    /** Admin and service only. */
    occurred_at?: Time;
}
interface Earned {
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
    achievements_unlocked: {
        achievement_type: string;
        tier: Tier;
    }[];
}
/** A command that is durable. */
interface Ack<Data> {
    /** 201 or 200, as HTTP answers. */
    status: number;
    data: Data;
    /** The node had it already, and gave its first answer again. */
    replayed: boolean;
    /** The idempotency key that it went under. */
    key: string;
}
/** A frame of the node before anything is known of it. */
interface Frame {
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
type TopicReply = {
    topic: string;
    epoch: string;
    offset: number;
    recovered: boolean;
    snapshot?: unknown;
    error?: undefined;
} | {
    topic: string;
    error: Problem | object;
};

/** What names a row within its board. */
declare function rowKey(row: BoardRow): number | string;
/** The contract's order: points falling, then when they were reached (rows that never did come last), then the id. */
declare function compareRows(one: BoardRow, other: BoardRow): number;
/** Sorts rows and gives them standard competition ranks: 1, 2, 2, 4. */
declare function ranked(rows: Iterable<BoardRow>): BoardRow[];
/** The rows of one window. Pure: what it cannot believe it says. */
declare class BoardWindow {
    #private;
    get rows(): readonly BoardRow[];
    get version(): number;
    /** Begins anew. False if the rows contradict the order that they came in. */
    begin(board: Board): boolean;
    /** Applies what changed. False if that cannot follow from what was there: the version has to rise, what leaves has to be
     * there, and the ranks that come with the changed rows have to be those that follow from the order. */
    apply({ version, changes, removed }: MessageData['leaderboard_update']): boolean;
}

/** What carries a command: false if it cannot now. Its answer comes back by `answered` or `refused`. */
type Carry = (command: StoredCommand, ticket: number) => boolean;
/** A command that has its answer; also one of an earlier page, whose promise is gone. */
type Settled = {
    command: StoredCommand;
} & ({
    ack: Ack<unknown>;
} | {
    problem: Problem;
});
/** All commands of a client. Bounded: what is beyond it is refused at once. */
declare class Outbox {
    #private;
    private readonly env;
    private readonly store;
    private readonly backoff;
    private readonly sizeMax;
    private readonly carry;
    private readonly nextId;
    private readonly settled;
    constructor(env: Environment, store: Store, backoff: BackoffOptions, sizeMax: number, carry: Carry, nextId: () => number, settled: (settled: Settled) => void);
    /** Commands without an answer. */
    get size(): number;
    /** Takes a command in. Resolves when it is durable; rejects with a `Problem` when it is refused. */
    add(command: StoredCommand): Promise<Ack<unknown>>;
    opened(): void;
    /** Whether what was under way arrived is not known: it goes out again. */
    lost(): void;
    /** Nothing more will be sent. What is stored stays there for the next time. */
    end(problem: Problem): void;
    /** Whether this id is that of a command under way. */
    has(ticket: unknown): ticket is number;
    answered(ticket: number, answer: {
        status: number;
        data: unknown;
        replayed: boolean;
    }): void;
    refused(ticket: number, problem: Problem): void;
}

/** One thing wrong with one field. */
interface FieldError {
    field: string;
    message: string;
}
/** Codes of failures that this library makes itself; their `status` is 0. */
type LocalCode = 'network_error' | 'unexpected_answer' | 'queue_full' | 'frame_too_large' | 'token_required' | 'token_ended' | 'refused_for_good' | 'storage_failed' | 'handler_failed' | 'closed';
/** A failure. `code` is stable and snake_case; `status` is that of HTTP, or 0 when the node had no say in it. */
declare class Problem extends Error {
    readonly name = "Problem";
    readonly type: string;
    readonly title: string;
    readonly status: number;
    readonly detail: string;
    readonly code: string;
    readonly errors: readonly FieldError[];
    /** When it will be possible (RFC 3339), if the node said so. */
    readonly retryAt: string | undefined;
    /** How long the node asks to wait. */
    readonly retryAfterMs: number | undefined;
    constructor(fields: {
        code: string;
        title: string;
        detail?: string;
        status?: number;
        type?: string;
        errors?: readonly FieldError[];
        retryAt?: string | undefined;
        retryAfterMs?: number | undefined;
        cause?: unknown;
    });
    /** A failure of this side. */
    static local(code: LocalCode, title: string, detail?: string, cause?: unknown): Problem;
    /** Reads a problem of the node. Whatever is no problem (a page of a proxy, say) becomes `unexpected_answer`. */
    static read(value: unknown, status?: number, retryAfterMs?: number): Problem;
    /** Anything thrown, as a problem: a failed `fetch` is `network_error`. */
    static of(thrown: unknown): Problem;
    /** Whether the same request, sent again later, may succeed: limits, load, a lost answer. */
    get isTransient(): boolean;
    /** Transient, and worth repeating for as long as it takes: the node says so itself, or never heard of it. */
    get isLasting(): boolean;
}
/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3). */
declare function readRetryAfter(value: string | null | undefined, nowMs: number): number | undefined;

/** Where to keep what must outlive a reload. */
interface StoreOptions {
    storage: KeyValueStorage;
    /** Whose it is: one person on one screen. Two tabs must not share one (use `sessionStorage`, or a name for each tab). */
    scope: string;
}
/** A command as it is kept. */
interface StoredCommand {
    kind: 'earn' | 'progress';
    fields: Record<string, unknown>;
    key: string;
}
/** Positions by topic, commands by a rising number. A storage that fails is told once for each failure and then left out:
 * the library goes on in memory. */
declare class Store {
    #private;
    constructor(options: StoreOptions | undefined, report: (problem: Problem) => void);
    position(topic: string): Position | undefined;
    keepPosition(topic: string, position: Position | undefined): void;
    /** Commands of an earlier page, in their order, with their numbers. At most `max`. */
    commands(max: number): [number, StoredCommand][];
    /** Keeps a command before it is sent, and gives its number. */
    keepCommand(command: StoredCommand): number;
    /** A command has its answer. */
    dropCommand(number: number): void;
}

/** What to do with a topic. Everything is optional. */
interface TopicHandlers<Name extends string = string> {
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
interface SubscribeOptions {
    /** Go on from here. */
    from?: Position;
    /** Keep the position in the storage and go on from there after a reload. For handlers that keep the state, too: with a
     * good position no snapshot comes. */
    stored?: boolean;
}
/** A topic that somebody wants. */
interface Subscription {
    readonly topic: string;
    /** After the last message that was passed on. */
    readonly position: Position | undefined;
    unsubscribe(): void;
}
/** What topics need from their client. */
interface TopicsOwner {
    /** False when no socket is open. */
    send(frame: object): boolean;
    nextId(): number;
    /** The list changed: a stream has to be opened with the new one. */
    listChanged(): void;
    /** A stream cannot be asked for one topic: it has to begin anew. */
    beginAnew(): void;
    report(problem: Problem): void;
}
/** All topics of a client. */
declare class Topics {
    #private;
    private readonly env;
    private readonly store;
    private readonly backoff;
    private readonly owner;
    constructor(env: Environment, store: Store, backoff: BackoffOptions, owner: TopicsOwner);
    names(): string[];
    subscribe(topic: string, taker: TopicHandlers, options: SubscribeOptions): Subscription;
    /** What is held cannot be right: ask for its snapshot. */
    refresh(topic: string): void;
    /** A way is open. A stream that was resumed goes on where it was. */
    opened(mode: 'socket' | 'stream', isResumed: boolean): void;
    lost(): void;
    /** Takes a frame; false if it is not about topics. */
    take(frame: Frame): boolean;
}

export { Homeroom, type BoardMirror, type HomeroomEvents, type HomeroomOptions, type MirrorHandlers, type BackoffOptions, type State, type StateChange, type Transport, type Environment, type KeyValueStorage, type Network, type SocketConstructor, type SocketLike, type Off, HomeroomHttp, type BoardWish, type HttpAnswer, type Me, type Page, type PageWish, type RequestOptions, type SessionRole, type TokenSource, type Achievement, type Achievements, type Ack, type Action, type Announcement, type Announcements, type Board, type BoardName, type BoardRow, type Earn, type Earned, type Frame, type Honour, type Honours, type LedgerEntry, type MessageData, type MessageType, type Performance, type Period, type Position, type Presence, type PresentPerson, type Progress, type ProgressStep, type SkillMastery, type SnapshotOf, type TeamMember, type Tier, type Time, type Topic, type TopicMessage, type UnitProgress, type Settled, Problem, type FieldError, type LocalCode, type StoredCommand, type StoreOptions, type SubscribeOptions, type Subscription, type TopicHandlers };
