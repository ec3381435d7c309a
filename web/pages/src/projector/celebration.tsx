// A banner and some confetti when somebody unlocks an achievement or comes among the first. One at a time; who comes meanwhile
// waits, at most three.

import { signal } from '@preact/signals';
import type { Honour } from 'homeroom-sdk';
import { useEffect, useRef } from 'preact/hooks';
import type { Room } from '../kit/session.js';
import { Name } from '../kit/ui.js';
import { achievementWord, tierWord } from '../kit/words.js';
import { t } from './words.js';

const SHOWN_MS = 4_000;
const WAITING_MAX = 3;
/** Messages of one award come together. */
const GATHERED_MS = 50;
const PIECES = 60;
const COLOURS = ['#f2cc60', '#7fdba2', '#a5a0ff', '#ff9aa6', '#6cc7f5'];

/** Where the name stands in a sentence: no text holds this. */
const SEAM = '\u0000';

export type Occasion = 'celebrate.lead' | 'celebrate.third' | 'celebrate.team' | 'celebrate.achievement';

interface Cheer {
  what: Occasion;
  name: string;
  /** What else the sentence says. */
  values: Record<string, string>;
}

const shown = signal<Cheer | undefined>(undefined);
const waiting: Cheer[] = [];

export function celebrate(what: Occasion, name: string, values: Cheer['values'] = {}): void {
  const cheer = { what, name, values };
  if (!shown.value) show(cheer);
  else if (waiting.length < WAITING_MAX) waiting.push(cheer);
}

/** Celebrates achievements as they are unlocked. Of several tiers that one award unlocks, the highest: the last one told. */
function useHonours(room: Room): void {
  useEffect(() => {
    const gathered = new Map<string, Honour>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = (): void => {
      for (const { name, achievement_type, tier } of gathered.values()) {
        celebrate('celebrate.achievement', name ?? '', { achievement: achievementWord(achievement_type), tier: tierWord(tier) });
      }
      gathered.clear();
      timer = undefined;
    };
    const subscription = room.live.subscribe('honours', {
      message: (message) => {
        if (message.type !== 'honour') return;
        gathered.set(`${message.data.row ?? message.data.user_id} ${message.data.achievement_type}`, message.data);
        timer ??= setTimeout(tell, GATHERED_MS);
      },
    });
    return () => {
      clearTimeout(timer);
      subscription.unsubscribe();
    };
  }, [room]);
}

function show(cheer: Cheer | undefined): void {
  shown.value = cheer;
  if (cheer) setTimeout(() => show(waiting.shift()), SHOWN_MS);
}

export function Celebration({ room }: { room: Room }) {
  useHonours(room);
  const cheer = shown.value;
  return <div class="cheer" role="status">{cheer && <Banner key={`${cheer.what} ${cheer.name} ${Object.values(cheer.values)}`} {...cheer} />}</div>;
}

function Banner({ what, name, values }: Cheer) {
  const [before, after] = t(what, { ...values, name: SEAM }).split(SEAM);
  return (
    <>
      <p class="cheer-text">{before}<Name>{name}</Name>{after}</p>
      <Confetti />
    </>
  );
}

function Confetti() {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    for (const piece of (box.current?.children ?? []) as Iterable<HTMLElement>) {
      const drift = (Math.random() - 0.5) * 60;
      const fall = [`translate(0, -10vh) rotate(0)`, `translate(${drift}vw, 110vh) rotate(${720 * Math.random()}deg)`];
      piece.animate({ transform: fall, opacity: [1, 1, 0] }, { duration: SHOWN_MS * (0.5 + Math.random() / 2), easing: 'ease-in', fill: 'forwards' });
    }
  }, []);
  const pieces = Array.from({ length: PIECES }, (_, index) => (
    <i key={index} style={{ insetInlineStart: `${(100 * index) / PIECES}%`, background: COLOURS[index % COLOURS.length] ?? '' }} />
  ));
  return <div class="confetti" ref={box} aria-hidden="true">{pieces}</div>;
}
