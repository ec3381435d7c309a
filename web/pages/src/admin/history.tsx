// The acts on the rules, newest first; the latest can be undone.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import { number } from '../kit/i18n.js';
import { FormDialog, toast } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Time } from './common.js';
import { originWord, t } from './t.js';

/** A version of the rules that came in force. */
export interface Change {
  version: number;
  origin: string;
  since: string;
  /** What was done about the past. */
  act: {
    kind: 'apply' | 'undo';
    act: number;
    undone?: boolean;
    state: 'running' | 'done';
    learners: number;
    looked_at?: number;
  } | null;
}

export function History({ http, changes, again }: { http: HomeroomHttp; changes: Change[]; again(): void }) {
  const [undoing, setUndoing] = useState<number>();
  const latest = changes.find(({ act }) => act?.kind === 'apply' && !act.undone);
  const undo = async (): Promise<void> => {
    const { status } = await http.request('POST', '/rules/undo', { body: { act: undoing } });
    again();
    toast(status === 202 ? t('rules.goesOn') : t('rules.undone'), 'good');
  };
  return (
    <section class="card stack">
      <h2>{t('rules.history')}</h2>
      {changes.length === 0 && <p class="soft">{w('nothing')}</p>}
      {changes.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">{t('history.version')}</th>
                <th scope="col">{t('history.since')}</th>
                <th scope="col">{t('history.origin')}</th>
                <th scope="col">{t('history.act')}</th>
                <th scope="col" class="number">{t('history.learners')}</th>
                <th scope="col"><span class="hidden">{t('actions')}</span></th>
              </tr>
            </thead>
            <tbody>
              {changes.map((change) => (
                <tr key={change.version}>
                  <td class="number">{number(change.version)}</td>
                  <td><Time at={change.since} /></td>
                  <td>{originWord(change.origin)}</td>
                  <td><ActWord change={change} /></td>
                  <td class="number">{change.act && number(change.act.learners)}</td>
                  <td>{change === latest && <button class="small" onClick={() => setUndoing(change.act?.act)}>{w('undo')}</button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {undoing !== undefined && (
        <FormDialog title={t('rules.undo')} action={t('rules.undo')} danger onSubmit={undo} onClose={() => setUndoing(undefined)}>
          <p>{t('rules.undo.ask', { version: undoing })}</p>
        </FormDialog>
      )}
    </section>
  );
}

function ActWord({ change: { act } }: { change: Change }) {
  if (!act) return <span class="soft">{t('history.newOnly')}</span>;
  return (
    <>
      {t(`history.${act.kind}`, { version: act.act })}{' '}
      {act.undone && <span class="tag tag-warn">{t('history.wasUndone')}</span>}{' '}
      {act.state === 'running' && <span class="tag">{t('history.running')}</span>}
    </>
  );
}
