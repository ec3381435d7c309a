// The mirror against a board that is computed another way, under random changes; and what it does not believe.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Homeroom } from '../src/client.js';
import type { Board, BoardRow } from '../src/messages.js';
import { BoardWindow, ranked } from '../src/mirror.js';
import { World } from './fakes.js';

const time = (ms: number): string => new Date(ms).toISOString();
const row = (user_id: number, points: number, reached_at: string | null, rank = 0): BoardRow => ({
  rank, user_id, name: `n${user_id}`, points, reached_at,
});
const board = (entries: BoardRow[], version = 1): Board => ({
  board: 'all', period: 'all', epoch: 'e', version, total: entries.length, entries, next_cursor: null, from: null, to: null,
});

test('ranks are 1, 2, 2, 4 in the order of points, time and id', () => {
  const rows = [row(5, 0, null), row(4, 10, time(9)), row(9, 10, time(5)), row(3, 10, time(9)), row(1, 30, time(1)), row(2, 0, null)];
  const shown = ranked(rows).map(({ rank, user_id }) => [rank, user_id]);
  assert.deepEqual(shown, [[1, 1], [2, 9], [2, 3], [2, 4], [5, 2], [5, 5]]);
});

/** A small generator with a seed (mulberry32): a failing run can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below | 0;
  };
}

/** The first places, by counting who is ahead: slow and plain. */
function plainWindow(all: Map<number, BoardRow>, places: number): BoardRow[] {
  const key = (one: BoardRow): string =>
    `${String(1e6 - one.points).padStart(7, '0')} ${one.reached_at ?? '~'} ${String(one.user_id).padStart(4, '0')}`;
  const sorted = [...all.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, places);
  return sorted.map((one) => ({ ...one, rank: 1 + [...all.values()].filter((other) => other.points > one.points).length }));
}

test('whatever happens, the window is what a plain computation says', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const below = generator(seed);
    const places = 1 + below(12);
    const all = new Map<number, BoardRow>();
    const window = new BoardWindow();
    let shown: BoardRow[] = [];
    assert.ok(window.begin(board([])));
    for (let version = 2; version < 120; version += 1) {
      for (let changes = below(4); changes >= 0; changes -= 1) {
        const id = 1 + below(20);
        if (below(8) === 0) all.delete(id);
        else all.set(id, row(id, below(6) * 10, below(5) === 0 ? null : time(below(9))));
      }
      const next = plainWindow(all, places);
      // A row whose rank alone changed is not sent.
      const same = (a: BoardRow, b: BoardRow): boolean => JSON.stringify({ ...a, rank: 0 }) === JSON.stringify({ ...b, rank: 0 });
      const changes = next.filter((one) => !shown.some((other) => same(one, other)));
      const removed = shown.filter((one) => !next.some((other) => other.user_id === one.user_id)).map((one) => one.user_id ?? 0);
      assert.ok(window.apply({ board: 'all', period: 'all', version, changes, removed }), `seed ${seed}, version ${version}`);
      assert.deepEqual(window.rows, next, `seed ${seed}, version ${version}`);
      shown = next;
    }
  }
});

test('what cannot follow is not believed', () => {
  const begun = (): BoardWindow => {
    const window = new BoardWindow();
    assert.ok(window.begin(board([row(1, 30, time(1), 1), row(2, 20, time(1), 2)], 5)));
    return window;
  };
  const update = { board: 'all', period: 'all' as const, version: 6, changes: [], removed: [] };
  assert.ok(begun().apply({ ...update, changes: [row(2, 40, time(2), 1)] }));
  assert.ok(!begun().apply({ ...update, version: 5 }), 'the version has to rise');
  assert.ok(!begun().apply({ ...update, removed: [3] }), 'only what is there can leave');
  assert.ok(!begun().apply({ ...update, changes: [row(2, 40, time(2), 2)] }), 'the rank has to follow');
  const window = new BoardWindow();
  assert.ok(!window.begin(board([row(2, 20, time(1), 1), row(1, 30, time(1), 2)])), 'the order has to be that of the contract');
  assert.ok(!window.begin(board([row(1, 20, time(1), 1), row(1, 20, time(1), 1)])), 'a person is there once');
});

test('a mirror that cannot be right asks anew', async () => {
  const world = new World();
  const client = new Homeroom({ url: 'http://node.example', token: 'secret', environment: world });
  const shown: number[][] = [];
  const mirror = client.mirrorBoard('all', { period: 'week', change: (now) => shown.push(now.rows.map((one) => one.points)) });
  void client.connect();
  const socket = await world.opens();
  const topic = 'board:all:week';
  const begins = (offset: number, entries: BoardRow[], version: number): void =>
    socket.holds({ topic, epoch: 'e', offset, recovered: false, snapshot: board(entries, version) });
  begins(4, [row(1, 30, time(1), 1)], 5);
  const update = { board: 'all', period: 'week', version: 6, changes: [row(2, 40, time(2), 1)], removed: [] };
  socket.says({ type: 'leaderboard_update', topic, offset: 5, data: update });
  socket.says({ type: 'leaderboard_update', topic, offset: 6, data: { ...update, version: 7, removed: [99] } });
  await world.settle();
  assert.deepEqual(socket.last('subscribe').topics, [{ topic }], 'without a position: that of a wrong state is of no use');
  begins(6, [row(2, 50, time(3), 1)], 7);
  assert.deepEqual(shown, [[30], [40, 30], [50]]);
  assert.deepEqual([mirror.repairs, mirror.version, mirror.board?.version], [1, 7, 7]);
  mirror.close();
  assert.deepEqual(socket.last('unsubscribe').topics, [{ topic }]);
});
