// What a student's page knows, kept up to date by the topics of the student: signals that the parts of the page read.

import { batch, computed, signal, type Signal } from '@preact/signals';
import type { Achievements, Announcement, Performance, Progress, TopicMessage } from 'homeroom-sdk';
import { list, type Qualification, type Unit } from '../kit/catalogue.js';
import { changesMore, foldLearner, foldTeam, type Learner } from '../kit/people.js';
import type { Room } from '../kit/session.js';

/** One line of `progress`: a unit that counts, and how far. */
export interface UnitLine extends Unit {
  percent: number;
  completed_at: string | null;
}

/** How long to wait for further messages before what only the node can tell is read anew. */
const READ_AFTER_MS = 300;

export class Me {
  readonly id: number;
  readonly learner: Signal<Learner | undefined> = signal(undefined);
  readonly team: Signal<Performance | undefined> = signal(undefined);
  readonly announcements: Signal<readonly Announcement[]> = signal([]);
  readonly units: Signal<readonly Unit[]> = signal([]);
  readonly qualifications: Signal<readonly Qualification[]> = signal([]);
  /** Rises with every entry of the ledger: lists that show it are read anew. */
  readonly ledgerTurn = signal(0);
  /** Commands that the node has not answered yet. */
  readonly waiting = signal(0);

  /** Units that count for this student, by course: with enrolments those of their courses, else all. */
  readonly lines = computed<readonly UnitLine[]>(() => {
    const progress = this.learner.value?.progress;
    const enrolled = new Set(progress?.qualifications.map((one) => one.qualification_id));
    const touched = new Map(progress?.units.map((unit) => [unit.unit_id, unit]));
    const counts = (unit: Unit): boolean =>
      enrolled.size === 0 || touched.has(unit.id) || (unit.qualification_id !== null && enrolled.has(unit.qualification_id));
    return this.units.value.filter(counts).map((unit) => {
      const made = touched.get(unit.id);
      return { ...unit, percent: made?.progress_percentage ?? 0, completed_at: made?.completed_at ?? null };
    });
  });

  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #heard: ((message: TopicMessage) => void)[] = [];

  constructor(readonly room: Room) {
    this.id = room.session.user?.user_id ?? 0;
    const { live } = room;
    live.subscribe(`user:${this.id}`, {
      snapshot: (snapshot) => batch(() => {
        this.learner.value = snapshot;
        this.ledgerTurn.value += 1;
      }),
      message: (message) => this.#take(message),
    });
    live.subscribe('announcements', this.#announcing());
    live.on('settled', () => (this.waiting.value = live.waiting));
    const [team] = room.session.teams;
    if (team !== undefined) {
      live.subscribe(`team:${team}`, {
        snapshot: (performance) => (this.team.value = performance),
        message: (message) => (this.team.value = this.team.value && foldTeam(this.team.value, message)),
      });
      live.subscribe(`announcements:team:${team}`, this.#announcing());
    }
    void this.#readCatalogue();
  }

  /** Calls back with every message about this student, and with announcements. */
  onMessage(heard: (message: TopicMessage) => void): void {
    this.#heard.push(heard);
  }

  unitTitle(unit_id: number | null): string | undefined {
    return this.units.value.find((unit) => unit.id === unit_id)?.title;
  }

  /** Reports progress; it is sent when there is a connection, and once. */
  async report(unit_id: number, progress_percentage: number): Promise<void> {
    await this.#sent(this.room.live.progress({ user_id: this.id, unit_id, progress_percentage }));
  }

  /** Reports that a unit was read. Resolves with the points, or why there were none. */
  async read(unit_id: number): Promise<void> {
    await this.#sent(this.room.live.earn({ user_id: this.id, action_type: 'read_content', reference_id: unit_id }));
  }

  async #sent(answer: Promise<unknown>): Promise<void> {
    this.waiting.value = this.room.live.waiting;
    try {
      await answer;
    } finally {
      this.waiting.value = this.room.live.waiting;
    }
  }

  #take(message: TopicMessage): void {
    const before = this.learner.value;
    if (!before) return;
    batch(() => {
      this.learner.value = foldLearner(before, message);
      if (message.type.startsWith('points')) this.ledgerTurn.value += 1;
    });
    for (const heard of this.#heard) heard(message);
    if (changesMore(message)) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#readAnew().catch(() => undefined), READ_AFTER_MS);
    }
  }

  /** Skills, criteria and shares follow from the messages, but by rules that the node has. */
  async #readAnew(): Promise<void> {
    const { http } = this.room;
    const [progress, achievements] = await Promise.all([
      http.get<Progress>(`/progress/${this.id}`),
      http.get<Achievements>(`/achievements/${this.id}`),
    ]);
    const known = this.learner.value;
    // An answer from before the latest message would take something back.
    if (known && progress.version >= known.progress.version) this.learner.value = { progress, achievements };
  }

  async #readCatalogue(): Promise<void> {
    const { http } = this.room;
    const [units, qualifications] = await Promise.all([list<Unit>(http, '/units'), list<Qualification>(http, '/qualifications')]);
    batch(() => {
      this.units.value = units;
      this.qualifications.value = qualifications;
    });
  }

  #announcing() {
    const put = (list: readonly Announcement[]): void => {
      const known = new Map([...this.announcements.value, ...list].map((one) => [one.announcement_id, one]));
      this.announcements.value = [...known.values()].sort((one, other) => other.announcement_id - one.announcement_id).slice(0, 20);
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
