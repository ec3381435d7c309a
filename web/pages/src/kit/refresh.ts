// What a page reads once and no message tells: the catalogue, somebody's teams, the name of the class. It is read again when
// it may be another by now.

import { signal, type Signal } from '@preact/signals';
import { classroom, type Classroom, type Room } from './session.js';

/** How old such things may be while somebody looks at the page. */
const EVERY_MS = 60_000;

/** Calls back when the page is looked at again, when the connection is back, and once a minute while the page is looked at. */
export function whenStale(room: Room, again: () => void): void {
  const look = (): void => {
    if (document.visibilityState === 'visible') again();
  };
  document.addEventListener('visibilitychange', look);
  setInterval(look, EVERY_MS);
  let isLost = false;
  let wasOpen = false;
  room.state.subscribe(({ state }) => {
    if (state === 'open' && isLost) look();
    wasOpen ||= state === 'open';
    // The first connection is no return: the page has just read everything.
    isLost = wasOpen && state !== 'open';
  });
}

/** Sets a signal to what was read if that is another: what is drawn from it stays as it is otherwise. */
export function settle<Value>(known: Signal<Value>, read: Value): void {
  if (JSON.stringify(known.peek()) !== JSON.stringify(read)) known.value = read;
}

/** One reading at a time: what is asked for meanwhile is read once more when that is done. */
export function oneAtATime(read: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let isAsked = false;
  const run = async (): Promise<void> => {
    try {
      do {
        isAsked = false;
        await read();
      } while (isAsked);
    } finally {
      running = undefined;
    }
  };
  return () => {
    isAsked = true;
    return (running ??= run());
  };
}

/** The class as everybody may know it, kept up to date. */
export async function watchClassroom(room: Room): Promise<Signal<Classroom>> {
  const known = signal(await classroom());
  // Without an answer what is known stays.
  whenStale(room, () => void classroom().then((now) => settle(known, now), () => undefined));
  return known;
}
