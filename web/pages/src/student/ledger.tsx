// The ledger in words: every entry, also why there were no points.

import type { LedgerEntry } from 'homeroom-sdk';
import { useEffect, useRef, useState } from 'preact/hooks';
import { moment, number, signed } from '../kit/i18n.js';
import { Problem } from '../kit/ui.js';
import { ledgerWord, w } from '../kit/words.js';
import type { Me } from './model.js';
import { t } from './words.js';

const PAGE = 50;

export function Ledger({ me }: { me: Me }) {
  const [entries, setEntries] = useState<readonly LedgerEntry[]>();
  const [next, setNext] = useState<string | null>(null);
  const [thrown, setThrown] = useState<unknown>();
  const shown = useRef<readonly LedgerEntry[]>([]);
  shown.current = entries ?? [];
  const turn = me.ledgerTurn.value;
  useEffect(() => {
    let isWanted = true;
    me.room.http.points(me.id, { limit: PAGE }).then(
      ({ items, next_cursor }) => {
        if (!isWanted) return;
        // What was read of older pages stays, if the new page reaches back to it.
        const first = new Set(items.map((entry) => entry.event_id));
        const known = shown.current;
        const isJoined = known.some((entry) => first.has(entry.event_id));
        setEntries(isJoined ? [...items, ...known.filter((entry) => !first.has(entry.event_id))] : items);
        if (!isJoined) setNext(next_cursor);
        setThrown(undefined);
      },
      (why: unknown) => { if (isWanted) setThrown(why); },
    );
    return () => void (isWanted = false);
  }, [turn]);
  const more = async (cursor: string): Promise<void> => {
    const page = await me.room.http.points(me.id, { limit: PAGE, cursor });
    setEntries([...shown.current, ...page.items]);
    setNext(page.next_cursor);
  };
  if (!entries) return thrown === undefined ? <p>{w('loading')}</p> : <Problem thrown={thrown} />;
  if (entries.length === 0) return <p class="card">{t('ledger.empty')}</p>;
  return (
    <section class="card">
      <div class="scroll" tabIndex={0} role="region" aria-label={t('tab.ledger')}>
        <table>
          <thead><tr><th>{t('ledger.what')}</th><th class="number">{t('ledger.points')}</th><th class="number">{t('ledger.total')}</th></tr></thead>
          <tbody>
            {entries.map((entry) => (
              <tr key={entry.event_id}>
                <td class="text">
                  <p dir="auto">{ledgerWord(entry, me.unitTitle(entry.reference_id))}</p>
                  <small>{moment(entry.occurred_at)}</small>
                </td>
                <td class="number">{signed(entry.points)}</td>
                <td class="number">{number(entry.total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {next !== null && <button onClick={() => void more(next).catch(setThrown)}>{w('more')}</button>}
    </section>
  );
}
