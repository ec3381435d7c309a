// What the library takes from where it runs. All of it can be given instead: an older Node's WebSocket, a test's clock.

import type { Off } from './events.js';

/** The part of a WebSocket that is used. That of browsers and of Node fit. */
export interface SocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** Makes sockets. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** The part of `localStorage` that is used; synchronous, so that nothing is sent before it is kept. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Whether there is a network at all. */
export interface Network {
  isOnline(): boolean;
  /** Calls on every change, and when the page comes to the front again (`isOnline` is then as before). */
  onChange(listener: () => void): Off;
}

/** Clock, randomness and connections. */
export interface Environment {
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

const always: Network = { isOnline: () => true, onChange: () => () => undefined };

function pageNetwork(): Network {
  const page = globalThis as { addEventListener?: unknown; navigator?: { onLine?: boolean }; document?: Document };
  if (typeof page.addEventListener !== 'function' || typeof page.navigator?.onLine !== 'boolean') return always;
  return {
    isOnline: () => page.navigator?.onLine !== false,
    onChange(listener) {
      globalThis.addEventListener('online', listener);
      globalThis.addEventListener('offline', listener);
      page.document?.addEventListener('visibilitychange', listener);
      return () => {
        globalThis.removeEventListener('online', listener);
        globalThis.removeEventListener('offline', listener);
        page.document?.removeEventListener('visibilitychange', listener);
      };
    },
  };
}

/** Where we are, with what was given in its place. */
export function environment(given: Partial<Environment> = {}): Environment {
  return {
    WebSocket: (globalThis as { WebSocket?: SocketConstructor }).WebSocket,
    // A method of the global object: it must not be called on another one.
    fetch: (input, init) => globalThis.fetch(input, init),
    now: () => globalThis.performance.now(),
    setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer as ReturnType<typeof setTimeout>),
    random: Math.random,
    network: pageNetwork(),
    ...given,
  };
}

/** A new idempotency key: 128 random bits. `randomUUID` is missing on pages without TLS, as schools' networks have them. */
export function newKey(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
