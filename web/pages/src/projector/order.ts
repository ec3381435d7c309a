// The order in which rows stand. Points and ranks show at once; where many rows change places, they do so together, and the next time
// when they have arrived: nobody can follow more, and each time costs a layout of all rows.

import type { BoardRow } from 'homeroom-sdk';
import { useEffect, useRef, useState } from 'preact/hooks';
import { MOVE_MS } from './moves.js';
import { key } from './view.js';

/** So many rows that change places do so at once. */
const FEW = 24;

interface Standing {
  order: readonly BoardRow[];
  /** When others may take their places. */
  until: number;
}

/** The rows of now, in an order that may be up to MOVE_MS old. */
export function useOrder(rows: readonly BoardRow[]): readonly BoardRow[] {
  const standing = useRef<Standing>({ order: [], until: 0 });
  const [turn, setTurn] = useState(0);
  const { order, until } = standing.current;
  const now = performance.now();
  const moved = order === rows ? 0 : movedBetween(order, rows);
  const isWaiting = moved > FEW && now < until;
  if (!isWaiting && moved > 0) standing.current = { order: rows, until: moved > FEW ? now + MOVE_MS : until };
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setTimeout(() => setTurn((before) => before + 1), until - now);
    return () => clearTimeout(timer);
    // A timer may come a little early: then there is another one.
  }, [isWaiting, until, turn]);
  return isWaiting ? inOrder(order, rows) : rows;
}

/** How many of the rows stand in another place than before. */
export function movedBetween(before: readonly BoardRow[], after: readonly BoardRow[]): number {
  const places = new Map(before.map((row, place) => [key(row), place]));
  return after.filter((row, place) => places.get(key(row)) !== place).length + Math.max(0, before.length - after.length);
}

/** The rows of now, with their points and ranks of now, as they stood; who is gone is gone at once, and who is new comes with the next order. */
export function inOrder(order: readonly BoardRow[], rows: readonly BoardRow[]): BoardRow[] {
  const known = new Map(rows.map((row) => [key(row), row]));
  return order.flatMap((row) => known.get(key(row)) ?? []);
}
