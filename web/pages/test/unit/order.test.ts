// The order of rows on the wall while many move.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BoardRow } from 'homeroom-sdk';
import { inOrder, movedBetween } from '../../src/projector/order.js';

const row = (name: string, rank: number, points: number): BoardRow => ({ row: name, name, rank, points, reached_at: null });
const names = (rows: readonly BoardRow[]): string => rows.map(({ name }) => name).join('');

test('who stands in another place has moved, and so has who is gone', () => {
  const before = [row('a', 1, 9), row('b', 2, 5), row('c', 3, 1)];
  assert.equal(movedBetween(before, before.map((one) => ({ ...one, points: one.points + 1 }))), 0);
  assert.equal(movedBetween(before, [row('b', 1, 10), row('a', 2, 9), row('c', 3, 1)]), 2);
  assert.equal(movedBetween(before, [row('a', 1, 9), row('b', 2, 5)]), 1);
  assert.equal(movedBetween([], before), 3);
});

test('rows that wait keep their places and have the points and ranks of now', () => {
  const before = [row('a', 1, 9), row('b', 2, 5), row('c', 3, 1)];
  const now = [row('d', 1, 20), row('c', 2, 11), row('a', 3, 9)];
  const shown = inOrder(before, now);
  assert.equal(names(shown), 'ac', 'who is gone is gone, who is new comes later');
  assert.deepEqual(shown.map(({ rank, points }) => [rank, points]), [[3, 9], [2, 11]]);
});
