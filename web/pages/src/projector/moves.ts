// Smooth moves: a row that has another place glides there (FLIP: first, last, invert, play). Places are those of the layout,
// which moves do not change, so a row that is still moving goes on from where it is: animations add up. Transforms alone, so
// that the compositor does the work.

import { useLayoutEffect, useRef } from 'preact/hooks';

const MOVE_MS = 600;
const RISE_MS = 1_600;
const EASING = 'cubic-bezier(.2, .8, .2, 1)';

const isStill = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;

interface Place {
  x: number;
  y: number;
}

/** Animates the children of a list (by `data-row`) whenever `order` is another. */
export function useMoves<Element extends HTMLElement>(order: string) {
  const list = useRef<Element>(null);
  const places = useRef(new Map<string, Place>());
  useLayoutEffect(() => {
    const before = places.current;
    const now = new Map<string, Place>();
    const rows = [...(list.current?.children ?? [])] as HTMLElement[];
    // All reads first: nothing is laid out twice.
    for (const row of rows) now.set(row.dataset['row'] ?? '', { x: row.offsetLeft, y: row.offsetTop });
    places.current = now;
    if (isStill()) return;
    for (const row of rows) {
      const key = row.dataset['row'] ?? '';
      const [from, to] = [before.get(key), now.get(key)];
      if (!to) continue;
      if (!from) {
        if (before.size > 0) row.animate({ opacity: [0, 1] }, { duration: MOVE_MS });
      } else if (from.x !== to.x || from.y !== to.y) {
        const start = `translate(${from.x - to.x}px, ${from.y - to.y}px)`;
        row.animate({ transform: [start, 'translate(0, 0)'] }, { duration: MOVE_MS, easing: EASING, composite: 'add' });
      }
    }
  }, [order]);
  return list;
}

/** Lights a row up for a moment when its points rise. */
export function useRise<Element extends HTMLElement>(points: number) {
  const row = useRef<Element>(null);
  const before = useRef(points);
  useLayoutEffect(() => {
    const rose = points > before.current;
    before.current = points;
    if (rose && !isStill()) row.current?.querySelector('.glow')?.animate({ opacity: [0.55, 0] }, { duration: RISE_MS });
  }, [points]);
  return row;
}
