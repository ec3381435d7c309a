// What is wrong with the form of the set-up, field by field. Pure; the node has the last word.

export interface Wish {
  name: string;
  teams: string[];
  course: string | null;
  units: string[];
}
export type FieldName = keyof Wish;
/** Why a field cannot be kept; `values` fill its message. */
export interface Fault {
  code: 'empty' | 'long' | 'longLine' | 'many' | 'control';
  values: Record<string, string | number>;
}
export type Faults = Partial<Record<FieldName, Fault>>;

/** What the node keeps: characters of a name or a line, and lines. */
const LIMITS = {
  name: { chars: 200, lines: 1 },
  course: { chars: 200, lines: 1 },
  teams: { chars: 100, lines: 100 },
  units: { chars: 200, lines: 200 },
} as const;

/** What stands in a field of lines, each once. */
export const linesOf = (text: string): string[] => [...new Set(text.split('\n').map((line) => line.trim()).filter(Boolean))];

/** The first fault of each field that has one. */
export function faultsOf({ name, teams, course, units }: Wish): Faults {
  const found: [FieldName, Fault | undefined][] = [
    ['name', name.trim() === '' ? { code: 'empty', values: {} } : inLine('name', name)],
    ['course', inLine('course', course ?? '')],
    ['teams', inLines('teams', teams)],
    ['units', inLines('units', units)],
  ];
  return Object.fromEntries(found.filter(([, fault]) => fault !== undefined)) as Faults;
}

/** The field that a place in a refused request is in (`teams[3]`). */
export function fieldOf(place: string): FieldName | undefined {
  const [name = ''] = place.split('[');
  return Object.hasOwn(LIMITS, name) ? (name as FieldName) : undefined;
}

const isLong = (field: FieldName, line: string): boolean => [...line].length > LIMITS[field].chars;
const hasControl = (line: string): boolean => /\p{Cc}/u.test(line);

function inLine(field: FieldName, line: string): Fault | undefined {
  if (isLong(field, line)) return { code: 'long', values: { max: LIMITS[field].chars } };
  return hasControl(line) ? { code: 'control', values: { text: line } } : undefined;
}

function inLines(field: FieldName, lines: readonly string[]): Fault | undefined {
  if (lines.length > LIMITS[field].lines) return { code: 'many', values: { n: lines.length, max: LIMITS[field].lines } };
  const long = lines.find((line) => isLong(field, line));
  if (long !== undefined) return { code: 'longLine', values: { text: beginning(long), n: [...long].length, max: LIMITS[field].chars } };
  const broken = lines.find(hasControl);
  return broken === undefined ? undefined : { code: 'control', values: { text: beginning(broken) } };
}

const BEGINNING_CHARS = 24;
/** Enough of a line to find it again. */
function beginning(line: string): string {
  const chars = [...line];
  return chars.length > BEGINNING_CHARS ? `${chars.slice(0, BEGINNING_CHARS).join('')}…` : line;
}
