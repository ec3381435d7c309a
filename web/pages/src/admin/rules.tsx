// The rules: the document in force in an editor, checked, previewed, applied; the acts before, and undoing the latest.

import type { HomeroomHttp, Page } from 'homeroom-sdk';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Room } from '../kit/session.js';
import { FormDialog, toast, useRead } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Act, Check, Loaded } from './common.js';
import { dropDraft, keepDraft, keptDraft } from './draft.js';
import { History, type Change } from './history.js';
import { Preview } from './rulespreview.js';
import { SeasonsForm } from './seasonsform.js';
import { originWord, t } from './t.js';

interface InForce {
  version: number;
  name: string;
  origin: string;
  document: string;
  running: Change | null;
}
interface Checked {
  sound: boolean;
  faults: { line: number; field: string; message: string }[];
}
interface Known {
  inForce: InForce;
  history: Change[];
}

const LOOK_EVERY_MS = 2_000;
const HISTORY_SHOWN = 50;

export function RulesTab({ room }: { room: Room }) {
  const { http } = room;
  const read = useRead<Known>(async () => {
    const [inForce, history] = await Promise.all([
      http.get<InForce>('/rules'),
      http.get<Page<Change>>('/rules/history', { limit: HISTORY_SHOWN }),
    ]);
    return { inForce, history: history.items };
  }, []);
  const isRunning = Boolean(read.data?.inForce.running);
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(read.again, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return (
    <Loaded read={read}>
      {({ inForce, history }) => (
        <div class="stack">
          {inForce.running?.act && <p class="note" role="status">{t('rules.running', { n: inForce.running.act.looked_at ?? inForce.running.act.learners })}</p>}
          <Editor key={inForce.version} http={http} inForce={inForce} again={read.again} />
          <History http={http} changes={history} again={read.again} />
        </div>
      )}
    </Loaded>
  );
}

function Editor({ http, inForce, again }: { http: HomeroomHttp; inForce: InForce; again(): void }) {
  const [begun, setBegun] = useState(() => keptDraft()?.version ?? inForce.version);
  const [text, setText] = useState(() => keptDraft()?.text ?? inForce.document);
  const [checked, setChecked] = useState<{ of: string } & Checked>();
  const [previewed, setPreviewed] = useState<string>();
  const [isApplying, setApplying] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const isChanged = text !== inForce.document;
  const check = async (): Promise<boolean> => {
    const { data } = await http.request<Checked>('POST', '/rules/check', { body: { document: text } });
    setChecked({ ...data, of: text });
    return data.sound;
  };
  const preview = async (): Promise<void> => {
    if (await check()) setPreviewed(text);
  };
  const ask = async (): Promise<void> => {
    if (await check()) setApplying(true);
  };
  const apply = async (fields: FormData): Promise<void> => {
    const { status } = await http.request('POST', '/rules/apply', { body: { document: text, revoke: fields.has('revoke') } });
    dropDraft();
    again();
    toast(status === 202 ? t('rules.goesOn') : t('rules.applied'), 'good');
  };
  const change = (next: string): void => {
    // What is begun from nothing but the rules in force is begun from their version.
    const version = isChanged ? begun : inForce.version;
    if (next === inForce.document) dropDraft();
    else keepDraft({ version, text: next });
    setBegun(version);
    setText(next);
    setPreviewed(undefined);
  };
  const revert = (): void => {
    change(inForce.document);
    toast(t('rules.reverted'), 'plain', { label: w('undo'), run: () => change(text) });
  };
  return (
    <>
      <section class="card stack">
        <div class="row">
          <h2 class="grow"><label for={id}>{t('rules.document')}</label></h2>
          {isChanged && <span class="tag tag-warn">{t('rules.notApplied')}</span>}
          <span class="soft">{t('rules.version', { version: inForce.version, origin: originWord(inForce.origin) })}</span>
        </div>
        {isChanged && begun !== inForce.version && <p class="note">{t('rules.begunBefore', { version: begun, now: inForce.version })}</p>}
        <p class="soft">{t('rules.hint')}</p>
        <textarea ref={area} id={id} class="document" dir="ltr" spellcheck={false} rows={20} value={text} onInput={(event) => change(event.currentTarget.value)} />
        {checked?.of === text && <Faults checked={checked} onGo={(line) => area.current && select(area.current, line)} />}
        <div class="row">
          <Act run={check}>{t('rules.check')}</Act>
          <Act run={preview}>{t('rules.preview')}</Act>
          <Act class="primary" run={ask}>{t('rules.apply')}</Act>
          {isChanged && <button class="quiet" onClick={revert}>{t('rules.revert')}</button>}
        </div>
      </section>
      {previewed !== undefined && <Preview key={previewed} http={http} document={previewed} />}
      <SeasonsForm document={text} onChange={change} />
      {isApplying && (
        <FormDialog title={t('rules.apply')} action={t('rules.apply')} danger onSubmit={apply} onClose={() => setApplying(false)}>
          <p>{t('rules.apply.ask')}</p>
          <Check label={t('rules.revoke')} name="revoke" />
        </FormDialog>
      )}
    </>
  );
}

function Faults({ checked: { sound, faults }, onGo }: { checked: Checked; onGo(line: number): void }) {
  if (sound) return <p class="sound" role="status">{t('rules.sound')}</p>;
  return (
    <div class="problem" role="alert">
      <p>{t('rules.faults', { n: faults.length })}</p>
      <ul>
        {faults.map(({ line, field, message }) => (
          <li key={`${line} ${field} ${message}`}>
            <button class="small quiet" onClick={() => onGo(line)}>{t('import.line', { line })}</button> <code dir="ltr">{field}</code> <span lang="en">{message}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Marks a line of a text and brings it into view. */
function select(area: HTMLTextAreaElement, line: number): void {
  const lines = area.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  area.scrollTop = (area.scrollHeight / lines.length) * Math.max(0, line - 3);
}
