// Boards around me: the top, my own neighbourhood, and whether I am on boards at all.

import type { Board, BoardMirror, BoardName, BoardRow, Period, Problem as Refusal } from 'homeroom-sdk';
import { useEffect, useRef, useState } from 'preact/hooks';
import { number } from '../kit/i18n.js';
import { Name, Problem, Select, toastProblem, useRead } from '../kit/ui.js';
import { until, w } from '../kit/words.js';
import type { Me } from './model.js';
import { t } from './words.js';

const PERIODS: readonly Period[] = ['all', 'week', 'day', 'season'];
const TOP = 10;
const NEIGHBOURS = 3;
/** A busy class changes its board many times a second; what is beyond the mirrored places is asked for this seldom. */
const AROUND_EVERY_MS = 1_000;

interface Preference {
  leaderboard: 'in' | 'out';
  locked_until: string | null;
}

export function Boards({ me }: { me: Me }) {
  const [period, setPeriod] = useState<Period>('all');
  const [wanted, setBoard] = useState<BoardName>('all');
  const boards: [BoardName, string][] = [['all', t('boards.class')], ...me.teams.value.map(({ team_id, name }): [BoardName, string] => [`team:${team_id}`, name])];
  // The team may be somebody else's by now.
  const board = boards.some(([name]) => name === wanted) ? wanted : 'all';
  const { rows, ended } = useBoard(me, board, period);
  if (ended?.code === 'leaderboards_off') return <p class="card">{t('boards.off')}</p>;
  const periods = Object.fromEntries(PERIODS.map((key) => [key, t(`boards.${key}`)]));
  return (
    <div class="stack">
      <OnBoards me={me} />
      <div class="grid">
        {boards.length > 1 && <Select label={t('boards.who')} value={board} options={boards} onChange={(next) => setBoard(next as BoardName)} />}
        <Select label={t('boards.period')} value={period} options={periods} onChange={(next) => setPeriod(next as Period)} />
      </div>
      {ended && <Problem thrown={ended} />}
      {!ended && !rows && <p>{w('loading')}</p>}
      {rows && <Places key={`${board} ${period}`} me={me} board={board} period={period} rows={rows} />}
    </div>
  );
}

function Places({ me, board, period, rows }: { me: Me; board: BoardName; period: Period; rows: readonly BoardRow[] }) {
  const place = rows.findIndex((row) => row.user_id === me.id);
  return (
    <div class="grid">
      <Rows me={me} title={t('boards.top')} rows={rows.slice(0, TOP)} />
      {place >= TOP && <Rows me={me} title={t('boards.around')} rows={rows.slice(place - NEIGHBOURS, place + NEIGHBOURS + 1)} />}
      {place < 0 && rows.length > 0 && <Beyond me={me} board={board} period={period} rows={rows} />}
    </div>
  );
}

function useBoard(me: Me, board: BoardName, period: Period): { rows: readonly BoardRow[] | undefined; ended: Refusal | undefined } {
  const [rows, setRows] = useState<readonly BoardRow[]>();
  const [ended, setEnded] = useState<Refusal>();
  useEffect(() => {
    const change = (mirror: BoardMirror): void => setRows(mirror.rows);
    const mirror = me.room.live.mirrorBoard(board, { period, change, ended: setEnded });
    return () => {
      mirror.close();
      setRows(undefined);
      setEnded(undefined);
    };
  }, [me, board, period]);
  return { rows, ended };
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
      <p class="grow" role="status">
        {isIn ? t('boards.in') : t('boards.out')}
        {data.locked_until !== null && <><br /><small>{t('boards.locked', { until: until(data.locked_until) })}</small></>}
      </p>
      {data.locked_until === null && <button onClick={() => void change()}>{isIn ? t('boards.leave') : t('boards.join')}</button>}
    </div>
  );
}

/** My neighbourhood when my place is beyond those that are mirrored. */
function Beyond({ me, board, period, rows }: { me: Me; board: BoardName; period: Period; rows: readonly BoardRow[] }) {
  const turn = useTurn(rows, AROUND_EVERY_MS);
  const read = (): Promise<Board> => me.room.http.board(board, { period, around: me.id, neighbours: NEIGHBOURS });
  const { data } = useRead(read, [turn]);
  if (!data?.entries.some((row) => row.user_id === me.id)) return null;
  return <Rows me={me} title={t('boards.around')} rows={data.entries} />;
}

/** Rises after `value` changed, at most once in so many milliseconds. */
function useTurn(value: unknown, everyMs: number): number {
  const [turn, setTurn] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) {
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        setTurn((before) => before + 1);
      }, everyMs);
    }
    isFirst.current = false;
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return turn;
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
