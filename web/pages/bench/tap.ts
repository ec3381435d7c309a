// From a student's tap to the changed pixel on the wall, how smoothly 200 rows move there, and what Lighthouse says of the
// student's page: `make bench` runs this against the release binary, with real browsers and other sessions beside them. Prints tables.
//
// A tap is the moment at which the browser says the pointer went down; a changed pixel is the frame after the one in which the
// wall drew the new points (the earliest moment at which it can be on the glass). Both pages run on one machine, so their
// clocks are one.

import type { Page } from 'playwright-core';
import { lighthouse } from '../test/lighthouse.ts';
import { DEADLINE_MS, Node, PHONE, WALL, World } from '../test/world.ts';

const TAPS = 40;
const SESSIONS = [30, 300];
const ROWS = 200;
const FRAMES_FOR_MS = 8_000;
const LOOKS = 3;

interface Watch {
  drawn: Map<string, number>;
  frames: number[];
}

/** On the wall: notes when each row's points were drawn. */
function watch(): void {
  const state: Watch = { drawn: new Map(), frames: [] };
  Object.assign(globalThis, { watch: state });
  const now = (): number => performance.timeOrigin + performance.now();
  new MutationObserver((changes) => {
    const totals = changes.map(({ target }) => (target as HTMLElement).dataset?.['points']).filter((total) => total !== undefined);
    // The next frame has it; the one after begins when that was handed on.
    requestAnimationFrame(() => requestAnimationFrame(() => totals.forEach((total) => state.drawn.set(total, now()))));
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-points'], childList: true });
}

const median = (list: number[], share = 0.5): number => [...list].sort((a, b) => a - b)[Math.floor(list.length * share)] ?? NaN;

/** Another device: its own topic and the board, as the student's page has them. */
async function device(node: Node, user_id: number): Promise<WebSocket> {
  const { token } = await node.api<{ token: string }>('POST', '/tokens', { role: 'student', user_id });
  const headers = { Authorization: `Bearer ${token}` };
  const { ticket } = (await (await fetch(`${node.url}/tickets`, { method: 'POST', headers })).json()) as { ticket: string };
  const socket = new WebSocket(`${node.url.replace('http', 'ws')}/ws?ticket=${ticket}`, ['homeroom.v1']);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  socket.send(JSON.stringify({ type: 'subscribe', id: 1, topics: [{ topic: `user:${user_id}` }, { topic: 'board:all' }] }));
  return socket;
}

async function people(node: Node, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  await node.api('POST', '/import', { users: ids.map((id) => ({ id, name: `Student ${id}` })) });
  const events = ids.map((id) => ({ kind: 'points', user_id: id, action_type: 'read_content', reference_id: 9_000 }));
  await node.api('POST', '/events', { events });
}

async function taps(world: World, sessions: number): Promise<{ all: number[]; toStudent: number[] }> {
  const node = await Node.start();
  const units = Array.from({ length: TAPS + 5 }, (_, index) => `Unit ${String(index + 1).padStart(2, '0')}`);
  await node.setUp({ units });
  await people(node, sessions);
  const sockets = [];
  for (let id = 2; id <= sessions; id += 1) sockets.push(await device(node, id));
  const wall = await world.person(WALL);
  await wall.page.goto(await node.signIn('projector'));
  await wall.page.locator('.wall-row').first().waitFor();
  await wall.page.evaluate(watch);
  const phone = await world.person(PHONE);
  await phone.page.goto(await node.signIn('student', 1));
  await phone.page.locator('[data-points="10"]').waitFor();
  await phone.page.evaluate(watch);
  await phone.page.evaluate(() => {
    addEventListener('pointerdown', ({ timeStamp }) => Object.assign(globalThis, { tapped: performance.timeOrigin + timeStamp }), { capture: true });
  });
  const drawn = (page: Page, total: number): Promise<number> =>
    page.waitForFunction((wanted) => (globalThis as unknown as { watch: Watch }).watch.drawn.get(wanted), String(total), { timeout: DEADLINE_MS })
      .then((handle) => handle.jsonValue() as Promise<number>);
  const all: number[] = [];
  const toStudent: number[] = [];
  for (let tap = 1; tap <= TAPS; tap += 1) {
    await phone.page.getByRole('button', { name: units[tap] ?? '' }).tap();
    await phone.page.getByRole('button', { name: 'I have read it' }).tap();
    const total = 10 + 10 * tap;
    const [onWall, onPhone] = await Promise.all([drawn(wall.page, total), drawn(phone.page, total)]);
    const tapped = await phone.page.evaluate(() => (globalThis as unknown as { tapped: number }).tapped);
    all.push(onWall - tapped);
    toStudent.push(onPhone - tapped);
  }
  for (const socket of sockets) socket.close();
  await phone.context.close();
  await wall.context.close();
  await node.remove();
  return { all, toStudent };
}

interface Drawn {
  a_second: number;
  worst: number;
  late: number;
}

/** When frames were drawn, in milliseconds: the browser's own account, since rows move without the page's thread. */
function drawnAt(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { traceEvents: { name: string; ts: number }[] };
  return traceEvents.filter(({ name }) => name === 'DrawFrame').map(({ ts }) => ts / 1_000).sort((one, other) => one - other);
}

/** Frames of the wall while rows change places all the time, so many changes at once five times a second. */
async function frames(world: World, changes: number): Promise<Drawn> {
  const node = await Node.start(['--projector-places', String(ROWS)]);
  await node.setUp({ units: [] });
  await people(node, ROWS);
  const wall = await world.person(WALL);
  await wall.page.goto(await node.signIn('projector'));
  await wall.page.getByLabel('Places').selectOption(String(ROWS));
  await wall.page.keyboard.press('Escape');
  await wall.page.getByLabel('Show').selectOption('board');
  await wall.page.locator('.wall-row').nth(90).waitFor();
  await world.browser.startTracing(wall.page, { categories: ['disabled-by-default-devtools.timeline.frame'] });
  const until = performance.now() + FRAMES_FOR_MS;
  for (let reference = 1; performance.now() < until; reference += 1) {
    const events = Array.from({ length: changes }, () => ({
      kind: 'points', user_id: 1 + Math.floor(Math.random() * ROWS), action_type: 'complete_quiz', reference_id: reference,
    }));
    await node.api('POST', '/events', { events });
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const times = drawnAt(await world.browser.stopTracing());
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  await wall.context.close();
  await node.remove();
  return { a_second: 1_000 / (gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length), worst: Math.max(...gaps), late: gaps.filter((gap) => gap > 25).length / gaps.length };
}

/** The median score of each category, of 100. */
async function scores(world: World): Promise<[string, number][]> {
  const node = await Node.start();
  await node.setUp();
  await people(node, 30);
  const looks: Record<string, number>[] = [];
  for (let look = 0; look < LOOKS; look += 1) looks.push((await lighthouse(world, node, 1)).scores);
  await node.remove();
  return Object.keys(looks[0] ?? {}).map((category) => [category, median(looks.map((look) => look[category] ?? NaN))]);
}

const world = await World.open();
console.log('| sessions | tap to the wall: median, p95 (ms) | tap to the own screen: median, p95 (ms) |');
console.log('| --- | --- | --- |');
for (const sessions of SESSIONS) {
  const { all, toStudent } = await taps(world, sessions);
  const shown = (list: number[]): string => `${median(list).toFixed(0)}, ${median(list, 0.95).toFixed(0)}`;
  console.log(`| ${sessions} | ${shown(all)} | ${shown(toStudent)} |`);
}
for (const changes of [2, 10]) {
  const { a_second, worst, late } = await frames(world, changes);
  console.log(`\n${ROWS} rows, ${5 * changes} changes a second: ${a_second.toFixed(1)} frames drawn a second, ${(100 * late).toFixed(1)} % later than 25 ms, the longest ${worst.toFixed(0)} ms`);
}
console.log(`\nLighthouse on the student's page, median of ${LOOKS}: ${(await scores(world)).map(([category, score]) => `${category} ${score}`).join(', ')}`);
await world.close();
