// What the wall shows, as chosen on the screen itself and remembered there.

import { signal } from '@preact/signals';
import type { BoardRow, Period } from 'homeroom-sdk';

export const VIEWS = ['both', 'board', 'teams'] as const;
export const PERIODS: readonly Period[] = ['all', 'week', 'day', 'season'];
export const PLACES = [10, 20, 50, 100, 200] as const;
export type View = (typeof VIEWS)[number];

interface Wishes {
  view: View;
  period: Period;
  places: number;
}

const STORED = 'homeroom.projector';
const USUAL: Wishes = { view: 'both', period: 'all', places: 20 };

export const wishes = signal<Wishes>(stored());

function stored(): Wishes {
  try {
    return { ...USUAL, ...(JSON.parse(localStorage.getItem(STORED) ?? '{}') as Partial<Wishes>) };
  } catch {
    return USUAL;
  }
}

export function wish(change: Partial<Wishes>): void {
  wishes.value = { ...wishes.value, ...change };
  localStorage.setItem(STORED, JSON.stringify(wishes.value));
}

/** What a row is known by as long as it is on the board. */
export const key = (row: BoardRow): string => String(row.row ?? row.user_id ?? row.team_id);

/** How rows lie in columns. */
export interface Layout {
  across: number;
  down: number;
}

/** The size of type in a row, in shares of its height and of its width, as projector.css has it. */
const OF_HEIGHT = 0.52;
const OF_WIDTH = 1 / 18;
/** Few rows do not grow beyond a share of the screen. */
const DOWN_MIN = 6;

/** The layout in which the type of so many rows is largest in a box. */
export function largest(rows: number, box: { width: number; height: number }): Layout {
  let best: Layout = { across: 1, down: Math.max(rows, DOWN_MIN) };
  let bestSize = 0;
  for (let across = 1; across <= rows; across += 1) {
    const down = Math.max(Math.ceil(rows / across), DOWN_MIN);
    const size = Math.min((box.height / down) * OF_HEIGHT, (box.width / across) * OF_WIDTH);
    if (size > bestSize) [best, bestSize] = [{ across, down }, size];
  }
  return best;
}
