// Commands: each with one key until it has its answer, in the order of its person, in bounds, and over a reload.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Homeroom, type HomeroomOptions } from '../src/client.js';
import type { Earn } from '../src/messages.js';
import type { Settled } from '../src/outbox.js';
import { Problem } from '../src/problem.js';
import { json, MemoryStorage, World, type FakeSocket } from './fakes.js';

const earn = (user_id: number, reference_id: number): Earn => ({ user_id, reference_id, action_type: 'read_content' });
const code = (expected: string) => (thrown: unknown): boolean => thrown instanceof Problem && thrown.code === expected;
const earns = (socket: FakeSocket): [number, number][] =>
  socket.sent.filter(({ type }) => type === 'earn').map(({ user_id, reference_id }) => [user_id, reference_id]);

function made(more: Partial<HomeroomOptions> = {}): { world: World; client: Homeroom } {
  const world = new World();
  return { world, client: new Homeroom({ url: 'http://node.example', token: 'secret', environment: world, ...more }) };
}
function acks(socket: FakeSocket, data: object = {}): void {
  const { id } = socket.sent.at(-1);
  socket.says({ type: 'ack', id, status: 201, data });
}

test('a command goes out with a key of its own and resolves with its answer', async () => {
  const { world, client } = made();
  void client.connect();
  const socket = await world.opens();
  const one = client.earn(earn(7, 1));
  const two = client.progress({ user_id: 8, unit_id: 2, progress_percentage: 50 }, 'mine');
  const [first, second] = socket.sent;
  assert.deepEqual({ ...first, key: '' }, { ...earn(7, 1), type: 'earn', id: 1, key: '' });
  assert.match(first.key, /^[0-9a-f]{32}$/);
  assert.deepEqual(second, { type: 'progress', id: 2, key: 'mine', user_id: 8, unit_id: 2, progress_percentage: 50 });
  socket.says({ type: 'ack', id: 2, status: 200, data: { unit_id: 2 } });
  socket.says({ type: 'ack', id: 2, status: 200, data: {} });
  socket.says({ type: 'ack', id: 1, status: 201, data: { points: 10 }, replayed: true });
  assert.deepEqual(await two, { status: 200, data: { unit_id: 2 }, replayed: false, key: 'mine' });
  assert.deepEqual(await one, { status: 201, data: { points: 10 }, replayed: true, key: first.key });
  assert.equal(client.waiting, 0);
});

test('without an answer it goes out again with the same key, however often', async () => {
  const { world, client } = made();
  const answer = client.earn(earn(7, 1));
  void client.connect();
  const keys = new Set<string>();
  for (let round = 0; round < 4; round += 1) {
    const socket = await world.opens();
    keys.add(socket.last('earn').key);
    assert.equal(socket.sent.length, 1);
    if (round === 3) acks(socket);
    else socket.breaks();
    await world.pass(8_000);
  }
  assert.equal(keys.size, 1);
  assert.equal((await answer).status, 201);
});

test('one person is served in order, others beside them', async () => {
  const { world, client } = made();
  void client.connect();
  const socket = await world.opens();
  for (const [person, reference] of [[7, 1], [7, 2], [8, 1], [7, 3], [8, 2]] as const) void client.earn(earn(person, reference));
  assert.deepEqual(earns(socket), [[7, 1], [8, 1]]);
  // A limit holds up the person whom it is about.
  const busy = { code: 'rate_limited', title: 'Slow down', status: 429, retry_after: 3 };
  socket.says({ type: 'error', id: 1, error: busy });
  socket.says({ type: 'ack', id: 2, status: 201, data: {} });
  assert.deepEqual(earns(socket), [[7, 1], [8, 1], [8, 2]]);
  await world.pass(2_999);
  assert.equal(earns(socket).length, 3);
  await world.pass(251);
  assert.deepEqual(earns(socket).at(-1), [7, 1]);
  acks(socket);
  assert.deepEqual(earns(socket).at(-1), [7, 2]);
  acks(socket);
  assert.deepEqual(earns(socket).at(-1), [7, 3]);
});

test('no more are under way at once than the node takes', async () => {
  const { world, client } = made();
  void client.connect();
  const socket = await world.opens();
  for (let person = 1; person <= 100; person += 1) void client.earn(earn(person, 1));
  assert.equal(socket.sent.length, 64);
  socket.says({ type: 'ack', id: socket.sent[0].id, status: 201, data: {} });
  assert.equal(socket.sent.length, 65);
});

test('a refusal rejects with its problem; load, a lost answer and a key in use do not', async () => {
  const { world, client } = made();
  void client.connect();
  const socket = await world.opens();
  const error = (fields: object): void => socket.says({ type: 'error', id: socket.last('earn').id, error: fields });
  const refused = client.earn({ ...earn(7, 1), user_id: 'x' as never });
  error({ code: 'validation', title: 'Some fields', status: 422, errors: [{ field: 'user_id', message: 'must be an id' }] });
  await assert.rejects(refused, (thrown) => code('validation')(thrown) && (thrown as Problem).errors[0]?.field === 'user_id');
  const kept = client.earn(earn(7, 2));
  for (const fields of [
    { code: 'unavailable', title: 'Later', status: 503 },
    { code: 'request_in_progress', title: 'Wait', status: 409 },
    { code: 'rate_limited', title: 'Slow down', status: 429 },
  ]) {
    error(fields);
    await world.pass(8_000);
  }
  acks(socket);
  assert.equal((await kept).status, 201);
  // A node that fails at it again and again has answered, too.
  const failing = assert.rejects(client.earn(earn(7, 3)), code('internal'));
  for (let time = 0; time < 5; time += 1) {
    error({ code: 'internal', title: 'Sorry', status: 500 });
    await world.pass(15_000);
    socket.says({ type: 'pong' });
  }
  await failing;
});

test('the queue is bounded, and so is a command', async () => {
  const { client } = made({ queueMax: 3 });
  const kept = [1, 2, 3].map((reference) => client.earn(earn(7, reference)));
  await assert.rejects(client.earn(earn(7, 4)), code('queue_full'));
  assert.equal(client.waiting, 3);
  const { client: other } = made();
  const large = { ...earn(7, 1), evidence: { note: 'ü'.repeat(40_000) } } as Earn;
  await assert.rejects(other.earn(large), code('frame_too_large'));
  client.close();
  for (const promise of kept) await assert.rejects(promise, code('closed'));
});

test('what is stored is sent again after a reload, first of all and with the same keys', async () => {
  const store = { storage: new MemoryStorage(), scope: 'ada' };
  const first = made({ store });
  for (const [person, reference] of [[7, 1], [7, 2], [8, 1], [8, 2]] as const) {
    first.client.earn(earn(person, reference), `k${person}${reference}`).catch(() => undefined);
  }
  void first.client.connect();
  const socket = await first.world.opens();
  // The second lane is ahead: what is left has a hole.
  socket.says({ type: 'ack', id: socket.sent[1].id, status: 201, data: {} });
  first.client.close();
  const second = made({ store });
  const settled: Settled[] = [];
  second.client.on('settled', (done) => settled.push(done));
  assert.equal(second.client.waiting, 3);
  void second.client.earn(earn(7, 3), 'k73');
  void second.client.connect();
  const next = await second.world.opens();
  while (second.client.waiting > 0) {
    const open = next.sent.filter(({ id }) => !settledIds.has(id));
    assert.ok(open.length > 0);
    for (const { id } of open) {
      settledIds.add(id);
      next.says({ type: 'ack', id, status: 201, data: {} });
    }
  }
  assert.deepEqual(next.sent.filter(({ user_id }) => user_id === 7).map(({ key }) => key), ['k71', 'k72', 'k73']);
  assert.deepEqual(settled.map(({ command }) => command.key).sort(), ['k71', 'k72', 'k73', 'k82']);
  assert.equal(made({ store }).client.waiting, 0);
  assert.deepEqual([...store.storage.kept.keys()], [], 'nothing is left over');
  for (const nonsense of ['[1,2', '{}', '[null,"x",7,-1,1e300]', '[7]']) {
    store.storage.kept.set('homeroom:ada:commands', nonsense);
    store.storage.kept.set('homeroom:ada:command:7', '{"kind":"earn"}');
    assert.equal(made({ store }).client.waiting, 0, nonsense);
  }
  store.storage.kept.clear();
  const other = made({ store: { ...store, scope: 'ben' } });
  assert.equal(other.client.waiting, 0);
});
const settledIds = new Set<number>();

test('a storage that fails is told, and everything goes on', async () => {
  const storage = {
    getItem: () => '{',
    setItem: () => {
      throw new Error('full');
    },
    removeItem: () => undefined,
  };
  const { world, client } = made({ store: { storage, scope: 's' } });
  const problems: string[] = [];
  client.on('problem', (problem) => problems.push(problem.code));
  void client.connect();
  const socket = await world.opens();
  const done = client.earn(earn(7, 1));
  acks(socket);
  assert.equal((await done).status, 201);
  assert.ok(problems.length > 0 && problems.every((problem) => problem === 'storage_failed'), String(problems));
});

test('over HTTP a command is repeated with its key until it is answered', async () => {
  const { world, client } = made({ transport: 'stream' });
  await client.connect();
  let times = 0;
  world.answer = () => {
    times += 1;
    if (times === 1) throw new TypeError('fetch failed');
    if (times === 2) return json(429, { code: 'rate_limited', title: 'Slow down', status: 429 }, { 'Retry-After': '1' });
    if (times === 3) return new Response('<html>', { status: 502 });
    return json(201, { awarded: true });
  };
  const done = client.earn(earn(7, 1));
  await world.pass(10_000);
  assert.equal((await done).status, 201);
  assert.equal(new Set(world.asked.map(({ headers }) => headers.get('Idempotency-Key'))).size, 1);
  assert.equal(times, 4);
  world.answer = () => json(422, { code: 'unknown_user', title: 'No such person', status: 422 });
  await assert.rejects(client.earn(earn(9, 1)), code('unknown_user'));
});
