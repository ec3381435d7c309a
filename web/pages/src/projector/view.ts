// What the wall shows, as chosen on the screen itself and remembered there.

import { signal } from '@preact/signals';
import type { Period } from 'homeroom-sdk';

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

/** In how many columns so many rows are largest on a wide screen. */
export function columns(rows: number): number {
  const most = [12, 28, 54, 88, 120, 156];
  const place = most.findIndex((bound) => rows <= bound);
  return place < 0 ? most.length + 1 : place + 1;
}
