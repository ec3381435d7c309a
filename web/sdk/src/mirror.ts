// A board kept equal to the node's: rows of its window, changed by messages, with ranks that follow from the order.

import type { Board, BoardRow, MessageData } from './messages.js';

/** What names a row within its board. */
export function rowKey(row: BoardRow): number | string {
  return row.user_id ?? row.team_id ?? row.row ?? '';
}

/** The contract's order: points falling, then when they were reached (rows that never did come last), then the id. */
export function compareRows(one: BoardRow, other: BoardRow): number {
  if (one.points !== other.points) return other.points - one.points;
  if (one.reached_at !== other.reached_at) {
    if (one.reached_at === null) return 1;
    if (other.reached_at === null) return -1;
    // RFC 3339 in UTC with milliseconds: as texts they have the order of times.
    return one.reached_at < other.reached_at ? -1 : 1;
  }
  const [a, b] = [rowKey(one), rowKey(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sorts rows and gives them standard competition ranks: 1, 2, 2, 4. */
export function ranked(rows: Iterable<BoardRow>): BoardRow[] {
  const sorted = [...rows].sort(compareRows);
  let rank = 0;
  let points: number | undefined;
  return sorted.map((row, index) => {
    if (row.points !== points) [rank, points] = [index + 1, row.points];
    return row.rank === rank ? row : { ...row, rank };
  });
}

/** The rows of one window. Pure: what it cannot believe it says. */
export class BoardWindow {
  readonly #rows = new Map<number | string, BoardRow>();
  #ranked: readonly BoardRow[] = [];
  #version = -1;

  get rows(): readonly BoardRow[] {
    return this.#ranked;
  }
  get version(): number {
    return this.#version;
  }

  /** Begins anew. False if the rows contradict the order that they came in. */
  begin(board: Board): boolean {
    this.#rows.clear();
    for (const row of board.entries) this.#rows.set(rowKey(row), row);
    this.#version = board.version;
    this.#ranked = ranked(this.#rows.values());
    return (
      this.#rows.size === board.entries.length &&
      this.#ranked.every((row, index) => row.rank === board.entries[index]?.rank && rowKey(row) === rowKey(board.entries[index]))
    );
  }

  /** Applies what changed. False if that cannot follow from what was there: the version has to rise, what leaves has to be
   * there, and the ranks that come with the changed rows have to be those that follow from the order. */
  apply({ version, changes, removed }: MessageData['leaderboard_update']): boolean {
    let isRight = version > this.#version;
    for (const key of removed) isRight = this.#rows.delete(key) && isRight;
    for (const row of changes) this.#rows.set(rowKey(row), row);
    this.#version = version;
    this.#ranked = ranked(this.#rows.values());
    const told = new Map(changes.map((row) => [rowKey(row), row.rank]));
    for (const row of this.#ranked) {
      const rank = told.get(rowKey(row));
      isRight &&= rank === undefined || rank === row.rank;
    }
    return isRight;
  }
}
