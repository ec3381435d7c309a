// The live board and the race of teams.

import type { BoardMirror, BoardName, BoardRow, Period, Problem } from 'homeroom-sdk';
import { memo } from '../kit/memo.js';
import { useEffect, useRef, useState } from 'preact/hooks';
import { number } from '../kit/i18n.js';
import type { Room } from '../kit/session.js';
import { Name } from '../kit/ui.js';
import { celebrate, type Occasion } from './celebration.js';
import { useMoves, useRise } from './moves.js';
import { useOrder } from './order.js';
import { useSize } from './size.js';
import { key, largest } from './view.js';
import { t } from './words.js';

const NO_ROWS: readonly BoardRow[] = [];

/** The rows of a board, live. Several changes within one frame are drawn once. */
function useBoard(room: Room, name: BoardName, period: Period): { rows: readonly BoardRow[] | undefined; ended: Problem | undefined } {
  const [rows, setRows] = useState<readonly BoardRow[]>();
  const [ended, setEnded] = useState<Problem>();
  useEffect(() => {
    let frame = 0;
    const change = (board: BoardMirror): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setRows(board.rows));
    };
    const mirror = room.live.mirrorBoard(name, { period, change, ended: setEnded });
    return () => {
      cancelAnimationFrame(frame);
      mirror.close();
    };
  }, [room, name, period]);
  return { rows, ended };
}

/** Tells when somebody takes the lead alone, or comes among the first. Not at the start, and not for rows without points. */
function useCelebration(
  rows: readonly BoardRow[] | undefined,
  places: number,
  occasion: (isLeader: boolean) => Occasion | undefined,
): void {
  const before = useRef<string[] | undefined>(undefined);
  useEffect(() => {
    if (!rows) return;
    const first = rows.filter((row) => row.points > 0).slice(0, places);
    const known = before.current;
    before.current = first.map(key);
    if (!known || known.length === 0) return;
    const [leader, second] = rows;
    const leads = (row: BoardRow): boolean => row === leader && key(row) !== known[0] && row.points > (second?.points ?? 0);
    const row = first.find((row) => leads(row) || !known.includes(key(row)));
    const what = row && occasion(leads(row));
    if (row && what) celebrate(what, row.name);
  }, [rows]);
}

export function LiveBoard({ room, period, places }: { room: Room; period: Period; places: number }) {
  const { rows, ended } = useBoard(room, 'all', period);
  useCelebration(rows, 3, (isLeader) => (isLeader ? 'celebrate.lead' : 'celebrate.third'));
  const shown = useOrder(rows?.slice(0, places) ?? NO_ROWS);
  const [section, size] = useSize<HTMLElement>();
  const { across, down } = largest(shown.length, size);
  const list = useMoves<HTMLOListElement>(shown.map(key).join(), `${across} ${down}`);
  if (ended?.code === 'leaderboards_off') return <p class="wall-note">{t('off')}</p>;
  if (!rows) return <p class="wall-note">{t('lost')}</p>;
  if (shown.length === 0) return <p class="wall-note">{t('empty')}</p>;
  return (
    <section class="wall-board" aria-label={t('board')} ref={section}>
      <ol class="wall-rows" ref={list} style={{ '--across': String(across), '--down': String(down) }}>
        {shown.map((row) => <Row key={key(row)} id={key(row)} rank={row.rank} name={row.name} points={row.points} />)}
      </ol>
    </section>
  );
}

interface RowProps {
  id: string;
  rank: number;
  name: string;
  points: number;
}

const Row = memo(function Row({ id, rank, name, points }: RowProps) {
  const row = useRise<HTMLLIElement>(points);
  return (
    <li ref={row} class={`wall-row ${rank <= 3 && points > 0 ? `wall-row-${rank}` : ''}`} data-row={id} data-points={points}>
      <span class="glow" aria-hidden="true" />
      <span class="wall-rank">{number(rank)}</span>
      <span class="wall-name"><Name>{name}</Name></span>
      <span class="wall-points">{number(points)}<span class="hidden"> {t('points.unit')}</span></span>
    </li>
  );
});

/** The teams; without any there is nothing to see, but a hint where nothing else is. */
export function TeamRace({ room, period, isAlone }: { room: Room; period: Period; isAlone: boolean }) {
  const { rows, ended } = useBoard(room, 'teams', period);
  useCelebration(rows, 1, (isLeader) => (isLeader ? 'celebrate.team' : undefined));
  const list = useMoves<HTMLOListElement>((rows ?? []).map(key).join(), '');
  if (!rows || ended || rows.length === 0) {
    if (!isAlone) return null;
    return <p class="wall-note">{t(ended?.code === 'leaderboards_off' ? 'off' : rows || ended ? 'noTeams' : 'lost')}</p>;
  }
  const most = Math.max(1, ...rows.map((row) => row.points));
  return (
    <section class="wall-teams" aria-label={t('teams')}>
      <ol class="wall-race" ref={list} style={{ '--down': String(Math.max(rows.length, 4)) }}>
        {rows.map((row) => (
          <li key={key(row)} class="wall-lane" data-row={key(row)} data-points={row.points}>
            <span class="wall-name"><Name>{row.name}</Name></span>
            <span class="wall-track"><span class="wall-fill" style={{ transform: `scaleX(${row.points / most})` }} /></span>
            <span class="wall-points">{number(row.points, 1)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
