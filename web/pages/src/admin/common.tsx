// Small parts that all tabs use: reading and waiting, buttons that do something, lists piece by piece, secrets.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { moment } from '../kit/i18n.js';
import { Problem, Select, toast, toastProblem } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { t } from './t.js';

/** What `useRead` gives. */
export interface Read<Data> {
  data: Data | undefined;
  thrown: unknown;
  again(): void;
}

/** What was read; before, that it is being read, or why it cannot be. */
export function Loaded<Data>({ read, children }: { read: Read<Data>; children: (data: Data) => ComponentChildren }) {
  return (
    <>
      {read.thrown !== undefined && (
        <div class="stack">
          <Problem thrown={read.thrown} />
          <p><button onClick={read.again}>{w('line.retry')}</button></p>
        </div>
      )}
      {read.data !== undefined ? children(read.data) : read.thrown === undefined && <p class="soft" role="status">{w('loading')}</p>}
    </>
  );
}

/** Does something and tells how it went. */
export async function attempt(work: () => Promise<unknown>, done?: string): Promise<void> {
  try {
    await work();
    if (done !== undefined) toast(done, 'good');
  } catch (thrown) {
    toastProblem(thrown);
  }
}

/** A button that does one thing at a time. */
export function Act({ run, done, children, ...rest }: {
  run(): Promise<unknown>;
  done?: string;
  children: ComponentChildren;
  [attribute: string]: unknown;
}) {
  const [isBusy, setBusy] = useState(false);
  const click = async (): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    await attempt(run, done);
    setBusy(false);
  };
  return <button type="button" aria-disabled={isBusy} onClick={() => void click()} {...rest}>{children}</button>;
}

const PORTION = 100;

/** The beginning of a long list, and what shows more of it. `inputs` that change begin anew. */
export function usePortion<Item>(items: readonly Item[], ...inputs: unknown[]): [readonly Item[], ComponentChildren] {
  const mark = JSON.stringify(inputs);
  const [{ size, of }, setShown] = useState({ size: PORTION, of: mark });
  const shown = of === mark ? size : PORTION;
  const more = shown < items.length && (
    <p class="row">
      <button onClick={() => setShown({ size: shown + PORTION, of: mark })}>{w('more')}</button>
      <span class="soft">{t('shownOf', { shown, all: items.length })}</span>
    </p>
  );
  return [items.slice(0, shown), more];
}

export function Search({ label, value, onChange }: { label: string; value: string; onChange(value: string): void }) {
  return (
    <div class="field search">
      <label>
        <span>{label}</span>
        <input
          type="search"
          dir="auto"
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => { if (event.key === 'Enter') event.preventDefault(); }}
        />
      </label>
    </div>
  );
}

/** A choice in a form, with what is chosen at first: selects have no `defaultValue` in Preact. */
export function Choice({ initial, ...select }: { label: string; name: string; initial: string; options: readonly (readonly [string, string])[] }) {
  const [value, setValue] = useState(initial);
  return <Select value={value} onChange={setValue} {...select} />;
}

export function Check({ label, ...input }: { label: string; [attribute: string]: unknown }) {
  return <label class="check"><input type="checkbox" {...input} /><span dir="auto">{label}</span></label>;
}

/** Something that is shown once, to be copied or written down. */
export function Secret({ text, isBig }: { text: string; isBig?: boolean }) {
  const copy = async (): Promise<void> => attempt(() => navigator.clipboard.writeText(text), w('copied'));
  return (
    <p class="row">
      <code class={isBig ? 'code' : ''} dir="ltr">{text}</code>
      {navigator.clipboard && <button type="button" class="small" onClick={() => void copy()}>{w('copy')}</button>}
    </p>
  );
}

export function Time({ at }: { at: string }) {
  return <time dateTime={at}>{moment(at)}</time>;
}
