// What a student's page knows, kept up to date by the topics of the student: signals that the parts of the page read.

import { batch, computed, signal, type Signal } from '@preact/signals';
import { Problem, type Achievements, type Ack, type Announcement, type Earned, type Performance, type Progress, type Subscription, type TopicMessage } from 'homeroom-sdk';
import { list, type Qualification, type Unit } from '../kit/catalogue.js';
import { changesMore, foldLearner, foldTeam, type Learner } from '../kit/people.js';
import { oneAtATime, settle, whenStale } from '../kit/refresh.js';
import type { Room } from '../kit/session.js';

/** One line of `progress`: a unit that counts, and how far. */
export interface UnitLine extends Unit {
  percent: number;
  completed_at: string | null;
}

/** How long to wait for further messages before what only the node can tell is read anew. */
const READ_AFTER_MS = 300;
/** How long to wait before a catalogue that could not be read is asked for again. */
const RETRY_MS = 5_000;
const ANNOUNCEMENTS_MAX = 20;

export class Me {
  readonly id: number;
  readonly learner: Signal<Learner | undefined> = signal(undefined);
  /** The teams that the student is in. */
  readonly teamIds: Signal<readonly number[]> = signal([]);
  /** Of these teams, as far as their state has come. */
  readonly teams: Signal<readonly Performance[]> = signal([]);
  readonly announcements: Signal<readonly Announcement[]> = signal([]);
  /** Undefined until it is read. */
  readonly units: Signal<readonly Unit[] | undefined> = signal(undefined);
  readonly qualifications: Signal<readonly Qualification[]> = signal([]);
  /** Rises with every entry of the ledger: lists that show it are read anew. */
  readonly ledgerTurn = signal(0);
  /** Commands that the node has not answered yet. */
  readonly waiting = signal(0);

  /** Units that count for this student, by course: with enrolments those of their courses, else all. */
  readonly lines = computed<readonly UnitLine[] | undefined>(() => {
    const progress = this.learner.value?.progress;
    const enrolled = new Set(progress?.qualifications.map((one) => one.qualification_id));
    const touched = new Map(progress?.units.map((unit) => [unit.unit_id, unit]));
    const counts = (unit: Unit): boolean =>
      enrolled.size === 0 || touched.has(unit.id) || (unit.qualification_id !== null && enrolled.has(unit.qualification_id));
    return this.units.value?.filter(counts).map((unit) => {
      const made = touched.get(unit.id);
      return { ...unit, percent: made?.progress_percentage ?? 0, completed_at: made?.completed_at ?? null };
    });
  });

  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Rises with every change that is heard of: an answer that was asked for before it may be older. */
  #turn = 0;
  readonly #heard: ((message: TopicMessage) => void)[] = [];
  readonly #followed = new Map<number, Subscription[]>();
  /** Reads what no message tells. */
  readonly #refresh = oneAtATime(() => this.#readAround());

  constructor(readonly room: Room) {
    this.id = room.session.user?.user_id ?? 0;
    const { live } = room;
    live.subscribe(`user:${this.id}`, {
      snapshot: (snapshot) => batch(() => {
        this.#turn += 1;
        this.#show(snapshot);
        this.ledgerTurn.value += 1;
      }),
      message: (message) => this.#take(message),
      // What was to be read when the connection was lost is read now.
      recovered: () => this.#readSoon(true),
    });
    live.subscribe('announcements', this.#announcing());
    live.on('settled', () => (this.waiting.value = live.waiting));
    this.#follow(room.session.teams);
    whenStale(room, () => void this.#refresh());
    void this.#refresh();
  }

  /** Calls back with every message about this student, and with announcements. */
  onMessage(heard: (message: TopicMessage) => void): void {
    this.#heard.push(heard);
  }

  unitTitle(unit_id: number | null): string | undefined {
    return this.units.value?.find((unit) => unit.id === unit_id)?.title;
  }

  /** Reports progress; it is sent when there is a connection, and once. */
  async report(unit_id: number, progress_percentage: number): Promise<void> {
    await this.#sent(this.room.live.progress({ user_id: this.id, unit_id, progress_percentage }));
  }

  /** Reports that a unit was read. Resolves with the points, or why there were none. */
  async read(unit_id: number): Promise<Ack<Earned>> {
    return this.#sent(this.room.live.earn({ user_id: this.id, action_type: 'read_content', reference_id: unit_id }));
  }

  async #sent<Answer>(answer: Promise<Answer>): Promise<Answer> {
    this.waiting.value = this.room.live.waiting;
    try {
      return await answer;
    } finally {
      this.waiting.value = this.room.live.waiting;
    }
  }

  #take(message: TopicMessage): void {
    const before = this.learner.value;
    if (!before) return;
    this.learner.value = foldLearner(before, message);
    for (const heard of this.#heard) heard(message);
    // A unit that was made after this page was opened has no name here yet.
    if (message.type === 'progress_update' && this.unitTitle(message.data.unit_id) === undefined) void this.#refresh();
    this.#readSoon(changesMore(message));
  }

  /** Reads anew when nothing more has come for a while: the ledger, and if `isStale` what only the node can tell. */
  #readSoon(isStale: boolean): void {
    if (isStale) this.#turn += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.ledgerTurn.value += 1;
      // A read that fails with the connection is made up for when it is back.
      void this.#readAnew().catch(() => undefined);
    }, READ_AFTER_MS);
  }

  /** Skills, criteria and shares follow from the messages, but by rules that the node has. */
  async #readAnew(): Promise<void> {
    const { http } = this.room;
    const turn = this.#turn;
    const [progress, achievements] = await Promise.all([
      http.get<Progress>(`/progress/${this.id}`),
      http.get<Achievements>(`/achievements/${this.id}`),
    ]);
    const known = this.learner.value;
    // An answer from before the latest message would take something back; after that message another read comes.
    const isLatest = turn === this.#turn && known !== undefined
      && progress.version >= known.progress.version && achievements.version >= known.achievements.version;
    if (isLatest) this.#show({ progress, achievements });
  }

  /** Shows what the node told of the student as a whole; where other units count than before, the catalogue is another, too. */
  #show(learner: Learner): void {
    const counted = ({ progress }: Learner): string =>
      JSON.stringify([progress.units_total, progress.qualifications.map((one) => [one.qualification_id, one.units_total])]);
    const before = this.learner.peek();
    this.learner.value = learner;
    if (before && counted(before) !== counted(learner)) void this.#refresh();
  }

  /** The catalogue, and in which teams the student is. */
  async #readAround(): Promise<void> {
    const { http } = this.room;
    try {
      const [units, qualifications, { teams }] = await Promise.all([
        list<Unit>(http, '/units'), list<Qualification>(http, '/qualifications'), http.me(),
      ]);
      const before = this.units.peek();
      batch(() => {
        settle(this.units, units);
        settle(this.qualifications, qualifications);
        this.#follow(teams ?? []);
      });
      // How much is done of how much follows from the catalogue, by rules that the node has.
      if (before && before !== this.units.peek()) this.#readSoon(true);
    } catch (thrown) {
      if (this.units.peek() === undefined && Problem.of(thrown).isTransient) setTimeout(() => void this.#refresh(), RETRY_MS);
    }
  }

  /** Follows these teams, and no others any more. */
  #follow(ids: readonly number[]): void {
    const { live } = this.room;
    settle(this.teamIds, [...ids]);
    for (const [id, subscriptions] of this.#followed) {
      if (ids.includes(id)) continue;
      subscriptions.forEach((one) => one.unsubscribe());
      this.#followed.delete(id);
      this.teams.value = this.teams.value.filter((team) => team.team_id !== id);
      this.announcements.value = this.announcements.value.filter(({ team_id }) => team_id !== id);
    }
    for (const id of ids) {
      if (this.#followed.has(id)) continue;
      this.#followed.set(id, [
        live.subscribe(`team:${id}`, this.#teaming(id)),
        live.subscribe(`announcements:team:${id}`, this.#announcing()),
      ]);
    }
  }

  #teaming(team_id: number) {
    const put = (team: Performance): void => {
      const others = this.teams.value.filter((one) => one.team_id !== team_id);
      this.teams.value = [...others, team].sort((one, other) => one.team_id - other.team_id);
    };
    return {
      snapshot: put,
      message: (message: TopicMessage) => {
        const known = this.teams.value.find((team) => team.team_id === team_id);
        if (known) put(foldTeam(known, message));
      },
      // Somebody who is out of a team is mostly in another.
      ended: () => {
        this.#follow(this.teamIds.peek().filter((id) => id !== team_id));
        void this.#refresh();
      },
    };
  }

  #announcing() {
    const put = (list: readonly Announcement[]): void => {
      const known = new Map([...this.announcements.value, ...list].map((one) => [one.announcement_id, one]));
      this.announcements.value = [...known.values()].sort((one, other) => other.announcement_id - one.announcement_id).slice(0, ANNOUNCEMENTS_MAX);
    };
    return {
      snapshot: ({ announcements }: { announcements: Announcement[] }) => put(announcements),
      message: (message: TopicMessage) => {
        if (message.type !== 'announcement') return;
        put([message.data]);
        for (const heard of this.#heard) heard(message);
      },
    };
  }
}
