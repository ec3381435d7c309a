// The order in which rows stand. Points show at once; where many rows change places, places follow a few times a second:
// nobody can follow more, and each time costs a layout of all rows.

import type { BoardRow } from 'homeroom-sdk';
import { useEffect, useRef, useState } from 'preact/hooks';
import { key } from './view.js';

/** So many rows that change places do so at once. */
const FEW = 24;
/** How long rows stand where they are after many of them began to move. */
const STAND_MS = 300;

interface Standing {
  order: readonly BoardRow[];
  /** When others may take their places. */
  until: number;
}

/** The rows with the points of now, in an order that may be up to STAND_MS old. */
export function useOrder(rows: readonly BoardRow[]): readonly BoardRow[] {
  const standing = useRef<Standing>({ order: [], until: 0 });
  const [, setTurn] = useState(0);
  const { order, until } = standing.current;
  const now = performance.now();
  const moved = order === rows ? 0 : movedBetween(order, rows);
  const isWaiting = moved > FEW && now < until;
  if (!isWaiting && moved > 0) standing.current = { order: rows, until: moved > FEW ? now + STAND_MS : until };
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setTimeout(() => setTurn((before) => before + 1), until - now);
    return () => clearTimeout(timer);
  }, [isWaiting, until]);
  return isWaiting ? inOrder(order, rows) : rows;
}

/** How many of the rows stand in another place than before. */
export function movedBetween(before: readonly BoardRow[], after: readonly BoardRow[]): number {
  const places = new Map(before.map((row, place) => [key(row), place]));
  return after.filter((row, place) => places.get(key(row)) !== place).length + Math.max(0, before.length - after.length);
}

/** The rows of now as they stood; who is gone is gone at once, and who is new comes with the next order. Ranks belong to places. */
export function inOrder(order: readonly BoardRow[], rows: readonly BoardRow[]): BoardRow[] {
  const known = new Map(rows.map((row) => [key(row), row]));
  return order.flatMap(({ rank, ...row }) => {
    const now = known.get(key(row as BoardRow));
    return now ? [now.rank === rank ? now : { ...now, rank }] : [];
  });
}
