// Words in the viewer's language: messages from JSON files, numbers and times by the browser's own rules (ECMA-402).

import { signal } from '@preact/signals';

export type Language = 'en' | 'de';
/** A text with `{name}` places, or one text for each plural form that `n` can have (CLDR). */
export type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Values = Record<string, string | number>;

export const LANGUAGES: Readonly<Record<Language, string>> = { en: 'English', de: 'Deutsch' };
const STORED = 'homeroom.language';

/** The language of the page. Everything that reads it is drawn anew when it changes. */
export const language = signal<Language>(wanted());

language.subscribe((now) => {
  document.documentElement.lang = now;
  document.documentElement.dir = direction(now);
});

function wanted(): Language {
  const named = [localStorage.getItem(STORED), ...navigator.languages].map((name) => name?.slice(0, 2));
  return (named.find((name) => name !== undefined && name in LANGUAGES) as Language | undefined) ?? 'en';
}

/** The language with the viewer's region, if the browser speaks it too: `en-GB` writes dates in another way than `en-US`. */
function locale(): string {
  return navigator.languages.find((name) => name.startsWith(language.value)) ?? language.value;
}

/** The direction of a script. No language of ours is written from the right yet; layouts use logical sides throughout. */
export function direction(of: string): 'ltr' | 'rtl' {
  return ['ar', 'fa', 'he', 'ur'].includes(of) ? 'rtl' : 'ltr';
}

export function choose(next: Language): void {
  localStorage.setItem(STORED, next);
  language.value = next;
}

/** Translates by the files of one part of the pages. Both have the same keys: the compiler sees to it. */
export function translator<File extends Record<string, Message>>(files: Record<Language, File>) {
  return (key: keyof File, values: Values = {}): string => fill(files[language.value][key] as Message, values);
}

/** The text for a key that comes from the node, or undefined if there is none for it. */
export function looker(files: Record<Language, Record<string, Message>>) {
  return (key: string, values: Values = {}): string | undefined => {
    const message = Object.hasOwn(files[language.value], key) ? files[language.value][key] : undefined;
    return message === undefined ? undefined : fill(message, values);
  };
}

function fill(message: Message, values: Values): string {
  const text = typeof message === 'string' ? message : (message[plural(Number(values['n'] ?? 0))] ?? message.other ?? '');
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    return value === undefined ? place : typeof value === 'number' ? number(value) : value;
  });
}

function plural(n: number): Intl.LDMLPluralRule {
  return new Intl.PluralRules(locale()).select(n);
}

/** Making one costs more than a whole row of a board. One for each locale and number of digits. */
const numbers = new Map<string, Intl.NumberFormat>();

export function number(value: number, digits = 0): string {
  const key = `${locale()} ${digits}`;
  let format = numbers.get(key);
  if (!format) numbers.set(key, (format = new Intl.NumberFormat(locale(), { maximumFractionDigits: digits })));
  return format.format(value);
}

/** A number with its sign, on the side of it where the language has it. */
export function signed(value: number): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: 0, signDisplay: 'exceptZero' }).format(value);
}

/** A share of 100 in whole percent; never 100 before it is. */
export function percent(value: number): string {
  const whole = value >= 100 ? 100 : Math.min(99, Math.round(value));
  return new Intl.NumberFormat(locale(), { style: 'percent' }).format(whole / 100);
}

/** A moment in the viewer's zone. */
export function moment(iso: string, style: 'short' | 'medium' = 'short'): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: style, timeStyle: 'short' }).format(new Date(iso));
}

/** A moment in the viewer's zone: within today the time alone. */
export function near(iso: string, now = new Date()): string {
  const isToday = new Date(iso).toDateString() === now.toDateString();
  return isToday ? new Intl.DateTimeFormat(locale(), { timeStyle: 'short' }).format(new Date(iso)) : moment(iso);
}

export function day(iso: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium' }).format(new Date(iso));
}

/** A moment on an axis: the hour within some days, else the day. */
export function tick(ms: number, isShort: boolean): string {
  const style = isShort ? ({ hour: 'numeric', minute: '2-digit' } as const) : ({ day: 'numeric', month: 'numeric' } as const);
  return new Intl.DateTimeFormat(locale(), style).format(ms);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];

/** How long ago, in the largest unit that fits. */
export function ago(iso: string, now = Date.now()): string {
  const seconds = Math.min(0, (new Date(iso).getTime() - now) / 1_000);
  const [unit, size] = STEPS.find(([, size]) => -seconds >= size) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(Math.ceil(seconds / size), unit);
}

export function bytes(count: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const options = { style: 'unit', unit: units[power] as string, unitDisplay: 'short', maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(locale(), options).format(count / 1_000 ** power);
}
