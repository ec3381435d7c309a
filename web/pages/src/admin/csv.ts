// Tables as CSV (RFC 4180): read from what spreadsheets write, and written so that no spreadsheet takes a name for a formula. Pure.

export type Separator = ',' | ';' | '\t';

/** One row with the line of the file at which it begins: quoted cells can span lines. */
export interface CsvRow {
  line: number;
  cells: string[];
}

/** A quote that is never closed: everything after it would be one cell. */
export class OpenQuote extends Error {
  constructor(readonly line: number) {
    super(`A quote in line ${line} is not closed.`);
  }
}

/** The text of a file: UTF-8, else what spreadsheets on Windows write. A byte order mark is left out. */
export function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** What stands between the cells: the most frequent candidate in the first line, outside quotes. */
export function separatorOf(text: string): Separator {
  const counts: Record<Separator, number> = { ',': 0, ';': 0, '\t': 0 };
  let isQuoted = false;
  for (const char of text) {
    if (char === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (char === '\n' || char === '\r') break;
    else if (char in counts) counts[char as Separator] += 1;
  }
  const candidates = Object.keys(counts) as Separator[];
  return candidates.reduce((best, next) => (counts[next] > counts[best] ? next : best));
}

/** All rows with something in them. Throws `OpenQuote`. */
export function parse(source: string, separator?: Separator): CsvRow[] {
  const text = source.replace(/^\uFEFF/, '');
  const between = separator ?? separatorOf(text);
  const rows: CsvRow[] = [];
  let line = 1;
  let row: CsvRow = { line, cells: [] };
  let cell = '';
  let quotedSince: number | undefined;
  const endCell = (): void => {
    row.cells.push(cell);
    cell = '';
  };
  const endRow = (): void => {
    endCell();
    if (row.cells.some((one) => one.trim() !== '')) rows.push(row);
    row = { line, cells: [] };
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    const isLineEnd = char === '\n' || (char === '\r' && text[at + 1] !== '\n');
    if (isLineEnd) line += 1;
    if (quotedSince !== undefined) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quotedSince = undefined;
    } else if (char === '"' && cell.trim() === '') {
      quotedSince = line;
      cell = '';
    } else if (char === between) endCell();
    else if (isLineEnd) endRow();
    else if (char !== '\r') cell += char;
  }
  if (quotedSince !== undefined) throw new OpenQuote(quotedSince);
  endRow();
  return rows;
}

const FORMULA = /^[=+\-@\t\r]/;
const DEFUSED = /^'(?=[=+\-@\t\r])/;

/** Text that a spreadsheet shows and does not compute. */
export const defused = (cell: string): string => (FORMULA.test(cell) ? `'${cell}` : cell);
/** What was there before `defused`. */
export const fused = (cell: string): string => cell.replace(DEFUSED, '');

/** Rows as a file. The byte order mark tells spreadsheets that it is UTF-8. */
export function format(rows: readonly (readonly (string | number)[])[]): string {
  const written = (cell: string | number): string => {
    const text = typeof cell === 'number' ? String(cell) : defused(cell);
    return /[",;\t\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `\uFEFF${rows.map((cells) => cells.map(written).join(',')).join('\r\n')}\r\n`;
}
