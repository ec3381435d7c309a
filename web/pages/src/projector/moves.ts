// Smooth moves: a row that has another place glides there (FLIP: first, last, invert, play). Places are those of the layout,
// which moves do not change; a row that is still moving goes on from where it is, which follows from how far its move has come.
// Translations alone, each replacing the one before: those are what browsers move without the page's own thread. They go in
// whole pixels: a wall of 200 rows between pixels has to be filtered anew for each frame, which takes a computer without a
// graphics processor several times as long as copying.

import { useLayoutEffect, useRef } from 'preact/hooks';

/** How long a move takes. */
export const MOVE_MS = 600;
const RISE_MS = 1_600;
/** So many rows glow at the most: a glow is one more layer in every frame, and among more nobody sees which are new. */
const GLOWS_MAX = 16;
const EASING = 'cubic-bezier(.2, .8, .2, 1)';

const isStill = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;

interface Place {
  x: number;
  y: number;
}

/** The places at one time. */
interface Places {
  order: string;
  width: number;
  height: number;
  of: Map<string, Place>;
}

/** A row on its way, from so far off. */
interface Move {
  from: Place;
  /** The first of them tells how far the move has come. */
  animations: Animation[];
}

/** Animates the children of a list (by `data-row`) whenever `order` is another. Another `layout` or size alone moves nobody. */
export function useMoves<Element extends HTMLElement>(order: string, layout: string) {
  const list = useRef<Element>(null);
  const places = useRef<Places>(undefined);
  const moves = useRef(new Map<string, Move>());
  useLayoutEffect(() => {
    const box = list.current;
    if (!box) return void (places.current = undefined);
    const before = places.current;
    const now: Places = { order, width: box.clientWidth, height: box.clientHeight, of: new Map() };
    const rows = [...box.children] as HTMLElement[];
    // All reads first: nothing is laid out twice.
    for (const row of rows) now.of.set(row.dataset['row'] ?? '', { x: row.offsetLeft, y: row.offsetTop });
    places.current = now;
    if (!before || before.order === order || before.width !== now.width || before.height !== now.height || isStill()) return;
    for (const row of rows) {
      const key = row.dataset['row'] ?? '';
      const [from, to] = [before.of.get(key), now.of.get(key)];
      if (!to) continue;
      if (!from) row.animate({ opacity: [0, 1] }, { duration: MOVE_MS });
      else if (from.x !== to.x || from.y !== to.y) move(row, key, { x: from.x - to.x, y: from.y - to.y }, moves.current);
    }
  }, [order, layout]);
  return list;
}

/** Lets a row glide to its place from `off`, and from what is left of the move that it is on. */
function move(row: HTMLElement, key: string, off: Place, moves: Map<string, Move>): void {
  const before = moves.get(key);
  const rest = left(before);
  before?.animations.forEach((animation) => animation.cancel());
  const from = { x: off.x + rest.x, y: off.y + rest.y };
  const animations: Animation[] = [];
  // One animation an axis, so that each goes by whole pixels.
  if (from.y !== 0) animations.push(glide(row, from.y, { transform: `translateY(${from.y}px)` }, { transform: 'none' }));
  if (from.x !== 0) animations.push(glide(row, from.x, { translate: `${from.x}px` }, { translate: 'none' }));
  const started: Move = { from, animations };
  const [first] = animations;
  if (!first) return void moves.delete(key);
  moves.set(key, started);
  first.onfinish = () => { if (moves.get(key) === started) moves.delete(key); };
}

/** Goes a step a pixel, as fast as the whole move is just then. */
function glide(row: HTMLElement, pixels: number, first: Keyframe, last: Keyframe): Animation {
  return row.animate([{ ...first, easing: `steps(${Math.abs(pixels)})` }, last], { duration: MOVE_MS, easing: EASING });
}

function left(move: Move | undefined): Place {
  const progress = move?.animations[0]?.effect?.getComputedTiming().progress ?? 1;
  return { x: Math.round((move?.from.x ?? 0) * (1 - progress)), y: Math.round((move?.from.y ?? 0) * (1 - progress)) };
}

let glows = 0;

/** Lights a row up for a moment when its points rise. */
export function useRise<Element extends HTMLElement>(points: number) {
  const row = useRef<Element>(null);
  const before = useRef(points);
  const glow = useRef<Animation>(undefined);
  useLayoutEffect(() => {
    const rose = points > before.current;
    before.current = points;
    const light = row.current?.querySelector('.glow');
    if (!rose || !light || isStill()) return;
    glow.current?.cancel();
    if (glows >= GLOWS_MAX) return;
    glows += 1;
    const started = light.animate({ opacity: [0.55, 0] }, { duration: RISE_MS });
    started.onfinish = started.oncancel = () => void (glows -= 1);
    glow.current = started;
  }, [points]);
  return row;
}
