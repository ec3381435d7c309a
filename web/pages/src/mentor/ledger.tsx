// A learner's ledger: entry by entry in words, with taking back and giving back.

import type { HomeroomHttp, LedgerEntry } from 'homeroom-sdk';
import { useEffect, useState } from 'preact/hooks';
import { moment, number, signed } from '../kit/i18n.js';
import { all } from '../kit/people.js';
import { Problem, toastProblem } from '../kit/ui.js';
import { ledgerWord, w } from '../kit/words.js';
import { ReverseDialog, reinstate } from './award.js';
import type { LiveClass, School } from './model.js';
import { t } from './words.js';

const PAGE = 50;
const PAGE_MAX = 1_000;

/** The total at a past moment: the sum of what had happened by then. */
export async function totalAt(http: HomeroomHttp, id: number, at: number): Promise<number> {
  const entries = await all<LedgerEntry>((cursor) => http.points(id, { limit: PAGE_MAX, ...(cursor === undefined ? {} : { cursor }) }), 100_000);
  const then = entries.filter(({ occurred_at }) => Date.parse(occurred_at) <= at);
  return Math.max(0, then.reduce((sum, { points }) => sum + points, 0));
}

export function Ledger({ school, live, id, at }: { school: School; live: LiveClass; id: number; at: number | undefined }) {
  const { http } = school.room;
  const [entries, setEntries] = useState<readonly LedgerEntry[]>();
  const [next, setNext] = useState<string | null>(null);
  const [thrown, setThrown] = useState<unknown>();
  const [reversing, setReversing] = useState<number>();
  const [turn, setTurn] = useState(0);
  const version = live.learner(id).value?.progress.version;
  const total = live.learner(id).value?.progress.points.total;
  useEffect(() => {
    let isWanted = true;
    http.points(id, { limit: PAGE }).then(
      (page) => {
        if (!isWanted) return;
        setEntries(page.items);
        setNext(page.next_cursor);
      },
      (why: unknown) => { if (isWanted) setThrown(why); },
    );
    return () => void (isWanted = false);
  }, [id, turn, version, total]);
  const more = async (cursor: string): Promise<void> => {
    const page = await http.points(id, { limit: PAGE, cursor });
    setEntries([...(entries ?? []), ...page.items]);
    setNext(page.next_cursor);
  };
  if (!entries) return thrown === undefined ? <p>{w('loading')}</p> : <Problem thrown={thrown} />;
  const shown = at === undefined ? entries : entries.filter(({ occurred_at }) => Date.parse(occurred_at) <= at);
  const again = (): void => setTurn((before) => before + 1);
  return (
    <section class="card stack">
      <h2>{t('learner.ledger')}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('learner.ledger')}>
        <table>
          <thead><tr><th scope="col">{t('learner.what')}</th><th scope="col" class="number">{t('points')}</th><th scope="col" class="number">{t('learner.total')}</th><th scope="col"><span class="hidden">{t('reverse')}</span></th></tr></thead>
          <tbody>
            {shown.map((entry) => (
              <tr key={entry.event_id}>
                <td class="wrap">
                  <p dir="auto">{ledgerWord(entry, school.unit(entry.reference_id))}</p>
                  <small>{moment(entry.occurred_at)}</small>
                </td>
                <td class="number">{signed(entry.points)}</td>
                <td class="number">{number(entry.total)}</td>
                <td><Act entry={entry} entries={entries} onReverse={setReversing} onReinstate={(event_id) => void reinstate(http, event_id).then(again, toastProblem)} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {next !== null && <button onClick={() => void more(next).catch(toastProblem)}>{w('more')}</button>}
      {reversing !== undefined && <ReverseDialog http={http} event_id={reversing} onDone={again} onClose={() => setReversing(undefined)} />}
    </section>
  );
}

/** An award that counts can be taken back; one that was taken back can be given back, once. */
function Act({ entry, entries, onReverse, onReinstate }: { entry: LedgerEntry; entries: readonly LedgerEntry[]; onReverse(event_id: number): void; onReinstate(event_id: number): void }) {
  if (entry.kind !== 'award') return null;
  const about = entries.filter(({ of_event_id }) => of_event_id === entry.event_id);
  if (about.some(({ kind }) => kind === 'reinstatement')) return null;
  return about.length === 0
    ? <button class="small" onClick={() => onReverse(entry.event_id)}>{t('reverse')}</button>
    : <button class="small" onClick={() => onReinstate(entry.event_id)}>{t('reinstate')}</button>;
}
