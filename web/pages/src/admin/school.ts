// Roster and catalogue as the node lists them, and reading all of it.

import type { HomeroomHttp, Page } from 'homeroom-sdk';
import { all } from '../kit/people.js';

export const PERSON_ROLES = ['student', 'mentor', 'staff'] as const;
export type PersonRole = (typeof PERSON_ROLES)[number];

export interface Person {
  id: number;
  name: string;
  alias: string | null;
  role: PersonRole;
  archived_at: string | null;
}
export interface Team {
  id: number;
  name: string;
  mentor_id: number | null;
  archived_at: string | null;
}
export interface Course {
  id: number;
  name: string;
  archived_at: string | null;
}
export interface Unit {
  id: number;
  title: string;
  qualification_id: number | null;
  skills: string[];
  archived_at: string | null;
}

/** Everybody, the archived among them, and who is in which team. */
export interface School {
  people: Person[];
  teams: Team[];
  /** The teams of each person who is in one. */
  teamsOf: ReadonlyMap<number, number[]>;
}

const LISTED_MAX = 200_000;
const READS_AT_ONCE = 6;

/** All of a list; with `archived`, what was archived as well. */
export function listed<Item>(http: HomeroomHttp, path: string, query: { archived?: boolean } = {}): Promise<Item[]> {
  return all<Item>((cursor) => http.get<Page<Item>>(path, { limit: 1_000, ...query, cursor }), LISTED_MAX);
}

export const people = (http: HomeroomHttp, archived = false): Promise<Person[]> => listed(http, '/users', { archived });

export async function readSchool(http: HomeroomHttp): Promise<School> {
  const [persons, teams] = await Promise.all([people(http, true), listed<Team>(http, '/teams', { archived: true })]);
  const teamsOf = new Map<number, number[]>();
  await inParallel(teams.filter(isPresent), READS_AT_ONCE, async ({ id }) => {
    const { members } = await http.get<{ members: { user_id: number }[] }>(`/teams/${id}`);
    for (const { user_id } of members) teamsOf.set(user_id, [...(teamsOf.get(user_id) ?? []), id]);
  });
  return { people: persons, teams, teamsOf };
}

export const isPresent = ({ archived_at }: { archived_at: string | null }): boolean => archived_at === null;

/** Does one thing with each of many, so many at once. Ends with the first failure. */
export async function inParallel<Item>(items: readonly Item[], width: number, work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** A name as it is compared: case and spaces make no difference. */
export const folded = (name: string): string => name.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();

/** Whether a person is meant by what somebody typed: part of the name or alias, or the id. */
export function isFound({ id, name, alias }: Person, typed: string): boolean {
  const sought = folded(typed);
  return folded(name).includes(sought) || folded(alias ?? '').includes(sought) || String(id) === sought.replace(/^#/, '');
}

export const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name, undefined, { numeric: true });
