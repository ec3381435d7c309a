// Lighthouse on the page of a student who is signed in.

import { pathToFileURL } from 'node:url';
import { CHROMIUM, CHROMIUM_ARGS, PHONE, tools, type Node, type World } from './world.ts';

export interface Looked {
  /** By category, of 100. */
  scores: Record<string, number>;
  /** By audit, from 0 to 1; without those that give no score. */
  audits: Map<string, number>;
  /** What falls short, in words. */
  why: string;
}

export async function lighthouse(world: World, node: Node, user_id: number): Promise<Looked> {
  const student = await world.person(PHONE);
  await student.page.goto(await node.signIn('student', user_id));
  await student.page.locator('[data-points]').waitFor();
  const cookies = await student.context.cookies();
  await student.context.close();
  const { chromium } = tools('playwright-core') as typeof import('playwright-core');
  const port = 9222 + Math.floor(Math.random() * 10_000);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_ARGS, `--remote-debugging-port=${port}`] });
  try {
    const { default: look } = (await import(pathToFileURL(tools.resolve('lighthouse')).href)) as typeof import('lighthouse');
    const result = await look(`${node.url}/student`, {
      port,
      output: 'json',
      logLevel: 'error',
      onlyCategories: ['performance', 'accessibility', 'best-practices'],
      disableStorageReset: true,
      extraHeaders: { Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') },
    });
    if (!result) throw new Error('Lighthouse gave no result');
    const { categories, audits } = result.lhr;
    const scored = Object.values(audits).filter(({ score, scoreDisplayMode }) => score !== null && scoreDisplayMode !== 'informative');
    return {
      scores: Object.fromEntries(Object.values(categories).map(({ id, score }) => [id, Math.round(100 * (score ?? 0))])),
      audits: new Map(scored.map(({ id, score }) => [id, score ?? 0])),
      why: scored.filter(({ score }) => (score ?? 0) < 0.9).map(({ id, score, displayValue }) => `${id} ${score} ${displayValue ?? ''}`).join('; '),
    };
  } finally {
    await browser.close();
  }
}
