// A clock that only moves when told, sockets that say what the test says, and a node that answers by a few rules.

import type { Environment, KeyValueStorage, SocketLike } from '../src/environment.js';

/** A page's world: nothing happens by itself. */
export class World implements Environment {
  time = 0;
  /** What `random` gives. */
  luck = 0.5;
  isOnline = true;
  sockets: FakeSocket[] = [];
  /** What was asked by HTTP. */
  asked: { method: string; path: string; headers: Headers; body: unknown }[] = [];
  /** How HTTP answers. Tickets by default. */
  answer: (path: string, method: string) => Response | Promise<Response> = () => json(201, { ticket: `t${this.asked.length}` });
  #timers: { at: number; run: () => void }[] = [];
  #networkListeners = new Set<() => void>();

  readonly WebSocket = ((world: World) =>
    class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        world.sockets.push(this);
      }
    })(this);

  fetch = async (input: string, init: RequestInit = {}): Promise<Response> => {
    const { pathname, search } = new URL(input);
    const method = init.method ?? 'GET';
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
    this.asked.push({ method, path: pathname + search, headers: new Headers(init.headers), body });
    return this.answer(pathname, method);
  };
  now = (): number => this.time;
  setTimeout = (run: () => void, ms: number): unknown => {
    const timer = { at: this.time + ms, run };
    this.#timers.push(timer);
    return timer;
  };
  clearTimeout = (timer: unknown): void => {
    this.#timers = this.#timers.filter((other) => other !== timer);
  };
  random = (): number => this.luck;
  network = {
    isOnline: (): boolean => this.isOnline,
    onChange: (listener: () => void) => {
      this.#networkListeners.add(listener);
      return () => void this.#networkListeners.delete(listener);
    },
  };

  setOnline(isOnline: boolean): void {
    this.isOnline = isOnline;
    for (const listener of this.#networkListeners) listener();
  }
  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (!last) throw new Error('no socket was made');
    return last;
  }
  /** Lets everything run that waits for nothing but its turn. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
  }
  /** Moves the clock, timer by timer. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      await this.settle();
      const due = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.clearTimeout(due);
      this.time = Math.max(this.time, due.at);
      due.run();
    }
    this.time = until;
    await this.settle();
  }
  /** The next socket opens. */
  async opens(): Promise<FakeSocket> {
    await this.settle();
    this.socket.onopen?.({});
    await this.settle();
    return this.socket;
  }
}

export class FakeSocket implements SocketLike {
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onclose: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  sent: any[] = [];
  isClosed = false;
  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.isClosed = true;
  }
  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  breaks(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason });
  }
  /** The last frame of a type that was sent here. */
  last(type: string): any {
    return this.sent.filter((frame) => frame.type === type).at(-1);
  }
  /** Answers the last `subscribe`. */
  holds(...topics: object[]): void {
    this.says({ type: 'subscribed', id: this.last('subscribe').id, topics });
  }
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });
}

export class MemoryStorage implements KeyValueStorage {
  readonly kept = new Map<string, string>();
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
}
