// Boards around me: the top, my own neighbourhood, and whether I am on boards at all.

import type { Board, BoardMirror, BoardRow, Period } from 'homeroom-sdk';
import { useEffect, useState } from 'preact/hooks';
import { number } from '../kit/i18n.js';
import { Name, Select, toastProblem, useRead } from '../kit/ui.js';
import { until, w } from '../kit/words.js';
import type { Me } from './model.js';
import { t } from './words.js';

const PERIODS: readonly Period[] = ['all', 'week', 'day', 'season'];
const TOP = 10;
const NEIGHBOURS = 3;
/** A busy class changes its board many times a second; the neighbourhood is asked for this seldom. */
const AROUND_EVERY_MS = 1_000;

interface Preference {
  leaderboard: 'in' | 'out';
  locked_until: string | null;
}

export function Boards({ me }: { me: Me }) {
  const [period, setPeriod] = useState<Period>('all');
  const { rows, problem } = useBoard(me, period);
  if (problem?.code === 'leaderboards_off') return <p class="card">{t('boards.off')}</p>;
  const own = rows.find((row) => row.user_id === me.id);
  const periods = Object.fromEntries(PERIODS.map((key) => [key, t(`boards.${key}`)]));
  return (
    <div class="stack">
      <OnBoards me={me} />
      <Select label={t('boards.period')} value={period} options={periods} onChange={(next) => setPeriod(next as Period)} />
      <div class="grid">
        <Rows me={me} title={t('boards.top')} rows={rows.slice(0, TOP)} />
        {(own === undefined || own.rank > TOP) && <Around key={period} me={me} period={period} rows={rows} />}
      </div>
    </div>
  );
}

function useBoard(me: Me, period: Period): { rows: readonly BoardRow[]; problem: { code: string } | undefined } {
  const [rows, setRows] = useState<readonly BoardRow[]>([]);
  const [problem, setProblem] = useState<{ code: string }>();
  useEffect(() => {
    const change = (board: BoardMirror): void => setRows(board.rows);
    const mirror = me.room.live.mirrorBoard('all', { period, change, ended: setProblem });
    return () => mirror.close();
  }, [period]);
  return { rows, problem };
}

function OnBoards({ me }: { me: Me }) {
  const path = `/users/${me.id}/preferences`;
  const { data, again } = useRead(() => me.room.http.get<Preference>(path), [me.id]);
  if (!data) return null;
  const isIn = data.leaderboard === 'in';
  const change = async (): Promise<void> => {
    await me.room.http.request('PATCH', path, { body: { leaderboard: isIn ? 'out' : 'in' } }).catch(toastProblem);
    again();
  };
  return (
    <div class="card row">
      <p class="grow">{isIn ? t('boards.in') : t('boards.out')}{data.locked_until !== null && <><br /><small>{t('boards.locked', { until: until(data.locked_until) })}</small></>}</p>
      {data.locked_until === null && <button onClick={() => void change()}>{isIn ? t('boards.leave') : t('boards.join')}</button>}
    </div>
  );
}

function Around({ me, period, rows }: { me: Me; period: Period; rows: readonly BoardRow[] }) {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => setTurn((before) => before + 1), AROUND_EVERY_MS);
    return () => clearTimeout(timer);
  }, [rows]);
  const read = (): Promise<Board> => me.room.http.board('all', { period, around: me.id, neighbours: NEIGHBOURS });
  const { data } = useRead(read, [period, turn]);
  if (!data?.entries.some((row) => row.user_id === me.id)) return null;
  return <Rows me={me} title={t('boards.around')} rows={data.entries} />;
}

function Rows({ me, title, rows }: { me: Me; title: string; rows: readonly BoardRow[] }) {
  return (
    <section class="card">
      {rows.length === 0 && <p>{t('boards.empty')}</p>}
      {rows.length > 0 && (
        <table>
          <caption>{title}</caption>
          <thead><tr><th>{t('boards.rank')}</th><th>{t('boards.name')}</th><th class="number">{t('boards.points')}</th></tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.user_id} class={row.user_id === me.id ? 'own' : ''} aria-current={row.user_id === me.id ? 'true' : undefined}>
                <td>{number(row.rank)}</td>
                <th scope="row"><Name>{row.name}</Name>{row.user_id === me.id && <span class="tag">{w('you')}</span>}</th>
                <td class="number">{number(row.points)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
