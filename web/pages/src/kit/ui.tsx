// The parts that pages are made of: the frame around a page, the connection, toasts, dialogs, tabs, bars, fields.

import { signal } from '@preact/signals';
import { render, type ComponentChildren, type VNode } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { LANGUAGES, choose, language, percent, type Language } from './i18n.js';
import { signOut, type Room } from './session.js';
import { problemWord, w } from './words.js';
import './kit.css';

// --- Starting a page ---

/** Draws a page into the document, or says why it cannot. */
export async function start(page: () => Promise<VNode | undefined>): Promise<void> {
  setTheme(theme());
  const app = document.getElementById('app') as HTMLElement;
  try {
    const drawn = await page();
    if (drawn) render(drawn, app);
  } catch (thrown) {
    render(<main class="narrow"><Problem thrown={thrown} /><p><a class="button" href="">{w('line.retry')}</a></p></main>, app);
  }
}

export function useTitle(...parts: (string | null | undefined)[]): void {
  const title = [...parts.filter(Boolean), 'Homeroom'].join(' · ');
  useEffect(() => void (document.title = title), [title]);
}

// --- The frame ---

type Theme = 'auto' | 'light' | 'dark';
const THEME = 'homeroom.theme';
const theme = (): Theme => (localStorage.getItem(THEME) as Theme | null) ?? 'auto';
function setTheme(next: Theme): void {
  localStorage.setItem(THEME, next);
  document.documentElement.dataset['theme'] = next;
}

/** What is around every page: name of the class, connection, display settings, signing out. */
export function Frame({ title, room, children, links }: {
  title: string;
  room?: Room;
  links?: ComponentChildren;
  children: ComponentChildren;
}) {
  useTitle(title);
  const main = useRef<HTMLElement>(null);
  // The address says which part is shown, so the link may not change it.
  const skip = (event: Event): void => {
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>{w('app.skip')}</a>
      <header class="top">
        <strong class="top-title"><bdi>{title}</bdi></strong>
        {links}
        <span class="grow" />
        {room && <Line room={room} />}
        <Display room={room} />
      </header>
      {room && <Lost room={room} />}
      <main ref={main} id="content" tabIndex={-1}>{children}</main>
      <Toasts />
    </>
  );
}

/** Whether the page is live, in one word; for screen readers only when it changes. */
export function Line({ room }: { room: Room }) {
  const { state, problem } = room.state.value;
  const isOver = state === 'closed' && problem !== undefined;
  const word = state === 'open' ? w('line.open') : isOver ? w('line.over') : w('line.connecting');
  return <span class={`line line-${state}`} role="status" data-state={state}><span class="dot" aria-hidden="true" />{word}</span>;
}

function Lost({ room }: { room: Room }) {
  const { state, problem } = room.state.value;
  const [isLong, setLong] = useState(false);
  const isLost = state !== 'open';
  useEffect(() => {
    // A blink of the network is no news.
    const timer = setTimeout(() => setLong(isLost), isLost ? 1_500 : 0);
    return () => clearTimeout(timer);
  }, [isLost]);
  if (state === 'closed' && problem) {
    return (
      <div class="banner banner-bad" role="alert">
        {w('line.closed', { why: problemWord(problem) })} <a class="button small" href="/">{w('dialog.ok')}</a>
      </div>
    );
  }
  return isLost && isLong ? <div class="banner" role="status">{w('line.waiting')}</div> : null;
}

function Display({ room }: { room: Room | undefined }) {
  const [now, setNow] = useState(theme());
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => closeFromOutside(menu.current as HTMLDetailsElement), []);
  return (
    <details class="menu" ref={menu}>
      <summary aria-label={w('app.settings')}><span aria-hidden="true">☰</span></summary>
      <div class="menu-body card">
        <Select label={w('app.language')} value={language.value} options={LANGUAGES} onChange={(next) => choose(next as Language)} />
        <Select
          label={w('app.theme')}
          value={now}
          options={{ auto: w('app.theme.auto'), light: w('app.theme.light'), dark: w('app.theme.dark') }}
          onChange={(next) => { setTheme(next as Theme); setNow(next as Theme); }}
        />
        {room && <button onClick={() => void signOut(room.session.role)}>{w('app.signOut')}</button>}
      </div>
    </details>
  );
}

/** Closes a menu by Escape, which gives the focus back to what opened it, and by whatever is pressed elsewhere. */
function closeFromOutside(menu: HTMLDetailsElement): () => void {
  const pressed = (event: PointerEvent): void => {
    if (!menu.contains(event.target as Node)) menu.open = false;
  };
  const typed = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !menu.open) return;
    menu.open = false;
    menu.querySelector('summary')?.focus();
  };
  addEventListener('pointerdown', pressed);
  addEventListener('keydown', typed);
  return () => {
    removeEventListener('pointerdown', pressed);
    removeEventListener('keydown', typed);
  };
}

// --- Toasts ---

interface Toast {
  id: number;
  text: string;
  tone: 'good' | 'plain' | 'bad';
  act?: { label: string; run(): void } | undefined;
}

const TOASTS_MAX = 4;
const TOAST_MS = 6_000;
const toasts = signal<readonly Toast[]>([]);
let lastToast = 0;

/** Tells something for some seconds; read out politely. At most four at once: the oldest goes. */
export function toast(text: string, tone: Toast['tone'] = 'plain', act?: Toast['act']): void {
  const id = (lastToast += 1);
  toasts.value = [...toasts.value, { id, text, tone, act }].slice(-TOASTS_MAX);
  setTimeout(() => dismiss(id), act ? 2 * TOAST_MS : TOAST_MS);
}
/** Tells that something failed, and why. */
export const toastProblem = (thrown: unknown): void => toast(problemWord(thrown), 'bad');

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="log" aria-live="polite">
      {toasts.value.map(({ id, text, tone, act }) => (
        <div key={id} class={`toast toast-${tone}`}>
          <span dir="auto">{text}</span>
          {act && <button class="small" onClick={() => { dismiss(id); act.run(); }}>{act.label}</button>}
          <button class="quiet small" aria-label={w('dialog.close')} onClick={() => dismiss(id)}>×</button>
        </div>
      ))}
    </div>
  );
}

// --- Dialogs ---

/** A modal dialog: the browser keeps focus inside, Escape closes, focus goes back to where it was. */
export function Dialog({ title, onClose, wide, children }: {
  title: string;
  onClose(): void;
  wide?: boolean;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    // The browser gives the focus back when a dialog is closed, not when it is taken away.
    return () => void (before instanceof HTMLElement && before.focus());
  }, []);
  return (
    <dialog ref={dialog} class={wide ? 'wide' : ''} aria-labelledby={heading} onClose={onClose}>
      <div class="row">
        <h2 id={heading} class="grow">{title}</h2>
        <button type="button" class="quiet" aria-label={w('dialog.close')} onClick={() => dialog.current?.close()}>×</button>
      </div>
      {children}
    </dialog>
  );
}

/** A form in a dialog: shows what was wrong and stays open until it worked. */
export function FormDialog({ title, action, danger, onSubmit, onClose, children }: {
  title: string;
  action: string;
  danger?: boolean;
  /** Gets the fields; a rejection is shown. */
  onSubmit(fields: FormData): Promise<void>;
  onClose(): void;
  children: ComponentChildren;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <Form action={action} danger={danger} onSubmit={async (fields) => { await onSubmit(fields); onClose(); }} onCancel={onClose}>
        {children}
      </Form>
    </Dialog>
  );
}

/** A form that is sent once at a time and shows problems where they belong. */
export function Form({ action, danger, onSubmit, onCancel, children }: {
  action: string;
  danger?: boolean | undefined;
  onSubmit(fields: FormData): Promise<void>;
  onCancel?: () => void;
  children: ComponentChildren;
}) {
  const [isBusy, setBusy] = useState(false);
  const [thrown, setThrown] = useState<unknown>();
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setThrown(undefined);
    await onSubmit(new FormData(event.currentTarget as HTMLFormElement)).catch(setThrown);
    setBusy(false);
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)} onInput={() => setThrown(undefined)}>
      {children}
      {thrown !== undefined && <Problem thrown={thrown} />}
      <div class="row end">
        {onCancel && <button type="button" class="quiet" onClick={onCancel}>{w('dialog.cancel')}</button>}
        <button class={danger ? 'danger' : 'primary'} aria-disabled={isBusy}>{action}</button>
      </div>
    </form>
  );
}

/** Why something failed, with the fields that were wrong. */
export function Problem({ thrown }: { thrown: unknown }) {
  const errors = (thrown as { errors?: { field: string; message: string }[] }).errors ?? [];
  return (
    <div class="problem" role="alert">
      <p>{problemWord(thrown)}</p>
      {errors.length > 0 && <ul>{errors.slice(0, 20).map(({ field, message }) => <li key={field + message}><b>{field}</b> {message}</li>)}</ul>}
    </div>
  );
}

// --- Fields ---

/** An input with its label and a hint. */
export function Field({ label, hint, ...input }: { label: string; hint?: string; [attribute: string]: unknown }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} aria-describedby={hint ? `${id}-hint` : undefined} {...input} />
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

export function Area({ label, hint, ...input }: { label: string; hint?: string; [attribute: string]: unknown }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea id={id} aria-describedby={hint ? `${id}-hint` : undefined} {...input} />
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

/** A choice out of few, by value and text. */
export function Select({ label, options, onChange, ...rest }: {
  label: string;
  options: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  onChange?(value: string): void;
  [attribute: string]: unknown;
}) {
  const id = useId();
  const list = Array.isArray(options) ? options : Object.entries(options);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} onChange={(event) => onChange?.(event.currentTarget.value)} {...rest}>
        {list.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </div>
  );
}

/** Choices with a sentence each. */
export function Radios({ legend, name, options, value }: {
  legend: string;
  name: string;
  options: readonly { value: string; label: string; hint?: string }[];
  value: string;
}) {
  return (
    <fieldset class="stack">
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option.value} class="choice">
          <input type="radio" name={name} value={option.value} defaultChecked={option.value === value} />
          <span><b>{option.label}</b>{option.hint && <small>{option.hint}</small>}</span>
        </label>
      ))}
    </fieldset>
  );
}

// --- Showing ---

/** A share of 100 as a bar with its number. */
export function Bar({ label, value, text }: { label: string; value: number; text?: string }) {
  const whole = Math.max(0, Math.min(100, value));
  return (
    <div class="bar" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(whole)} aria-valuetext={text ?? percent(whole)}>
      <span class="bar-fill" style={{ inlineSize: `${whole}%` }} />
      <span class="bar-text" aria-hidden="true">{text ?? percent(whole)}</span>
    </div>
  );
}

/** A name of a person or a team: text, whatever it holds, and apart from the direction of what is around it. */
export function Name({ children }: { children: string }) {
  return <bdi class="name">{children}</bdi>;
}

/** Parts of a page, one shown at a time; the address knows which, and of what it is (`#teams`, `#learner/7`). */
export function useTab<Key extends string>(keys: readonly Key[]): [now: Key, go: (key: Key) => void, of: string | undefined] {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  const [name, of] = hash.slice(1).split('/');
  return [keys.find((key) => key === name) ?? (keys[0] as Key), (key) => void (location.hash = key), of];
}

export function Tabs<Key extends string>({ now, tabs, label }: { now: Key; tabs: Readonly<Record<Key, string>>; label: string }) {
  const nav = useRef<HTMLElement>(null);
  // On a phone they are wider than the screen.
  useEffect(() => nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }), [now]);
  return (
    <nav ref={nav} class="tabs" aria-label={label}>
      {Object.entries<string>(tabs).map(([key, text]) => (
        <a key={key} href={`#${key}`} aria-current={key === now ? 'page' : undefined}>{text}</a>
      ))}
    </nav>
  );
}

/** Gives the page something to keep as a file. */
export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Reads something once and again when `again` is called or `inputs` change; keeps what it has meanwhile. */
export function useRead<Data>(read: () => Promise<Data>, inputs: readonly unknown[]): { data: Data | undefined; thrown: unknown; again(): void } {
  const [data, setData] = useState<Data>();
  const [thrown, setThrown] = useState<unknown>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isWanted = true;
    read().then(
      (now) => { if (isWanted) { setData(now); setThrown(undefined); } },
      (why: unknown) => { if (isWanted) setThrown(why); },
    );
    return () => void (isWanted = false);
  }, [...inputs, turn]);
  return { data, thrown, again: () => setTurn((before) => before + 1) };
}
