// Barriers and waste: axe on every page in every state that matters, in both schemes and languages; Lighthouse on the student's
// page; a profile on a slow phone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { CHROMIUM, CHROMIUM_ARGS, LAPTOP, Node, PHONE, WALL, World, earn, report, shot, students, tools } from './world.ts';

let world: World;
let node: Node;
before(async () => {
  world = await World.open();
  node = await Node.start();
  await node.setUp();
  await students(node, 24);
  for (let id = 1; id <= 24; id += 1) {
    for (let quiz = 0; quiz <= (id * 7) % 11; quiz += 1) await earn(node, id, 'complete_quiz', 900 + quiz, { score: ((id + quiz) % 5) / 4 });
    for (let read = 0; read <= (id * 5) % 7; read += 1) await earn(node, id, 'read_content', 950 + read);
    for (let unit = 1; unit <= 3; unit += 1) await node.api('POST', `/progress/${id}`, { unit_id: unit, progress_percentage: Math.min(100, (id * 37 * (4 - unit)) % 140) });
  }
  await node.api('POST', '/announcements', { text: 'We begin at ten.' });
});
after(async () => {
  await node.remove();
  await world.close();
});

const AXE = readFileSync(tools.resolve('axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2 to level AA, and what axe holds for good practice. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** Runs axe where scripts of pages may not come from: in a world of its own, past the policy. */
async function barriers(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  const run = `${AXE}; axe.run(document, { runOnly: ${JSON.stringify(TAGS)}, resultTypes: ['violations'] }).then(({ violations }) => violations)`;
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: run, contextId: executionContextId, awaitPromise: true, returnByValue: true,
  });
  await session.detach();
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return (result.value as Violation[]).map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} (${failureSummary})`).join(' | ')}`);
}

test('axe sees what is wrong', async () => {
  const { page, context } = await world.person();
  await page.goto(node.url);
  await page.locator('main').first().waitFor();
  await page.evaluate(() => document.querySelector('main')?.append(document.createElement('img'), document.createElement('input')));
  const found = (await barriers(page)).map((one) => one.split(':')[0]);
  assert.ok(found.includes('image-alt') && found.includes('label'), found.join());
  await context.close();
});

/** What is looked at: a name, the link, parts of the page by address. */
const PLACES: [string, () => Promise<string>, string[], object][] = [
  ['welcome', async () => `${node.url}/`, [''], PHONE],
  ['setup', () => node.signIn('admin').then((link) => link.replace('/admin#', '/setup#')), [''], LAPTOP],
  ['student', () => node.signIn('student', 1), ['today', 'achievements', 'team', 'boards', 'ledger'], PHONE],
  ['mentor', () => node.signIn('admin').then((link) => link.replace('/admin#', '/mentor#')), ['class', 'team', 'boards', 'announcements', 'analytics', 'learner/1'], LAPTOP],
  ['projector', () => node.signIn('projector'), [''], WALL],
  ['admin', () => node.signIn('admin'), ['class', 'roster', 'teams', 'tokens', 'rules', 'privacy', 'backups', 'health'], LAPTOP],
];

for (const [name, link, parts, device] of PLACES) {
  test(`axe finds nothing on ${name}`, async () => {
    let states = 0;
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, context } = await world.person({ ...device, colorScheme, reducedMotion: 'reduce', locale: colorScheme === 'dark' ? 'de-DE' : 'en-GB' });
      await page.goto(await link());
      for (const part of parts) {
        await page.evaluate((hash) => void (location.hash = hash), part);
        await page.locator('main').first().waitFor();
        await page.waitForLoadState('networkidle');
        assert.deepEqual(await barriers(page), [], `${name} ${part} ${colorScheme}`);
        if (colorScheme === 'light') await shot(page, `${name}${part ? `-${part.replace('/', '-')}` : ''}`);
        states += 1;
      }
      await context.close();
    }
    assert.deepEqual(world.errors(), []);
    report({ row: 'F-U4', what: `states of ${name} that axe looked at`, happened: states, outcome: 'no violation' });
  });
}

test("Lighthouse: the student's page has 95 or more", async () => {
  const chrome = await world.person(PHONE);
  await chrome.page.goto(await node.signIn('student', 2));
  await chrome.page.locator('[data-points]').waitFor();
  const cookies = await chrome.context.cookies();
  const { chromium } = tools('playwright-core') as typeof import('playwright-core');
  const port = 9222 + Math.floor(Math.random() * 10_000);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_ARGS, `--remote-debugging-port=${port}`] });
  try {
    const { default: lighthouse } = (await import(pathToFileURL(tools.resolve('lighthouse')).href)) as typeof import('lighthouse');
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const result = await lighthouse(`${node.url}/student`, {
      port,
      output: 'json',
      logLevel: 'error',
      onlyCategories: ['performance', 'accessibility', 'best-practices'],
      disableStorageReset: true,
      extraHeaders: { Cookie: cookie },
    });
    const categories = Object.values(result?.lhr.categories ?? {});
    const scores = Object.fromEntries(categories.map(({ id, score }) => [id, Math.round(100 * (score ?? 0))]));
    const failed = Object.values(result?.lhr.audits ?? {}).filter(({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== 'informative');
    const why = failed.map(({ id, score, displayValue }) => `${id} ${score} ${displayValue ?? ''}`).join('; ');
    // Best practices hold against a page that it speaks HTTP, as pages of a local network do: the rest has to be good enough.
    for (const [category, score] of Object.entries(scores)) assert.ok(score >= 95, `${category}: ${score} (${why})`);
    report({ row: 'F-U5', what: `Lighthouse on the student's page: ${JSON.stringify(scores)}`, happened: 1, outcome: '95 or more in each' });
  } finally {
    await browser.close();
  }
});

test('a slow phone stays smooth while points come in', async () => {
  const { page, context } = await world.person(PHONE);
  await page.goto(await node.signIn('student', 3));
  await page.locator('[data-points]').waitFor();
  const session = await context.newCDPSession(page);
  // A phone of five years ago against a computer of today.
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await page.evaluate(() => {
    const long: number[] = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
    Object.assign(globalThis, { long });
  });
  for (let reference = 2_000; reference < 2_030; reference += 1) await earn(node, 3, 'community_feedback', reference);
  const { points } = await node.api<{ points: { total: number } }>('GET', '/progress/3');
  await page.locator(`[data-points="${points.total}"]`).waitFor();
  const long = await page.evaluate(() => (globalThis as unknown as { long: number[] }).long);
  const longest = Math.round(Math.max(0, ...long));
  report({ row: 'F-U6', what: `awards shown on a phone four times slower; longest task ${longest} ms, ${long.length} over 50 ms`, happened: 30, outcome: 'all shown' });
  assert.deepEqual(world.errors(), []);
});
