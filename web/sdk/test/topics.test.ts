// Positions: what is asked for after a loss, and that nothing is passed on twice or left out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Homeroom, type HomeroomOptions } from '../src/client.js';
import type { Problem } from '../src/problem.js';
import type { TopicHandlers } from '../src/topics.js';
import { MemoryStorage, World, type FakeSocket } from './fakes.js';

async function open(more: Partial<HomeroomOptions> = {}): Promise<{ world: World; client: Homeroom; socket: FakeSocket }> {
  const world = new World();
  const client = new Homeroom({ url: 'http://node.example', token: 'secret', environment: world, ...more });
  void client.connect();
  return { world, client, socket: await world.opens() };
}

function watcher(): { seen: string[]; handlers: TopicHandlers } {
  const seen: string[] = [];
  return {
    seen,
    handlers: {
      snapshot: (data, { epoch, offset }) => seen.push(`snapshot ${epoch}${offset} ${JSON.stringify(data)}`),
      message: (message) => seen.push(`${message.offset}`),
      recovered: ({ epoch, offset }) => seen.push(`recovered ${epoch}${offset}`),
      ended: (problem) => seen.push(`ended ${problem.code}`),
    },
  };
}

const message = (offset: number, topic = 'user:7'): object => ({ type: 'points_update', topic, offset, data: {} });
const held = (offset: number, more: object = {}): object => ({ topic: 'user:7', epoch: 'e', offset, recovered: false, snapshot: 1, ...more });
const recovered = (offset: number): object => held(offset, { recovered: true, snapshot: undefined });

test('topics taken in one turn are asked for in one frame', async () => {
  const { world, client, socket } = await open();
  client.subscribe('user:7', {});
  client.subscribe('board:all:week', {}, { from: { epoch: 'x', offset: 3 } });
  await world.settle();
  const topics = [{ topic: 'user:7' }, { topic: 'board:all:week', epoch: 'x', offset: 3 }];
  assert.deepEqual(socket.sent, [{ type: 'subscribe', id: 1, topics }]);
});

test('a position is kept and resumed after every loss', async () => {
  const { world, client, socket } = await open();
  const { seen, handlers } = watcher();
  const subscription = client.subscribe('user:7', handlers);
  await world.settle();
  socket.says(message(4));
  socket.holds(held(4));
  socket.says(message(5));
  assert.deepEqual(subscription.position, { epoch: 'e', offset: 5 });
  for (let offset = 5; offset < 8; offset += 1) {
    world.socket.breaks();
    await world.pass(5_000);
    const next = await world.opens();
    assert.deepEqual(next.last('subscribe').topics, [{ topic: 'user:7', epoch: 'e', offset }]);
    next.holds(recovered(offset));
    next.says(message(offset + 1));
  }
  world.socket.breaks();
  await world.pass(5_000);
  (await world.opens()).holds(held(40, { epoch: 'f' }));
  assert.deepEqual(seen, [
    'snapshot e4 1', '5', 'recovered e5', '6', 'recovered e6', '7', 'recovered e7', '8', 'snapshot f40 1',
  ]);
});

test('a gap or a repeat is not passed on: it is asked for again', async () => {
  for (const wrong of [7, 5, 4, 0]) {
    const { world, client, socket } = await open();
    const { seen, handlers } = watcher();
    client.subscribe('user:7', handlers);
    await world.settle();
    socket.holds(held(4));
    socket.says(message(5));
    socket.says(message(wrong));
    // Still of the old position: not believed any more.
    socket.says(message(6));
    await world.settle();
    assert.deepEqual(socket.last('subscribe').topics, [{ topic: 'user:7', epoch: 'e', offset: 5 }]);
    socket.holds(recovered(5));
    for (const offset of [6, 7]) socket.says(message(offset));
    assert.deepEqual(seen, ['snapshot e4 1', '5', 'recovered e5', '6', '7']);
  }
});

test('a position that leads to faults again and again is given up, and never in a tight loop', async () => {
  const { world, client, socket } = await open();
  const { seen, handlers } = watcher();
  client.subscribe('user:7', handlers);
  await world.settle();
  socket.holds(held(4));
  const asked: unknown[] = [];
  for (let fault = 0; fault < 3; fault += 1) {
    socket.says(message(9));
    await world.pass(2_000);
    asked.push(socket.last('subscribe').topics[0].offset);
    if (fault < 2) socket.holds(recovered(4));
  }
  assert.deepEqual(asked, [4, 4, undefined]);
  socket.holds(held(9));
  assert.equal(seen.at(-1), 'snapshot e9 1');
});

test('an answer that does not fit the question is not believed', async () => {
  for (const wrong of [recovered(5), recovered(3), held(4, { epoch: 'z', recovered: true, snapshot: undefined }), held(4, { epoch: 7 })]) {
    const { world, client, socket } = await open();
    const { seen, handlers } = watcher();
    client.subscribe('user:7', handlers, { from: { epoch: 'e', offset: 4 } });
    await world.settle();
    socket.holds(wrong);
    await world.settle();
    assert.deepEqual(socket.last('subscribe').topics, [{ topic: 'user:7' }]);
    assert.deepEqual(seen, []);
  }
});

test('a snapshot unasked starts the position anew', async () => {
  const { world, client, socket } = await open();
  const { seen, handlers } = watcher();
  client.subscribe('user:7', handlers);
  await world.settle();
  socket.holds(held(4));
  socket.says({ type: 'snapshot', topic: 'user:7', epoch: 'g', offset: 20, data: 2 });
  socket.says(message(21));
  assert.deepEqual(seen, ['snapshot e4 1', 'snapshot g20 2', '21']);
});

test('a right that is gone ends the topic, and a refusal too, unless time can change it', async () => {
  const { world, client, socket } = await open();
  const { seen, handlers } = watcher();
  client.subscribe('user:7', handlers);
  await world.settle();
  socket.holds({ topic: 'user:7', error: { code: 'unavailable', title: 'Later', status: 503, retry_after: 2 } });
  await world.pass(1_999);
  assert.equal(socket.sent.length, 1);
  await world.pass(5_000);
  assert.equal(socket.sent.length, 2);
  socket.says({ type: 'error', id: socket.last('subscribe').id, error: { code: 'rate_limited', title: 'Slow down', status: 429 } });
  await world.pass(5_000);
  assert.equal(socket.sent.length, 3);
  socket.holds(held(4));
  socket.says({ type: 'unsubscribed', topic: 'user:7', reason: { code: 'forbidden', title: 'No', status: 403 } });
  assert.deepEqual(seen, ['snapshot e4 1', 'ended forbidden']);
  socket.breaks();
  await world.pass(5_000);
  assert.equal((await world.opens()).sent.length, 0, 'it is not asked for again');
});

test('a topic is let go with its last taker', async () => {
  const { world, client, socket } = await open();
  const first = watcher();
  const second = watcher();
  const one = client.subscribe('user:7', first.handlers);
  await world.settle();
  socket.holds(held(4));
  const two = client.subscribe('user:7', second.handlers);
  await world.settle();
  socket.holds(held(4));
  // Without a wish for the state nobody is disturbed.
  const three = client.subscribe('user:7', { message: () => undefined });
  await world.settle();
  assert.equal(socket.sent.length, 2);
  assert.deepEqual(second.seen, ['snapshot e4 1']);
  one.unsubscribe();
  one.unsubscribe();
  three.unsubscribe();
  assert.equal(socket.last('unsubscribe'), undefined);
  two.unsubscribe();
  assert.deepEqual(socket.last('unsubscribe').topics, [{ topic: 'user:7' }]);
  socket.says(message(5));
  assert.deepEqual(second.seen, ['snapshot e4 1']);
});

test('a handler that throws harms nobody and hears no message twice', async () => {
  const { world, client, socket } = await open();
  const problems: Problem[] = [];
  client.on('problem', (problem) => problems.push(problem));
  const { seen, handlers } = watcher();
  client.subscribe('user:7', {
    message: () => {
      throw new Error('mine');
    },
  });
  client.subscribe('user:7', handlers);
  await world.settle();
  socket.holds(held(4));
  socket.says(message(5));
  assert.deepEqual(seen, ['snapshot e4 1', '5']);
  assert.deepEqual(problems.map(({ code }) => code), ['handler_failed']);
});

test('stored positions outlive a reload, within their scope', async () => {
  const storage = new MemoryStorage();
  const store = { storage, scope: 'ada' };
  const first = await open({ store });
  first.client.subscribe('user:7', {}, { stored: true });
  first.client.subscribe('user:8', {});
  await first.world.settle();
  first.socket.holds(held(4), { ...held(4), topic: 'user:8' });
  first.socket.says(message(5));
  first.client.close();
  const again = async (scope: string): Promise<unknown> => {
    const { world, client, socket } = await open({ store: { storage, scope } });
    client.subscribe('user:7', {}, { stored: true });
    client.subscribe('user:8', {}, { stored: true });
    await world.settle();
    return socket.last('subscribe').topics;
  };
  assert.deepEqual(await again('ada'), [{ topic: 'user:7', epoch: 'e', offset: 5 }, { topic: 'user:8' }]);
  assert.deepEqual(await again('ben'), [{ topic: 'user:7' }, { topic: 'user:8' }]);
  for (const key of storage.kept.keys()) storage.kept.set(key, '{"epoch":1}');
  assert.deepEqual(await again('ada'), [{ topic: 'user:7' }, { topic: 'user:8' }]);
});
