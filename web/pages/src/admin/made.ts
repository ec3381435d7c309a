// The join cards that were made since this page was opened. Nobody can read a PIN again, so that looking at another tab must
// not lose a sheet that is not printed yet; a reload forgets it.

import { signal } from '@preact/signals';
import type { HomeroomHttp } from 'homeroom-sdk';
import { newPin } from './pin.js';
import { byName, inParallel, type Person } from './school.js';

export interface Card {
  person: Person;
  pin: string;
}
interface Made {
  cards: readonly Card[];
  /** Who still needs one. */
  failed: readonly Person[];
}

/** The node hashes two PINs at a time. */
const PINS_AT_ONCE = 2;
const NOTHING: Made = { cards: [], failed: [] };

export const made = signal(NOTHING);
/** How far the making is, while it goes on. */
export const progress = signal<{ done: number; all: number } | undefined>(undefined);

/** Makes a PIN and a card for each, and goes on when nobody looks. */
export async function makeCards(http: HomeroomHttp, people: readonly Person[]): Promise<void> {
  const cards: Card[] = [];
  const failed: Person[] = [];
  const tell = (): void => void (progress.value = { done: cards.length + failed.length, all: people.length });
  tell();
  await inParallel(people, PINS_AT_ONCE, async (person) => {
    await newPin(http, person.id).then((pin) => cards.push({ person, pin }), () => failed.push(person));
    tell();
  });
  made.value = { cards: [...made.value.cards, ...cards].sort((a, b) => byName(a.person, b.person)), failed };
  progress.value = undefined;
}

export function forgetCards(): void {
  made.value = NOTHING;
}

/** Takes somebody out who has another PIN by now, or is erased. */
export function forgetCard(id: number): void {
  const { cards, failed } = made.value;
  made.value = { cards: cards.filter(({ person }) => person.id !== id), failed: failed.filter((person) => person.id !== id) };
}
