// The text format of Prometheus, as far as the node writes it, and what to read off two readings of it. Pure.

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}
/** All samples by name, with the moment of reading in milliseconds. */
export interface Reading {
  at: number;
  samples: ReadonlyMap<string, readonly Sample[]>;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

export function parse(text: string, at: number): Reading {
  const samples = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const [, name, labels, value] = line.startsWith('#') ? [] : (LINE.exec(line.trim()) ?? []);
    if (name === undefined || value === undefined) continue;
    const sample = { name, labels: labelsOf(labels ?? ''), value: numberOf(value) };
    const alike = samples.get(name);
    if (alike) alike.push(sample);
    else samples.set(name, [sample]);
  }
  return { at, samples };
}

function labelsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(LABEL)].map(([, name, value]) => [name, (value as string).replace(/\\(.)/g, (_, char: string) => ESCAPED[char] ?? char)]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

const numberOf = (text: string): number => Number(text.replace(/^([+-]?)Inf$/, '$1Infinity'));

/** The sum of all samples of a name that have these labels, or undefined if there is none. */
export function total({ samples }: Reading, name: string, labels: Record<string, string> = {}): number | undefined {
  const wanted = Object.entries(labels);
  const found = samples.get(name)?.filter((sample) => wanted.every(([key, value]) => sample.labels[key] === value));
  return found && found.length > 0 ? found.reduce((sum, { value }) => sum + value, 0) : undefined;
}

/** How often a second a counter rose between two readings. One that fell began anew: the node was restarted. */
export function rate(before: Reading, now: Reading, name: string, labels: Record<string, string> = {}): number | undefined {
  const [from, to] = [total(before, name, labels) ?? 0, total(now, name, labels)];
  const seconds = (now.at - before.at) / 1_000;
  if (to === undefined || seconds <= 0) return undefined;
  return (to < from ? to : to - from) / seconds;
}

/** The mean of what a histogram took in between two readings; undefined when it took in nothing. */
export function mean(before: Reading, now: Reading, name: string): number | undefined {
  const [count, sum] = [rate(before, now, `${name}_count`), rate(before, now, `${name}_sum`)];
  return count && sum !== undefined ? sum / count : undefined;
}
