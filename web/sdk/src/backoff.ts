// How long to wait before the next attempt. Pure: randomness is an argument.
//
// Exponential backoff with full jitter, after Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
// 4 March 2015: sleep = random_between(0, min(cap, base * 2 ** attempt)). Of the ways compared there it makes the fewest
// calls while many clients come back at once, since they spread over the whole interval instead of meeting at its end.

/** Bounds of the waiting time in milliseconds. */
export interface BackoffOptions {
  /** The most that the first attempt waits. */
  baseMs: number;
  /** The most that any attempt waits. */
  capMs: number;
}

/** The longest hint of a node that is followed: ten minutes. */
export const HINT_MAX_MS = 600_000;

/** Doublings after which any base is beyond any cap; keeps the power finite. */
const ATTEMPT_MAX = 30;

/** The waiting time of an attempt (from 0); `random` is in [0, 1). */
export function fullJitter(attempt: number, { baseMs, capMs }: BackoffOptions, random: number): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt, ATTEMPT_MAX));
  return Math.floor(random * ceiling);
}

/** Attempts in a row. A hint of the node is a floor: jitter comes on top, for a hint may be the same for everybody. */
export class Backoff {
  #attempt = 0;
  readonly #options: BackoffOptions;
  readonly #random: () => number;

  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /** Attempts since the last success. */
  get attempt(): number {
    return this.#attempt;
  }

  /** How long to wait before the next attempt. */
  next(hintMs = 0): number {
    const wait = fullJitter(this.#attempt, this.#options, this.#random());
    this.#attempt += 1;
    return Math.min(Math.max(hintMs, 0), HINT_MAX_MS) + wait;
  }

  /** An attempt succeeded. */
  reset(): void {
    this.#attempt = 0;
  }
}
