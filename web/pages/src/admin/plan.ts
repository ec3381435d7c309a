// What a file of people comes to: each row against the roster, with everything that is wrong with it. Pure.

import { fused, type CsvRow } from './csv.js';
import { folded, type Course, type Person, type PersonRole, type School, type Team } from './school.js';

export type Column = 'name' | 'first' | 'last' | 'alias' | 'team' | 'role' | 'id' | 'course';

/** Why a row cannot be imported; `values` fill its message. */
export interface Fault {
  code:
    | 'emptyName' | 'longName' | 'longAlias' | 'longTeam' | 'longCourse' | 'control' | 'unknownRole' | 'badId'
    | 'twiceInFile' | 'otherRole' | 'contradiction' | 'ambiguousName' | 'ambiguousTeam' | 'ambiguousCourse';
  values: Record<string, string | number>;
}
export type Status = 'new' | 'changed' | 'unchanged' | 'error';

/** What a row says; undefined is what it leaves open. */
export interface Wanted {
  id: number | undefined;
  name: string;
  alias: string | undefined;
  role: PersonRole | undefined;
  team: string | undefined;
  course: string | undefined;
}
export interface PlannedRow extends Wanted {
  line: number;
  status: Status;
  faults: Fault[];
  /** Whom it is about, if they are on the roster. */
  before: Person | undefined;
}
export interface Plan {
  rows: PlannedRow[];
  /** Columns that mean nothing here. */
  ignored: string[];
  /** Without a column of names there is nothing to plan. */
  hasNames: boolean;
}
/** What a file is compared with. */
export interface Known extends School {
  courses: Course[];
}

const NAME_MAX = 200;
const TEAM_MAX = 100;

const COLUMNS: Readonly<Record<string, Column>> = {
  name: 'name', 'full name': 'name', 'vollständiger name': 'name',
  // Lists of schools often have the two in columns of their own.
  'first name': 'first', 'given name': 'first', vorname: 'first', rufname: 'first',
  'last name': 'last', 'family name': 'last', surname: 'last', nachname: 'last', familienname: 'last',
  alias: 'alias', nickname: 'alias', spitzname: 'alias',
  team: 'team', class: 'team', group: 'team', klasse: 'team', gruppe: 'team',
  role: 'role', rolle: 'role',
  id: 'id', nummer: 'id', number: 'id',
  course: 'course', kurs: 'course',
};
/** Any of these says who somebody is. */
const NAMES = ['name', 'first', 'last'] as const;
const ROLES: Readonly<Record<string, PersonRole>> = {
  student: 'student', learner: 'student', schüler: 'student', schülerin: 'student', 'schüler/in': 'student', lernende: 'student', lernender: 'student',
  mentor: 'mentor', mentorin: 'mentor', teacher: 'mentor', lehrer: 'mentor', lehrerin: 'mentor', lehrkraft: 'mentor',
  staff: 'staff', personal: 'staff', mitarbeiter: 'staff', mitarbeiterin: 'staff',
};

/** Plans the import of a table whose first row names its columns. */
export function plan(table: readonly CsvRow[], known: Known): Plan {
  const header = (table[0]?.cells ?? []).map((cell) => cell.trim());
  const columns = header.map((cell) => COLUMNS[folded(cell)]);
  const ignored = header.filter((cell, at) => cell !== '' && columns[at] === undefined);
  if (!NAMES.some((column) => columns.includes(column))) return { rows: [], ignored, hasNames: false };
  const read = table.slice(1).map(({ line, cells }) => {
    const cell = (column: Column): string => fused((cells[columns.indexOf(column)] ?? '').trim()).trim();
    return readRow(line, (column) => (column === 'name' ? cell('name') || `${cell('first')} ${cell('last')}`.trim() : cell(column)));
  });
  return { rows: withStatus(read, known), ignored, hasNames: true };
}

interface ReadRow extends Wanted {
  line: number;
  faults: Fault[];
}

/** A row for itself. */
function readRow(line: number, cell: (column: Column) => string): ReadRow {
  const faults: Fault[] = [];
  const fault = (code: Fault['code'], values: Fault['values'] = {}): void => void faults.push({ code, values });
  const text = (column: Column, max: number, tooLong: Fault['code']): string | undefined => {
    const value = cell(column);
    if ([...value].length > max) fault(tooLong, { max });
    if (/\p{Cc}/u.test(value)) fault('control', { column });
    return value === '' ? undefined : value;
  };
  const name = text('name', NAME_MAX, 'longName');
  if (name === undefined) fault('emptyName');
  const [id, role] = [cell('id'), cell('role')];
  if (id !== '' && !isId(id)) fault('badId', { id });
  if (role !== '' && !Object.hasOwn(ROLES, folded(role))) fault('unknownRole', { role });
  return {
    line,
    faults,
    id: isId(id) ? Number(id) : undefined,
    name: name ?? '',
    alias: text('alias', NAME_MAX, 'longAlias'),
    role: ROLES[folded(role)],
    team: text('team', TEAM_MAX, 'longTeam'),
    course: text('course', NAME_MAX, 'longCourse'),
  };
}

const isId = (text: string): boolean => /^[1-9]\d*$/.test(text) && Number.isSafeInteger(Number(text));

/** Rows among each other and against the roster. */
function withStatus(rows: readonly ReadRow[], known: Known): PlannedRow[] {
  const byId = new Map(known.people.map((person) => [person.id, person]));
  const present = named(known.people);
  const teams = named(known.teams);
  const courses = named(known.courses);
  const firstById = new Map<number, ReadRow>();
  const firstByName = new Map<string, ReadRow>();
  const byNameWithId = new Map<string, ReadRow>();
  for (const row of rows.toReversed()) {
    if (row.id !== undefined) firstById.set(row.id, row);
    if (row.name === '') continue;
    firstByName.set(folded(row.name), row);
    if (row.id !== undefined) byNameWithId.set(folded(row.name), row);
  }
  return rows.map((row) => {
    const faults = [...row.faults];
    const alike = row.id === undefined ? (present.get(folded(row.name)) ?? []) : [];
    // Without an id the name says who it is, as at the door: a list that is imported again is about the same people.
    const before = row.id === undefined ? alike[0] : byId.get(row.id);
    if (row.id === undefined) {
      const twin = byNameWithId.get(folded(row.name)) ?? firstByName.get(folded(row.name));
      const other = before && firstById.get(before.id);
      if (twin && twin !== row) faults.push({ code: 'twiceInFile', values: { line: twin.line } });
      else if (other) faults.push({ code: 'contradiction', values: { line: other.line, id: String(other.id) } });
      if (alike.length > 1) faults.push({ code: 'ambiguousName', values: { ids: alike.map(({ id }) => id).join(', ') } });
      // A student who is called as a teacher is hardly the teacher.
      else if (before && row.role !== undefined && row.role !== before.role) faults.push({ code: 'otherRole', values: { id: String(before.id) } });
    } else {
      const first = firstById.get(row.id) as ReadRow;
      if (contradicts(first, row)) faults.push({ code: 'contradiction', values: { line: first.line, id: String(row.id) } });
    }
    if (row.team !== undefined && (teams.get(folded(row.team))?.length ?? 0) > 1) faults.push({ code: 'ambiguousTeam', values: { team: row.team } });
    if (row.course !== undefined && (courses.get(folded(row.course))?.length ?? 0) > 1) faults.push({ code: 'ambiguousCourse', values: { course: row.course } });
    const found = { ...row, id: row.id ?? before?.id };
    return { ...found, faults, before, status: faults.length > 0 ? 'error' : statusOf(found, before, known, teams) };
  });
}

/** Whether two rows of one id say different things of the person. A further team or course is none. */
function contradicts(first: ReadRow, row: ReadRow): boolean {
  const differs = (key: 'alias' | 'role'): boolean => row[key] !== undefined && row[key] !== first[key];
  return row.name !== first.name || differs('alias') || differs('role');
}

function statusOf(row: Wanted, before: Person | undefined, known: School, teams: ReadonlyMap<string, Team[]>): Status {
  if (!before) return 'new';
  // Who is enrolled is not listed, so that a course may be news.
  return changesPerson(row, before) || joinsTeam(row, known, teams) || row.course !== undefined ? 'changed' : 'unchanged';
}

/** Whether a row changes what the roster says of a person. */
export function changesPerson(row: Wanted, before: Person): boolean {
  const differs = (key: 'alias' | 'role'): boolean => row[key] !== undefined && row[key] !== before[key];
  return row.name !== before.name || differs('alias') || differs('role') || before.archived_at !== null;
}

/** Whether a row brings a known person into a team. */
export function joinsTeam({ id, team }: Wanted, { teamsOf }: School, teams: ReadonlyMap<string, Team[]>): boolean {
  if (team === undefined) return false;
  const there = teams.get(folded(team))?.[0];
  return !there || id === undefined || !teamsOf.get(id)?.includes(there.id);
}

/** What is in use, by how its name is compared. */
export function named<Item extends { name: string; archived_at: string | null }>(items: readonly Item[]): Map<string, Item[]> {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    if (item.archived_at !== null) continue;
    const alike = found.get(folded(item.name));
    if (alike) alike.push(item);
    else found.set(folded(item.name), [item]);
  }
  return found;
}
