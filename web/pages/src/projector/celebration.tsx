// A banner and some confetti when somebody comes among the first. One at a time; who comes meanwhile waits, at most three.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

const SHOWN_MS = 4_000;
const WAITING_MAX = 3;
const PIECES = 60;
const COLOURS = ['#f2cc60', '#7fdba2', '#a5a0ff', '#ff9aa6', '#6cc7f5'];

const shown = signal<string | undefined>(undefined);
const waiting: string[] = [];

export function celebrate(text: string): void {
  if (shown.value !== undefined) {
    if (waiting.length < WAITING_MAX) waiting.push(text);
    return;
  }
  shown.value = text;
  setTimeout(() => {
    shown.value = undefined;
    const next = waiting.shift();
    if (next !== undefined) celebrate(next);
  }, SHOWN_MS);
}

export function Celebration() {
  const text = shown.value;
  return (
    <div class="cheer" role="status">
      {text !== undefined && <p class="cheer-text" dir="auto" key={text}>{text}</p>}
      {text !== undefined && <Confetti key={`confetti ${text}`} />}
    </div>
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
