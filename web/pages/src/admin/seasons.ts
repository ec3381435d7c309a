// The seasons of a rules document: its `[[seasons]]` blocks are read, added and taken out as text, so that comments and all
// else stay as they are. Pure; the node checks the whole document afterwards.

export interface Season {
  name: string;
  /** The first day, as 2026-09-01. */
  from: string;
  /** The day after the last one. */
  to: string;
}
interface Block extends Season {
  first: number;
  /** The last line that says something. */
  last: number;
}

const HEADER = /^\s*\[\[\s*seasons\s*\]\]\s*(?:#.*)?$/;
const TABLE = /^\s*\[/;
const PAIR = /^\s*(name|from|to)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^#\s]+)/;
const INLINE = /^\s*seasons\s*=/m;

/** Whether seasons are written as a list in one value, which is left to the text. */
export const isInline = (document: string): boolean => INLINE.test(document);

export function seasons(document: string): Season[] {
  return blocks(document.split('\n')).map(({ name, from, to }) => ({ name, from, to }));
}

/** The document with a season more, after the last one or at its end. */
export function withSeason(document: string, { name, from, to }: Season): string {
  const lines = document.split('\n');
  const block = ['[[seasons]]', `name = ${quoted(name)}`, `from = ${from}`, `to = ${to}`];
  const last = blocks(lines).at(-1)?.last;
  if (last !== undefined) return [...lines.slice(0, last + 1), '', ...block, ...lines.slice(last + 1)].join('\n');
  const text = document.trimEnd();
  return `${text}${text && '\n\n'}${block.join('\n')}\n`;
}

/** The document without one of its seasons. */
export function withoutSeason(document: string, index: number): string {
  const lines = document.split('\n');
  const block = blocks(lines)[index];
  if (!block) return document;
  // The empty line after it goes with it.
  const after = lines[block.last + 1]?.trim() === '' ? block.last + 2 : block.last + 1;
  return [...lines.slice(0, block.first), ...lines.slice(after)].join('\n');
}

function blocks(lines: readonly string[]): Block[] {
  const found: Block[] = [];
  let open: Block | undefined;
  lines.forEach((line, at) => {
    if (HEADER.test(line)) {
      open = { name: '', from: '', to: '', first: at, last: at };
      found.push(open);
    } else if (TABLE.test(line)) {
      open = undefined;
    } else if (open) {
      const [, key, value] = PAIR.exec(line) ?? [];
      if (key === undefined || value === undefined) return;
      open[key as keyof Season] = unquoted(value);
      open.last = at;
    }
  });
  return found;
}

/** A basic string of TOML: as JSON writes it, but for DEL. */
const quoted = (text: string): string => JSON.stringify(text).replaceAll('\u007f', '\\u007f');

function unquoted(value: string): string {
  if (value.startsWith("'")) return value.slice(1, -1);
  if (!value.startsWith('"')) return value;
  const asJson = (_: string, code: string): string => JSON.stringify(String.fromCodePoint(Number.parseInt(code, 16))).slice(1, -1);
  try {
    return JSON.parse(value.replace(/\\U([\da-fA-F]{8})/g, asJson)) as string;
  } catch {
    return value.slice(1, -1);
  }
}
