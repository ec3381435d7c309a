// Staying connected, on a clock of its own: what is waited for how long, and when it is given up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, fullJitter } from '../src/backoff.js';
import { Homeroom, type HomeroomOptions } from '../src/client.js';
import type { StateChange } from '../src/connection.js';
import { EventReader, readHint } from '../src/line.js';
import { Problem, readRetryAfter } from '../src/problem.js';
import { json, World } from './fakes.js';

function room(world: World, more: Partial<HomeroomOptions> = {}): { room: Homeroom; states: StateChange[] } {
  const client = new Homeroom({ url: 'https://node.example/', token: 'secret', environment: world, ...more });
  const states: StateChange[] = [];
  client.on('state', (change) => states.push(change));
  return { room: client, states };
}

test('full jitter is anywhere between nothing and a ceiling that doubles up to its cap', () => {
  const options = { baseMs: 500, capMs: 30_000 };
  for (const [attempt, ceiling] of [[0, 500], [1, 1000], [5, 16_000], [6, 30_000], [1000, 30_000]] as const) {
    assert.equal(fullJitter(attempt, options, 0), 0);
    assert.equal(fullJitter(attempt, options, 0.5), ceiling / 2);
    assert.ok(fullJitter(attempt, options, 0.999999) < ceiling);
  }
  const backoff = new Backoff(options, () => 0.5);
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next(2_000)], [250, 500, 3_000]);
  backoff.reset();
  assert.deepEqual([backoff.next(-5), backoff.next(1e12)], [250, 600_500], 'hints have a bound');
});

test('hints are read from close reasons and from Retry-After', () => {
  assert.equal(readHint('{"retry_after_ms":1200}'), 1200);
  for (const reason of ['', 'null', '7', '{"retry_after_ms":"1"}', '{"retry_after_ms":-1}', '{']) {
    assert.equal(readHint(reason), undefined, reason);
  }
  assert.equal(readRetryAfter('3', 0), 3_000);
  assert.equal(readRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4_000), 6_000);
  assert.equal(readRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 40_000), 0);
  for (const text of [null, '', 'soon', '-1']) assert.equal(readRetryAfter(text, 0), undefined);
});

test('it connects with a fresh ticket and the subprotocol', async () => {
  const world = new World();
  const { room: client, states } = room(world);
  const connected = client.connect();
  const socket = await world.opens();
  await connected;
  assert.equal(socket.url, 'wss://node.example/ws?ticket=t1');
  assert.deepEqual(socket.protocols, ['homeroom.v1']);
  assert.equal(world.asked[0]?.headers.get('Authorization'), 'Bearer secret');
  assert.deepEqual(states.map(({ state }) => state), ['connecting', 'open']);
  client.close();
  assert.ok(socket.isClosed);
  assert.equal(client.state, 'closed');
});

test('a ticket may come from elsewhere', async () => {
  const world = new World();
  const client = new Homeroom({ url: 'http://node.example', getTicket: async () => 'a b', environment: world });
  void client.connect();
  assert.equal((await world.opens()).url, 'ws://node.example/ws?ticket=a%20b');
  assert.equal(world.asked.length, 0);
  client.close();
});

test('a lost connection is tried again, later each time, and each time with another ticket', async () => {
  const world = new World();
  const { room: client, states } = room(world, { transport: 'socket' });
  void client.connect();
  await world.opens();
  const waits: (number | undefined)[] = [];
  for (let round = 0; round < 8; round += 1) {
    world.socket.breaks();
    const wait = states.at(-1)?.retryInMs ?? 0;
    waits.push(wait);
    await world.pass(wait);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  assert.equal(new Set(world.sockets.map((socket) => socket.url)).size, 9);
  // A connection that held starts the count anew; one that broke at once would not.
  await world.opens();
  world.socket.breaks();
  assert.equal(states.at(-1)?.retryInMs, 15_000);
  await world.pass(15_000);
  await world.opens();
  await world.pass(10_000);
  world.socket.breaks();
  assert.equal(states.at(-1)?.retryInMs, 250);
  client.close();
});

test('the hint of a stopping node is waited for, with jitter on top', async () => {
  const world = new World();
  const { room: client, states } = room(world);
  void client.connect();
  (await world.opens()).breaks(1012, '{"retry_after_ms":3000}');
  assert.deepEqual([states.at(-1)?.retryInMs, states.at(-1)?.code], [3_250, 1012]);
  await world.pass(3_249);
  assert.equal(world.sockets.length, 1);
  await world.pass(1);
  assert.equal(world.sockets.length, 2);
  client.close();
});

test('Retry-After of a node that gives no ticket is waited for', async () => {
  const world = new World();
  world.answer = () => json(503, { code: 'too_many_sessions', title: 'Full', status: 503 }, { 'Retry-After': '7' });
  const { room: client, states } = room(world);
  void client.connect();
  await world.settle();
  assert.equal(states.at(-1)?.retryInMs, 7_250);
  assert.equal(states.at(-1)?.problem?.code, 'too_many_sessions');
  client.close();
});

test('codes from 4500 and refused tokens end it for good', async () => {
  for (const code of [4500, 4999]) {
    const world = new World();
    const { room: client, states } = room(world);
    void client.connect();
    (await world.opens()).breaks(code, 'token_ended');
    await world.pass(1_000_000);
    assert.equal(world.sockets.length, 1);
    assert.equal(states.at(-1)?.state, 'closed');
    assert.equal(states.at(-1)?.problem?.code, code === 4500 ? 'token_ended' : 'refused_for_good');
  }
  const world = new World();
  world.answer = () => json(401, { code: 'unauthenticated', title: 'Who is asking?', status: 401 });
  const { room: client } = room(world);
  await assert.rejects(client.connect(), (thrown) => thrown instanceof Problem && thrown.code === 'unauthenticated');
  await world.pass(1_000_000);
  assert.equal(world.asked.length, 1);
  assert.equal(client.state, 'closed');
  // With another token it can begin anew.
  world.answer = () => json(201, { ticket: 't' });
  void client.connect();
  await world.opens();
  assert.equal(client.state, 'open');
  client.close();
});

test('codes from 4000 to 4499 are tried again', async () => {
  for (const code of [4000, 4001, 4008, 4009, 4010, 4499]) {
    const world = new World();
    const { room: client } = room(world);
    void client.connect();
    (await world.opens()).breaks(code);
    await world.pass(500);
    assert.equal(world.sockets.length, 2, String(code));
    client.close();
  }
});

test('a silent node is asked, and left when it does not answer', async () => {
  const world = new World();
  const { room: client } = room(world);
  void client.connect();
  const socket = await world.opens();
  await world.pass(20_000);
  assert.equal(socket.sent.length, 1);
  assert.equal(socket.last('ping').type, 'ping');
  await world.pass(5_000);
  socket.says({ type: 'pong', server_time: '2026-03-01T09:30:00.000Z' });
  await world.pass(5_000 + 20_000);
  assert.equal(socket.sent.length, 2, 'an answer is enough for the next while');
  await world.pass(10_000);
  assert.ok(socket.isClosed, 'half-open');
  assert.equal(client.state, 'waiting');
  await world.pass(500);
  assert.equal(world.sockets.length, 2);
  client.close();
});

test('a busy connection is not asked', async () => {
  const world = new World();
  const { room: client } = room(world);
  void client.connect();
  const socket = await world.opens();
  for (let second = 0; second < 60; second += 5) {
    socket.says({ type: 'announcement', topic: 'announcements', offset: second, data: {} });
    await world.pass(5_000);
  }
  assert.equal(socket.sent.length, 0);
  client.close();
});

test('offline nothing is tried; online it is, with jitter', async () => {
  const world = new World();
  const { room: client, states } = room(world);
  void client.connect();
  (await world.opens()).breaks();
  world.setOnline(false);
  await world.pass(1_000_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(states.at(-1)?.retryInMs, undefined);
  world.setOnline(true);
  assert.equal(states.at(-1)?.retryInMs, 250);
  await world.pass(250);
  assert.equal(world.sockets.length, 2);
  // An open connection is not given up on a rumour: it is asked.
  const socket = await world.opens();
  world.setOnline(false);
  assert.equal(socket.last('ping').type, 'ping');
  assert.equal(client.state, 'open');
  client.close();
});

test('an opening that takes too long is given up', async () => {
  const world = new World();
  const { room: client } = room(world);
  void client.connect();
  await world.settle();
  const first = world.socket;
  await world.pass(15_000);
  assert.ok(first.isClosed);
  await world.pass(250);
  assert.equal(world.sockets.length, 2);
  client.close();
});

test('after sockets that do not open comes the stream, and later a socket again', async () => {
  const world = new World();
  world.answer = (path) =>
    path === '/tickets'
      ? json(201, { ticket: 't' })
      : new Response(new ReadableStream(), { headers: { 'Content-Type': 'text/event-stream' } });
  const { room: client } = room(world, { fallbackForMs: 60_000 });
  client.subscribe('user:7', {});
  client.subscribe('board:all', {});
  void client.connect();
  for (let failure = 0; failure < 3; failure += 1) {
    await world.settle();
    world.socket.breaks();
    await world.pass(5_000);
  }
  assert.equal(world.sockets.length, 3);
  assert.deepEqual([client.state, client.transport], ['open', 'stream']);
  const stream = world.asked.at(-1);
  assert.equal(stream?.path, '/events/stream?topics=user%3A7%2Cboard%3Aall');
  assert.equal(stream?.headers.get('Authorization'), 'Bearer secret');
  // It ends by silence; meanwhile sockets may be tried again.
  await world.pass(65_000);
  assert.equal(world.sockets.length, 4);
  client.close();
});

test('commands of a stream go over HTTP with their key, and topics open it anew where it was', async () => {
  const world = new World();
  const streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  world.answer = (path) => {
    if (path !== '/events/stream') return json(201, { awarded: true }, { 'Idempotency-Replayed': 'true' });
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void streams.push(controller) });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  };
  const { room: client } = room(world, { transport: 'stream' });
  await client.connect();
  assert.equal(world.asked.length, 0, 'without topics there is nothing to listen to');
  const seen: unknown[] = [];
  client.subscribe('user:7', { snapshot: (_, at) => seen.push(at.offset), message: (message) => seen.push(message.offset) });
  await world.settle();
  const say = async (id: string, frame: object): Promise<void> => {
    streams.at(-1)?.enqueue(new TextEncoder().encode(`id: ${id}\r\ndata: ${JSON.stringify(frame)}\r\n\r\n`));
    await world.settle();
  };
  await say('p4', { type: 'subscribed', topics: [{ topic: 'user:7', epoch: 'e', offset: 4, recovered: false, snapshot: {} }] });
  await say('p5', { type: 'points_update', topic: 'user:7', offset: 5, data: {} });
  client.subscribe('team:3', {});
  await world.settle();
  assert.equal(streams.length, 2);
  assert.equal(world.asked.at(-1)?.headers.get('Last-Event-ID'), 'p5');
  await say('p6', { type: 'points_update', topic: 'user:7', offset: 6, data: {} });
  assert.deepEqual(seen, [4, 5, 6]);
  const ack = await client.earn({ user_id: 7, action_type: 'read_content', reference_id: 1 }, 'key-1');
  assert.deepEqual([ack.status, ack.replayed, ack.key], [201, true, 'key-1']);
  assert.equal(world.asked.at(-1)?.path, '/points/earn');
  await client.progress({ user_id: 7, unit_id: 1, progress_percentage: 5 }, 'key-2');
  const step = world.asked.at(-1);
  assert.deepEqual([step?.path, step?.body], ['/progress/7', { unit_id: 1, progress_percentage: 5 }]);
  assert.equal(step?.headers.get('Idempotency-Key'), 'key-2');
  // A gap: the stream begins anew, without a position, and not in a hurry.
  await say('p8', { type: 'points_update', topic: 'user:7', offset: 8, data: {} });
  assert.deepEqual([client.state, seen.length], ['waiting', 3]);
  await world.pass(250);
  assert.equal(world.asked.at(-1)?.headers.get('Last-Event-ID'), null);
  // The last word of a stream counts as a close code.
  await say('p9', { type: 'closed', code: 4500, reason: 'token_ended' });
  assert.equal(client.state, 'closed');
});

test('an event stream is read however it is cut', () => {
  const text = 'retry: 1500\n\n: comment\r\nid: a\r\ndata: {"n":1}\r\n\r\ndata: x\ndata:y\r\r\nid: b\0\nevent: e\ndata\n\n';
  for (let cut = 1; cut < 12; cut += 1) {
    const events: [string, string | undefined][] = [];
    const reader = new EventReader((data, id) => events.push([data, id]));
    for (let at = 0; at < text.length; at += cut) reader.push(text.slice(at, at + cut));
    assert.deepEqual(events, [['{"n":1}', 'a'], ['x\ny', 'a'], ['', 'a']], String(cut));
    assert.equal(reader.retryMs, 1500);
  }
  assert.throws(() => new EventReader(() => undefined).push('x'.repeat(9 * 1024 * 1024)), Problem);
});
