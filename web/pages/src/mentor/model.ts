// What the mentor's page knows: teams and catalogue, and the chosen class kept live. One signal a learner, so that a message
// draws one row of the grid and no other.

import { batch, signal, type Signal } from '@preact/signals';
import type { Performance, Progress, Achievements, Subscription } from 'homeroom-sdk';
import { list, type Qualification, type Team, type Unit, type User } from '../kit/catalogue.js';
import { language } from '../kit/i18n.js';
import { changesMore, foldLearner, foldTeam, type Learner } from '../kit/people.js';
import { oneAtATime, settle, whenStale } from '../kit/refresh.js';
import type { Room } from '../kit/session.js';

/** Learners with a live topic each: a session has at most 256 topics, and some are for the team. */
export const LIVE_MAX = 200;
/** How long to wait for further messages before what only the node can tell is read anew. */
const READ_AFTER_MS = 400;
const STORED = 'homeroom.team';

export interface Person {
  id: number;
  name: string;
}

/** Teams and catalogue, and which team is looked at. */
export class School {
  readonly teams: Signal<readonly Team[]> = signal([]);
  readonly units: Signal<readonly Unit[]> = signal([]);
  readonly qualifications: Signal<readonly Qualification[]> = signal([]);
  /** The class that is looked at. */
  readonly now: Signal<LiveClass | undefined> = signal(undefined);

  readonly #refresh = oneAtATime(() => this.#read());

  constructor(readonly room: Room) {}

  get isAdmin(): boolean {
    return this.room.session.role === 'admin';
  }

  /** Reads everything, and from then on whatever may be another. */
  async begin(): Promise<void> {
    await this.#read();
    // Without an answer what is known stays.
    whenStale(this.room, () => void this.#refresh().catch(() => undefined));
  }

  async #read(): Promise<void> {
    const { http } = this.room;
    const [teams, units, qualifications, me] = await Promise.all([
      list<Team>(http, '/teams'), list<Unit>(http, '/units'), list<Qualification>(http, '/qualifications'), http.me(),
      this.now.peek()?.refresh(),
    ]);
    const own = this.isAdmin ? teams : teams.filter(({ id }) => me.teams?.includes(id));
    batch(() => {
      settle(this.teams, own);
      settle(this.units, units);
      settle(this.qualifications, qualifications);
      this.#keepChoice(own);
    });
  }

  /** Stays with the class that is looked at while there is one; else the one of last time, or the first. */
  #keepChoice(own: readonly Team[]): void {
    const now = this.now.peek();
    if (now && (now.id === null || own.some(({ id }) => id === now.id))) return;
    const stored = Number(localStorage.getItem(STORED));
    const first = own.find(({ id }) => id === stored) ?? (this.isAdmin ? undefined : own[0]);
    if (first || this.isAdmin) return this.choose(first?.id ?? null);
    now?.close();
    this.now.value = undefined;
  }

  /** Looks at another team; null is everybody, for admins. */
  choose(team: number | null): void {
    localStorage.setItem(STORED, String(team ?? 0));
    this.now.value?.close();
    this.now.value = new LiveClass(this.room, team, () => void this.#refresh().catch(() => undefined));
  }

  unit(id: number | null | undefined): string | undefined {
    return this.units.value.find((unit) => unit.id === id)?.title;
  }
  qualification(id: number | null | undefined): string | undefined {
    return this.qualifications.value.find((one) => one.id === id)?.name;
  }
}

/** The members of one team, or everybody, live. */
export class LiveClass {
  readonly people: Signal<readonly Person[] | undefined> = signal(undefined);
  readonly team: Signal<Performance | undefined> = signal(undefined);
  readonly present: Signal<ReadonlySet<number>> = signal(new Set<number>());
  /** Rises whenever something happened to somebody: what is derived from all is read anew. */
  readonly turn = signal(0);
  readonly #learners = new Map<number, Signal<Learner | undefined>>();
  readonly #followed = new Map<number, Subscription>();
  readonly #others: Subscription[] = [];
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  /** Changes heard of, by learner: an answer that was asked for before one may be older. */
  readonly #turns = new Map<number, number>();
  #isOpen = true;

  /** `onLost` is called when the team may not be looked at any more. */
  constructor(readonly room: Room, readonly id: number | null, onLost: () => void) {
    if (id === null) void this.#readEverybody().catch(() => undefined);
    else this.#followTeam(id, onLost);
  }

  /** Who is in the class: of a team its topic tells, of everybody nothing does. */
  async refresh(): Promise<void> {
    if (this.id === null) await this.#readEverybody();
  }

  learner(id: number): Signal<Learner | undefined> {
    let known = this.#learners.get(id);
    if (!known) this.#learners.set(id, (known = signal(undefined)));
    return known;
  }

  name(id: number): string {
    return this.people.value?.find((person) => person.id === id)?.name ?? `#${id}`;
  }

  close(): void {
    this.#isOpen = false;
    for (const subscription of [...this.#others, ...this.#followed.values()]) subscription.unsubscribe();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #readEverybody(): Promise<void> {
    const users = await list<User>(this.room.http, '/users');
    if (!this.#isOpen) return;
    this.#show(users.filter(({ role }) => role === 'student').map(({ id, name }) => ({ id, name })));
  }

  #followTeam(id: number, onLost: () => void): void {
    const { live } = this.room;
    const show = (performance: Performance): void => {
      this.team.value = performance;
      this.#show(performance.members?.map(({ user_id, name }) => ({ id: user_id, name })) ?? []);
    };
    this.#others.push(
      live.subscribe(`team:${id}`, {
        snapshot: show,
        message: (message) => { if (this.team.value) show(foldTeam(this.team.value, message)); },
        ended: onLost,
      }),
      live.subscribe(`presence:${id}`, {
        snapshot: ({ present }) => (this.present.value = new Set(present.map(({ user_id }) => user_id))),
        message: (message) => {
          if (message.type !== 'presence_update') return;
          const present = new Set(this.present.value);
          for (const { user_id } of message.data.joined) present.add(user_id);
          for (const user_id of message.data.left) present.delete(user_id);
          this.present.value = present;
        },
      }),
    );
  }

  #show(people: readonly Person[]): void {
    const sorted = [...people].sort((one, other) => one.name.localeCompare(other.name, language.value, { numeric: true }));
    settle(this.people, sorted);
    const wanted = new Set(sorted.slice(0, LIVE_MAX).map(({ id }) => id));
    for (const [id, subscription] of this.#followed) {
      if (wanted.has(id)) continue;
      subscription.unsubscribe();
      this.#followed.delete(id);
    }
    for (const id of wanted) if (!this.#followed.has(id)) this.#followed.set(id, this.#follow(id));
  }

  #follow(id: number): Subscription {
    const learner = this.learner(id);
    return this.room.live.subscribe(`user:${id}`, {
      snapshot: (snapshot) => (learner.value = snapshot),
      message: (message) => {
        if (learner.value) learner.value = foldLearner(learner.value, message);
        this.turn.value += 1;
        if (changesMore(message)) this.#readSoon(id);
      },
      // What was to be read when the connection was lost is read now.
      recovered: () => this.#readSoon(id),
    });
  }

  /** Skills, criteria and shares follow from the messages, but by rules that the node has. */
  #readSoon(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#turns.set(id, this.#turn(id) + 1);
    this.#timers.set(id, setTimeout(() => void this.#readAnew(id).catch(() => undefined), READ_AFTER_MS));
  }

  #turn(id: number): number {
    return this.#turns.get(id) ?? 0;
  }

  async #readAnew(id: number): Promise<void> {
    const { http } = this.room;
    const turn = this.#turn(id);
    const [progress, achievements] = await Promise.all([
      http.get<Progress>(`/progress/${id}`), http.get<Achievements>(`/achievements/${id}`),
    ]);
    const learner = this.learner(id);
    // An answer from before the latest message would take something back; after that message another read comes.
    if (learner.value && turn === this.#turn(id)) learner.value = { progress, achievements };
  }
}
