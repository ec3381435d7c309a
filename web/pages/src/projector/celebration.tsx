// A banner and some confetti when somebody comes among the first. One at a time; who comes meanwhile waits, at most three.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Name } from '../kit/ui.js';
import { t } from './words.js';

const SHOWN_MS = 4_000;
const WAITING_MAX = 3;
const PIECES = 60;
const COLOURS = ['#f2cc60', '#7fdba2', '#a5a0ff', '#ff9aa6', '#6cc7f5'];

/** Where the name stands in a sentence: no text holds this. */
const SEAM = '\u0000';

export type Occasion = 'celebrate.lead' | 'celebrate.third' | 'celebrate.team';

interface Cheer {
  what: Occasion;
  name: string;
}

const shown = signal<Cheer | undefined>(undefined);
const waiting: Cheer[] = [];

export function celebrate(what: Occasion, name: string): void {
  if (!shown.value) show({ what, name });
  else if (waiting.length < WAITING_MAX) waiting.push({ what, name });
}

function show(cheer: Cheer | undefined): void {
  shown.value = cheer;
  if (cheer) setTimeout(() => show(waiting.shift()), SHOWN_MS);
}

export function Celebration() {
  const cheer = shown.value;
  return <div class="cheer" role="status">{cheer && <Banner key={`${cheer.what} ${cheer.name}`} {...cheer} />}</div>;
}

function Banner({ what, name }: Cheer) {
  const [before, after] = t(what, { name: SEAM }).split(SEAM);
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
