// The one request of an import, made of planned rows: new people, teams and courses get ids that are free. Pure.

import { changesPerson, joinsTeam, named, type Known, type PlannedRow } from './plan.js';
import { folded, type PersonRole } from './school.js';

/** The body of `POST /import`. */
export interface ImportBody {
  users: { id: number; name: string; alias?: string; role?: PersonRole; create?: true }[];
  teams: { id: number; name: string; create: true }[];
  qualifications: { id: number; name: string; create: true }[];
  team_members: { team_id: number; user_id: number }[];
  enrolments: { qualification_id: number; user_id: number }[];
}
/** What the node made of it. */
export interface ImportCounts extends Record<keyof ImportBody, number> {
  skipped_erased: number[];
}
export interface Order {
  body: ImportBody;
  /** For each row of a list in the body, the line of the file that it comes from. */
  lines: Record<keyof ImportBody, number[]>;
}

const ID_MAX = Number.MAX_SAFE_INTEGER;
/** Rows that one import may have in all. */
export const ORDER_MAX = 50_000;

/** What to send for rows without faults. `skip` leaves out so many free ids: those of erased people look free and are not. */
export function order(rows: readonly PlannedRow[], known: Known, skip = 0): Order {
  const body: ImportBody = { users: [], teams: [], qualifications: [], team_members: [], enrolments: [] };
  const lines: Order['lines'] = { users: [], teams: [], qualifications: [], team_members: [], enrolments: [] };
  const add = <List extends keyof ImportBody>(list: List, line: number, entry: ImportBody[List][number]): void => {
    (body[list] as (typeof entry)[]).push(entry);
    lines[list].push(line);
  };
  const given = rows.flatMap(({ id }) => id ?? []);
  const userIds = freeIds([...known.people.map(({ id }) => id), ...given], skip);
  const teams = named(known.teams);
  const places = {
    teams: new Placed(named(known.teams), freeIds(known.teams.map(({ id }) => id))),
    qualifications: new Placed(named(known.courses), freeIds(known.courses.map(({ id }) => id))),
  };
  const place = (list: 'teams' | 'qualifications', name: string, line: number): number => {
    const { id, isNew } = places[list].of(name);
    if (isNew) add(list, line, { id, name, create: true });
    return id;
  };
  const written = new Set<number>();
  for (const row of rows) {
    const { line, name, alias, role, team, course, before, status } = row;
    if (status === 'error' || status === 'unchanged') continue;
    const id = row.id ?? next(userIds);
    if (!written.has(id) && (!before || changesPerson(row, before))) {
      written.add(id);
      const isOurs = row.id === undefined;
      add('users', line, { id, name, ...(alias !== undefined && { alias }), ...(role && { role }), ...(isOurs && { create: true }) });
    }
    if (team !== undefined && (!before || joinsTeam(row, known, teams))) add('team_members', line, { team_id: place('teams', team, line), user_id: id });
    if (course !== undefined) add('enrolments', line, { qualification_id: place('qualifications', course, line), user_id: id });
  }
  return { body, lines };
}

export const sizeOf = (body: ImportBody): number => Object.values(body).reduce((sum, list) => sum + list.length, 0);

/** The line of the file that a field of a refused import is about (`users[3].name`). */
export function lineOf(field: string, { lines }: Order): number | undefined {
  const [, list, at] = /^(\w+)\[(\d+)\]/.exec(field) ?? [];
  return list !== undefined && Object.hasOwn(lines, list) ? lines[list as keyof ImportBody][Number(at)] : undefined;
}

/** Names that stand for something there, or for something new: the same name always for the same. */
class Placed {
  readonly #known: ReadonlyMap<string, { id: number }[]>;
  readonly #free: Iterator<number>;
  readonly #made = new Map<string, number>();

  constructor(known: ReadonlyMap<string, { id: number }[]>, free: Iterator<number>) {
    this.#known = known;
    this.#free = free;
  }

  of(name: string): { id: number; isNew: boolean } {
    const key = folded(name);
    const there = this.#known.get(key)?.[0]?.id ?? this.#made.get(key);
    if (there !== undefined) return { id: there, isNew: false };
    const id = next(this.#free);
    this.#made.set(key, id);
    return { id, isNew: true };
  }
}

/** Ids that nothing here has: above the highest, or in the gaps when there is no room above. */
export function* freeIds(taken: readonly number[], skip = 0): Generator<number, never> {
  const used = new Set(taken);
  const highest = taken.reduce((most, id) => Math.max(most, id), 0);
  for (let id = highest + 1 + skip; ; id += 1) {
    if (id > ID_MAX) id = 1 + skip;
    while (used.has(id)) id += 1;
    yield id;
  }
}

const next = (ids: Iterator<number>): number => ids.next().value as number;
