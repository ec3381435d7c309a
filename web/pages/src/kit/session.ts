// Who this browser is to the node: its sessions (cookies that scripts cannot read), and the client of one of them.

import { signal, type Signal } from '@preact/signals';
import { Homeroom, HomeroomHttp, type SessionRole, type StateChange } from 'homeroom-sdk';

/** One session of this browser, as `GET /sessions` tells. */
export interface Session {
  role: SessionRole;
  user: { user_id: number; name: string; alias: string | null } | null;
  teams: number[];
  expires_at: string | null;
}
/** What everybody on the network may know of the class. */
export interface Classroom {
  is_set_up: boolean;
  name: string | null;
  door: 'open' | 'locked';
  leaderboards: 'opt_out' | 'opt_in' | 'off';
}

/** A page's line to the node. */
export interface Room {
  session: Session;
  http: HomeroomHttp;
  live: Homeroom;
  /** How the connection is, for whoever draws it. */
  state: Signal<StateChange>;
}

/** Asks the node without being anybody. */
export async function ask<Data>(method: string, path: string, body?: unknown): Promise<Data> {
  const http = new HomeroomHttp({ url: location.origin });
  return (await http.request<Data>(method, path, body === undefined ? {} : { body })).data;
}

export const sessions = async (): Promise<Session[]> => (await ask<{ sessions: Session[] }>('GET', '/sessions')).sessions;
export const classroom = (): Promise<Classroom> => ask('GET', '/classroom');

/** Uses a key from the address (`#key=…`), so that neither history nor a log keeps it. */
export async function redeemKey(): Promise<Session | undefined> {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key === null) return undefined;
  history.replaceState(null, '', location.pathname);
  return ask<Session>('POST', '/sessions', { key });
}

/** The first session of this browser that has one of these roles; without one the visitor is sent to the front page. */
export async function enter(...roles: SessionRole[]): Promise<Session | undefined> {
  const made = await redeemKey().catch(() => undefined);
  const known = made && roles.includes(made.role) ? [made] : await sessions();
  const session = roles.map((role) => known.find((one) => one.role === role)).find((one) => one !== undefined);
  if (!session) location.replace('/');
  return session;
}

/** Opens the line of a session, and keeps it open. */
export function connect(session: Session): Room {
  // What is not answered yet is sent again after a reload, by the same person in the same tab.
  const store = { storage: sessionStorage, scope: `${session.role} ${session.user?.user_id ?? 0}` };
  const live = new Homeroom({ url: location.origin, session: session.role, store });
  const state = signal<StateChange>({ state: live.state } as StateChange);
  live.on('state', (change) => (state.value = change));
  void live.connect().catch(() => undefined);
  return { session, live, http: live.http, state };
}

export async function signOut(role: SessionRole): Promise<void> {
  await ask('DELETE', `/sessions/${role}`);
  location.assign('/');
}
