// What the stories play in: a real node in a process of its own, and people with browsers of their own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** How long anything may take before a test gives up. Generous: the suite shares its machine. */
export const DEADLINE_MS = 30_000;
export const ADMIN_TOKEN = 'admin-token-of-the-pages-8e2f11';
export const tools = createRequire(join(import.meta.dirname, '../../../target/tools/browser/package.json'));
const { chromium } = tools('playwright-core') as typeof import('playwright-core');

/** What keeps Chromium from asking for things that are not there, and from needing a sandbox of its own as root. */
export const CHROMIUM_ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
export const CHROMIUM = process.env['HOMEROOM_CHROMIUM'] ?? '/usr/bin/chromium';

/** A row of the suite's report; the test that started this one reads it. */
export function report(row: { row: string; what: string; happened: number; outcome: string }): void {
  const file = process.env['HOMEROOM_PAGES_REPORT'];
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** Waits by observable state. */
export async function eventually<Found>(what: string, look: () => Found | Promise<Found>): Promise<NonNullable<Found>> {
  const until = performance.now() + DEADLINE_MS;
  while (performance.now() < until) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
}

/** A node, started as a teacher starts it: `homeroom serve --lan`. */
export class Node {
  url = '';
  /** The link of its terminal, for this machine. */
  link = '';
  #process: ChildProcess | undefined;
  #port = 0;
  #settings: string[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), 'homeroom-pages-'));

  /** `settings` are further flags. */
  static async start(settings: string[] = []): Promise<Node> {
    const node = new Node();
    node.#settings = settings;
    await node.start();
    return node;
  }

  async start(): Promise<void> {
    const binary = process.env['HOMEROOM_BINARY'];
    if (!binary) throw new Error('HOMEROOM_BINARY names the binary: run these tests with `cargo test --test it browser`');
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HOMEROOM_|RUST_LOG)/.test(name)));
    const args = ['serve', '--lan', '--data', this.#directory, '--listen', `127.0.0.1:${this.#port}`, ...this.#settings];
    const child = spawn(binary, args, { env: { ...env, HOMEROOM_ADMIN_TOKEN: ADMIN_TOKEN }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    let said = '';
    let told = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (told += text));
    this.#port = await eventually('the ready line', () => {
      if (child.exitCode !== null) throw new Error(`the node ended before it was ready\n${said}`);
      const plain = said.replace(/\u001b\[[0-9;]*m/g, '');
      const line = plain.split('\n').find((one) => one.includes('homeroom is ready on'));
      return Number(/:(\d+)\s*$/.exec(line ?? '')?.[1]);
    });
    this.url = `http://127.0.0.1:${this.#port}`;
    const link = await eventually('the link in the terminal', () => /https?:\/\/\S+#key=\S+/.exec(told)?.[0]);
    this.link = this.url + new URL(link).pathname + new URL(link).hash;
  }

  /** Ends it: `SIGKILL` as a pulled plug does. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.end();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The API as the admin. */
  async api<Data = unknown>(method: string, path: string, body?: unknown): Promise<Data> {
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}`, 'Content-Type': 'application/json' };
    const answer = await fetch(this.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as Data;
  }

  /** Sets a class up over the API; gives its code. */
  async setUp(wish: object = {}): Promise<string> {
    const usual = { name: '7b', teams: ['Red', 'Blue'], course: 'Mathematics 7', units: ['Fractions', 'Decimals', 'Percent'] };
    return (await this.api<{ code: string }>('POST', '/classroom/setup', { ...usual, ...wish })).code;
  }

  /** A link that signs a browser in. */
  async signIn(role: string, user_id?: number): Promise<string> {
    return this.url + (await this.api<{ path: string }>('POST', '/sign-ins', { role, user_id })).path;
  }
}

/** A browser for the people of one file of stories. */
export class World {
  static async open(): Promise<World> {
    return new World(await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS }));
  }

  readonly browser: Browser;
  readonly #errors: string[] = [];

  private constructor(browser: Browser) {
    this.browser = browser;
  }

  /** Somebody with a device of their own. */
  async person(options: BrowserContextOptions = {}): Promise<{ context: BrowserContext; page: Page }> {
    const context = await this.browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(DEADLINE_MS);
    const page = await context.newPage();
    this.watch(page);
    context.on('page', (other) => this.watch(other));
    return { context, page };
  }

  /** Nothing may go wrong unseen: scripts that throw, and whatever the policy of the pages keeps out. */
  watch(page: Page): void {
    page.on('pageerror', (error) => this.#errors.push(`${page.url()}: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted Type|Refused to/i.test(message.text())) this.#errors.push(`${page.url()}: ${message.text()}`);
    });
  }

  /** What went wrong since it was asked last. */
  errors(): string[] {
    return this.#errors.splice(0);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
export const LAPTOP: BrowserContextOptions = { viewport: { width: 1366, height: 768 } };
export const WALL: BrowserContextOptions = { viewport: { width: 1920, height: 1080 } };

/** Keeps a picture of a page where `HOMEROOM_PAGES_SHOTS` says, for people to look at. */
export async function shot(page: Page, name: string): Promise<void> {
  const folder = process.env['HOMEROOM_PAGES_SHOTS'];
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Students 1 to `count` in teams 1 and 2 in turns, with aliases. */
export async function students(node: Node, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  await node.api('POST', '/import', {
    users: ids.map((id) => ({ id, name: `Student ${id} Example`, alias: `Comet ${id}` })),
    team_members: ids.map((id) => ({ team_id: (id % 2) + 1, user_id: id })),
  });
}

export async function earn(node: Node, user_id: number, action_type: string, reference_id: number, evidence?: object): Promise<{ event_id: number; total: number }> {
  return node.api('POST', '/points/earn', { user_id, action_type, reference_id, evidence });
}
