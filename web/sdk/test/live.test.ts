// The library as it is published against a real node: what it promises has to hold there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Homeroom, Problem, type Action, type BoardRow, type HomeroomOptions, type StateChange, type Topic } from '../dist/homeroom.js';
import { MemoryStorage } from './fakes.js';
import { ADMIN_TOKEN, eventually, LiveNode, report } from './live.js';

let node: LiveNode;
const open: Homeroom[] = [];

before(async () => {
  node = await LiveNode.start();
  await node.class(12);
});
after(async () => {
  for (const client of open) client.close();
  await node.remove();
});

function client(more: Partial<HomeroomOptions> = {}): { room: Homeroom; states: StateChange[]; problems: Problem[] } {
  const room = new Homeroom({ url: node.url, token: ADMIN_TOKEN, backoff: { capMs: 1_000 }, ...more });
  const [states, problems]: [StateChange[], Problem[]] = [[], []];
  room.on('state', (change) => states.push(change));
  room.on('problem', (problem) => problems.push(problem));
  open.push(room);
  return { room, states, problems };
}
const hasCode = (code: string) => (thrown: unknown): boolean => thrown instanceof Problem && thrown.code === code;

let lastReference = 1_000;
const next = (): number => (lastReference += 1);

test('it connects and follows topics of every kind', async () => {
  const { room } = client();
  const begun = new Map<string, unknown>();
  const ended = new Map<string, string>();
  const boards = ['all', 'teams', 'team:10', 'qualification:20'] as const;
  const topics: Topic[] = [
    'user:1',
    'team:10',
    ...boards.flatMap((board): Topic[] => [`board:${board}`, `board:${board}:day`, `board:${board}:week`, `board:${board}:season`]),
    'presence:10',
    'announcements',
    'announcements:team:10',
  ];
  const reference = next();
  let seen = 0;
  for (const topic of topics) {
    room.subscribe(topic, {
      snapshot: (data) => begun.set(topic, data),
      ended: (problem) => ended.set(topic, problem.code),
      message: (message) => (seen += Number(message.type === 'points_update' && message.data.reference_id === reference)),
    });
  }
  await room.connect();
  await eventually('an answer for every topic', () => begun.size + ended.size === topics.length);
  // Kinds that this node does not have yet are told, not silently absent.
  for (const [topic, code] of ended) {
    assert.match(topic, /^(presence|announcements)/, `${topic}: ${code}`);
    report({ row: 'SDK', what: `the topic ${topic}`, left_out: `this node answers ${code}` });
  }
  const [progress, performance, board] = await Promise.all([room.http.progress(1), room.http.performance(10), room.http.board('all')]);
  assert.deepEqual((begun.get('user:1') as { progress: unknown }).progress, progress);
  assert.deepEqual(begun.get('team:10'), performance);
  assert.deepEqual((begun.get('board:all') as { entries: unknown }).entries, board.entries);
  const ack = await room.earn({ user_id: 1, action_type: 'read_content', reference_id: reference });
  assert.deepEqual([ack.status, ack.data.awarded, ack.data.points], [201, true, 10]);
  await eventually('the message', () => seen === 1);
  room.close();
});

test('bad input is refused with a problem that has a code', async () => {
  const { room } = client();
  await room.connect();
  await assert.rejects(room.earn({ user_id: 77_777, action_type: 'read_content', reference_id: 1 }), hasCode('unknown_user'));
  await assert.rejects(room.earn({ user_id: 1, action_type: 'fly' as Action, reference_id: 1 }), (thrown) => thrown instanceof Problem && thrown.status === 422);
  const bad = room.progress({ user_id: 1, unit_id: 101, progress_percentage: 101 });
  await assert.rejects(bad, (thrown) => hasCode('validation')(thrown) && (thrown as Problem).errors[0]?.field === 'progress_percentage');
  await assert.rejects(room.http.progress(77_777), hasCode('unknown_user'));
  const refused = await new Promise<Problem>((resolve) => room.subscribe('user:77777', { ended: resolve }));
  assert.equal(refused.code, 'unknown_user');
  const { room: unknown } = client({ token: 'nobody' });
  await assert.rejects(unknown.connect(), hasCode('unauthenticated'));
  assert.equal(unknown.state, 'closed');
  room.close();
});

test('nothing is lost or done twice while the node is killed and started again', async () => {
  const people = [1, 2, 3, 4, 5];
  const { room, states } = client();
  const seen = new Map<number, { offsets: number[]; references: number[]; snapshots: number }>();
  for (const id of people) {
    const all = { offsets: [] as number[], references: [] as number[], snapshots: 0 };
    seen.set(id, all);
    room.subscribe(`user:${id}`, {
      snapshot: (_, { offset }) => {
        all.snapshots += 1;
        all.offsets.push(offset);
      },
      message: (message) => {
        all.offsets.push(message.offset);
        if (message.type === 'points_update') all.references.push(message.data.reference_id);
      },
    });
  }
  await room.connect();
  await eventually('all snapshots', () => [...seen.values()].every(({ snapshots }) => snapshots === 1));
  const sent = new Map(people.map((id) => [id, [] as number[]]));
  let isOver = false;
  const answers: Promise<{ status: number; data: { awarded: boolean } }>[] = [];
  const sending = (async () => {
    while (!isOver) {
      if (room.waiting < 200) {
        for (const [id, references] of sent) {
          const reference = next();
          references.push(reference);
          answers.push(room.earn({ user_id: id, action_type: 'read_content', reference_id: reference }));
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const kills = 3;
  let interrupted = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const before = answers.length;
    await eventually('commands under way', () => room.state === 'open' && answers.length >= before + 100 && room.waiting > 0);
    await node.end('SIGKILL');
    interrupted += room.waiting;
    await node.start();
    await eventually('to be back', () => room.state === 'open');
  }
  isOver = true;
  await sending;
  const acks = await Promise.all(answers);
  // Each was awarded by one of its sendings; whichever was answered says the same.
  assert.ok(acks.every(({ status, data }) => status === 201 && data.awarded));
  for (const [id, references] of sent) {
    const all = seen.get(id);
    assert.ok(all);
    await eventually(`all messages of ${id}`, () => references.every((reference) => all.references.includes(reference)));
    assert.deepEqual(all.references, references, 'each once, in the order sent');
    const first = all.offsets[0] ?? 0;
    assert.deepEqual(all.offsets, all.offsets.map((_, index) => first + index), 'no gap, no repeat');
    assert.equal(all.snapshots, 1, 'every position was good');
    const kept = (await node.ledger(id)).filter((entry) => references.includes(entry.reference_id ?? 0));
    assert.deepEqual(kept.map((entry) => entry.reference_id).reverse(), references, 'the ledger has each once');
  }
  assert.ok(interrupted > 0, 'no command was under way');
  assert.ok(states.filter(({ state }) => state === 'waiting').length >= kills);
  report({ row: 'SDK', what: 'commands without an answer when the node was killed', happened: interrupted, outcome: 'each done once; topics without gap or repeat' });
  room.close();
});

test('a stopping node is left with its hint, and found again', async () => {
  const { room, states } = client();
  const mirror = room.mirrorBoard('all');
  await room.connect();
  await eventually('the board', () => mirror.rows.length === 12);
  await node.end('SIGTERM');
  const waiting = await eventually('the hint', () => states.find(({ code }) => code === 1012));
  assert.equal(waiting.state, 'waiting');
  assert.ok((waiting.retryInMs ?? 0) >= 500, `${waiting.retryInMs}`);
  await node.start();
  await eventually('to be back', () => room.state === 'open');
  await room.earn({ user_id: 6, action_type: 'complete_quiz', reference_id: next() });
  const shown = (await room.http.board('all', { limit: 200 })).entries;
  await eventually('the same board', () => JSON.stringify(mirror.rows) === JSON.stringify(shown));
  report({ row: 'SDK', what: 'a stop with a hint', happened: 1, outcome: 'waited for, and resumed' });
  room.close();
});

test('a token that ends is not tried again', async () => {
  const { token, token_id } = await node.token('student', 2);
  const { room, states } = client({ token });
  await room.connect();
  await node.http().request('DELETE', `/tokens/${token_id}`);
  const last = await eventually('the end', () => states.find(({ state }) => state === 'closed'));
  assert.deepEqual([last.code, last.problem?.code], [4500, 'token_ended']);
  assert.equal(states.at(-1), last);
});

test('a mirrored board is the board, for everybody who looks, whatever happens', async () => {
  const roles = [['admin', ADMIN_TOKEN], ['student', (await node.token('student', 1)).token], ['projector', (await node.token('projector')).token]] as const;
  const boards = ['all', 'team:10', 'teams'] as const;
  const mirrors = roles.flatMap(([role, token]) => {
    const { room } = client({ token });
    void room.connect();
    return boards.map((board) => ({ role, board, room, mirror: room.mirrorBoard(board) }));
  });
  const { room } = client();
  await room.connect();
  const actions = ['read_content', 'complete_quiz', 'contribute_resource', 'community_feedback'] as const;
  const pick = (below: number): number => Math.floor(Math.random() * below);
  for (let round = 0; round < 12; round += 1) {
    const earned = await Promise.all(
      Array.from({ length: 15 }, () => room.earn({ user_id: 1 + pick(12), action_type: actions[pick(4)] ?? 'read_content', reference_id: next() })),
    );
    const back = earned[0]?.data.event_id;
    await room.http.request('POST', `/points/${back}/reverse`, { body: { reason: 'a test' } });
    await room.http.request('PATCH', `/users/${1 + pick(12)}`, { body: { alias: `Other ${round}`, name: `Real ${round}` } });
    for (const { role, board, room: own, mirror } of mirrors) {
      const shown: BoardRow[] = (await own.http.board(board, { limit: 200 })).entries;
      await eventually(`${role} ${board} in round ${round}`, () => JSON.stringify(sorted(mirror.rows)) === JSON.stringify(sorted(shown)));
    }
  }
  for (const { mirror } of mirrors) assert.equal(mirror.repairs, 0);
  for (const { room: own } of mirrors) own.close();
  room.close();
});
/** With the fields of each row in one order. */
const sorted = (rows: readonly BoardRow[]): unknown[] => rows.map((row) => Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));

test('limits are waited for, and the order is kept', async () => {
  const { token } = await node.token('student', 7);
  const { room } = client({ token });
  let limited = 0;
  room.on('frame', (frame) => (limited += Number(frame.type === 'error' && (frame.error as { status?: number }).status === 429)));
  const steps: number[] = [];
  room.subscribe('user:7', { message: (message) => message.type === 'progress_update' && message.data.unit_id === 101 && steps.push(message.data.progress_percentage) });
  await room.connect();
  const done = Promise.all(Array.from({ length: 80 }, (_, index) => room.progress({ user_id: 7, unit_id: 101, progress_percentage: index + 1 })));
  // On a slow machine they would never be too many by themselves: another screen of the same person writes as well.
  while (limited === 0 && room.waiting > 0) {
    await Promise.allSettled(Array.from({ length: 50 }, () => node.http(token).step({ user_id: 7, unit_id: 102, progress_percentage: 1 })));
  }
  await done;
  await eventually('all steps', () => steps.length >= 80);
  assert.deepEqual(steps, Array.from({ length: 80 }, (_, index) => index + 1));
  report({ row: 'SDK', what: 'commands beyond a limit', happened: limited, outcome: 'waited for and done, in order' });
  room.close();
});

test('offline the queue fills up to its bound and leaves when the node is there', async () => {
  const { room } = client({ queueMax: 50 });
  const waiting = Array.from({ length: 50 }, () => room.earn({ user_id: 8, action_type: 'read_content', reference_id: next() }));
  await assert.rejects(room.earn({ user_id: 8, action_type: 'read_content', reference_id: next() }), hasCode('queue_full'));
  await room.connect();
  const acks = await Promise.all(waiting);
  assert.deepEqual(acks.map(({ data }) => data.total), acks.map((_, index) => (acks[0]?.data.total ?? 0) + 10 * index));
  room.close();
});

test('a reload sends what has no answer again, once', async () => {
  const store = { storage: new MemoryStorage(), scope: 'tab' };
  const { room: first } = client({ store });
  await first.connect();
  const references = Array.from({ length: 20 }, next);
  for (const reference_id of references) {
    first.earn({ user_id: 9, action_type: 'read_content', reference_id }).catch(hasCode('closed'));
  }
  await eventually('some answers', () => first.waiting < 15);
  first.close();
  const { room: second } = client({ store });
  assert.ok(second.waiting > 0);
  await second.connect();
  await eventually('all answers', () => second.waiting === 0);
  const kept = (await node.ledger(9)).map((entry) => entry.reference_id).reverse();
  assert.deepEqual(kept.filter((reference) => references.includes(reference ?? 0)), references);
  second.close();
});

test('the stream carries the same, with commands over HTTP, across a restart', async () => {
  const probe = await fetch(`${node.url}/events/stream?topics=user:3`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
  await probe.body?.cancel();
  if (probe.status === 404) {
    report({ row: 'SDK', what: 'the stream of server-sent events', left_out: 'this node has no /events/stream' });
    return;
  }
  const { room } = client({ transport: 'stream' });
  const offsets: number[] = [];
  const references: (number | null)[] = [];
  let snapshots = 0;
  room.subscribe('user:3', {
    snapshot: (_, { offset }) => {
      snapshots += 1;
      offsets.push(offset);
    },
    message: (message) => {
      offsets.push(message.offset);
      if (message.type === 'points_update') references.push(message.data.reference_id);
    },
  });
  const mirror = room.mirrorBoard('all');
  await room.connect();
  await eventually('the snapshots', () => snapshots === 1 && mirror.rows.length === 12);
  const sent: number[] = [];
  const earn = (): Promise<unknown> => {
    const reference_id = next();
    sent.push(reference_id);
    return room.earn({ user_id: 3, action_type: 'read_content', reference_id });
  };
  for (let times = 0; times < 20; times += 1) await earn();
  const rest = Array.from({ length: 30 }, earn);
  await node.end('SIGKILL');
  await node.start();
  await Promise.all(rest);
  await eventually('all messages', () => references.length === sent.length);
  assert.deepEqual(references, sent);
  assert.deepEqual(offsets, offsets.map((_, index) => (offsets[0] ?? 0) + index));
  assert.equal(snapshots, 1);
  const shown = (await room.http.board('all', { limit: 200 })).entries;
  await eventually('the board', () => JSON.stringify(mirror.rows) === JSON.stringify(shown));
  report({ row: 'SDK', what: 'streams broken by a kill', happened: 1, outcome: 'resumed by Last-Event-ID, each command done once' });
  room.close();
});
