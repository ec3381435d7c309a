// Boards with names, live, or as they were at a past moment.

import type { BoardName, BoardRow, Period } from 'homeroom-sdk';
import { useEffect, useState } from 'preact/hooks';
import { number } from '../kit/i18n.js';
import { Field, Name, Problem, Select } from '../kit/ui.js';
import type { LiveClass, School } from './model.js';
import { t } from './words.js';

const PERIODS: readonly Period[] = ['all', 'week', 'day', 'season'];
const PAGE = 200;

export function Boards({ school, live }: { school: School; live: LiveClass }) {
  const names: (readonly [BoardName, string])[] = [['all', t('board.all')], ['teams', t('board.teams')]];
  if (live.id !== null) names.unshift([`team:${live.id}`, t('board.team')]);
  const [name, setName] = useState<BoardName>(names[0]?.[0] ?? 'all');
  const [period, setPeriod] = useState<Period>('all');
  const [at, setAt] = useState('');
  const { rows, thrown } = useRows(school, name, period, at);
  const isOff = (thrown as { code?: string } | undefined)?.code === 'leaderboards_off';
  return (
    <div class="stack">
      <div class="row wishes">
        <Select label={t('board')} value={name} options={names} onChange={(next) => setName(next as BoardName)} />
        <Select label={t('period')} value={period} options={PERIODS.map((key) => [key, t(`period.${key}`)] as const)} onChange={(next) => setPeriod(next as Period)} />
        <Field label={t('asOf')} type="datetime-local" value={at} onChange={(event: Event) => setAt((event.currentTarget as HTMLInputElement).value)} />
      </div>
      {isOff ? <p class="card">{t('off')}</p> : thrown !== undefined ? <Problem thrown={thrown} /> : <Rows rows={rows} />}
    </div>
  );
}

/** The rows of now, kept live; with a moment those of then. */
function useRows(school: School, name: BoardName, period: Period, at: string): { rows: readonly BoardRow[]; thrown: unknown } {
  const [rows, setRows] = useState<readonly BoardRow[]>([]);
  const [thrown, setThrown] = useState<unknown>();
  useEffect(() => {
    let isWanted = true;
    setThrown(undefined);
    const refuse = (why: unknown): void => { if (isWanted) setThrown(why); };
    if (at === '') {
      const mirror = school.room.live.mirrorBoard(name, { period, change: (board) => setRows(board.rows), ended: refuse });
      return () => mirror.close();
    }
    school.room.http.board(name, { period, at: new Date(at).toISOString(), limit: PAGE })
      .then((board) => { if (isWanted) setRows(board.entries); }, refuse);
    return () => void (isWanted = false);
  }, [name, period, at]);
  return { rows, thrown };
}

function Rows({ rows }: { rows: readonly BoardRow[] }) {
  if (rows.length === 0) return <p class="card">{t('empty')}</p>;
  return (
    <div class="card scroll" tabIndex={0} role="region" aria-label={t('board')}>
      <table>
        <thead><tr><th scope="col" class="number">{t('rank')}</th><th scope="col">{t('name')}</th><th scope="col" class="number">{t('points')}</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.user_id ?? row.team_id} data-row={row.user_id ?? row.team_id} data-points={row.points}>
              <td class="number">{number(row.rank)}</td>
              <th scope="row">{row.user_id === undefined ? <Name>{row.name}</Name> : <a href={`#learner/${row.user_id}`}><Name>{row.name}</Name></a>}</th>
              <td class="number">{number(row.points, 1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
