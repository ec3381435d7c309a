// A real node for the tests: the binary in a process of its own on a directory of its own, to be killed and started again.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HomeroomHttp } from '../dist/homeroom.js';

/** How long anything may take before a test gives up. Generous: the suite shares its machine. */
export const DEADLINE_MS = 60_000;
export const ADMIN_TOKEN = 'admin-token-of-the-library-5b1c7d';

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

/** A row of the suite's report; the test that started this one reads it. */
export function report(row: object): void {
  const file = process.env['HOMEROOM_SDK_REPORT'];
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

export class LiveNode {
  url = '';
  #port = 0;
  #process: ChildProcess | undefined;
  #said = '';
  readonly #directory = mkdtempSync(join(tmpdir(), 'homeroom-sdk-'));

  static async start(): Promise<LiveNode> {
    const node = new LiveNode();
    await node.start();
    return node;
  }

  /** Starts it, on the port of the first time. */
  async start(): Promise<void> {
    const binary = process.env['HOMEROOM_BINARY'];
    if (!binary) throw new Error('HOMEROOM_BINARY names the binary: run these tests with `cargo test --test it sdk`');
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HOMEROOM_|RUST_LOG)/.test(name)));
    const args = ['serve', '--data', this.#directory, '--listen', `127.0.0.1:${this.#port}`];
    const child = spawn(binary, args, { env: { ...env, HOMEROOM_ADMIN_TOKEN: ADMIN_TOKEN }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    this.#said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    this.#port = await eventually('the ready line', () => {
      if (child.exitCode !== null) throw new Error(`the node ended before it was ready\n${this.#said}`);
      const plain = this.#said.replace(/\u001b\[[0-9;]*m/g, '');
      const line = plain.split('\n').find((one) => /ready/i.test(one) && one.includes('127.0.0.1:'));
      return Number(/127\.0\.0\.1:(\d+)/.exec(line ?? '')?.[1]);
    });
    this.url = `http://127.0.0.1:${this.#port}`;
  }

  /** Ends it, `SIGKILL` as a crash does, and returns when it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  http(token = ADMIN_TOKEN): HomeroomHttp {
    return new HomeroomHttp({ url: this.url, token });
  }

  async token(role: string, user_id?: number): Promise<{ token: string; token_id: number }> {
    const made = await this.http().request<{ token: string; token_id: number }>('POST', '/tokens', { body: { role, user_id } });
    return made.data;
  }

  /** Students 1 to `students` in team 10 of mentor 900, enrolled in qualification 20 with units 101 to 104. */
  async class(students: number): Promise<void> {
    const people = Array.from({ length: students }, (_, index) => index + 1);
    await this.http().request('POST', '/import', {
      body: {
        qualifications: [{ id: 20, name: 'Mathematics' }],
        units: [101, 102, 103, 104].map((id) => ({ id, title: `Unit ${id}`, qualification_id: 20, skills: ['fractions'] })),
        users: [
          ...people.map((id) => ({ id, name: `Real ${id}`, alias: `Alias ${id}` })),
          { id: 900, name: 'Mentor', role: 'mentor' },
        ],
        teams: [{ id: 10, name: 'Blue', mentor_id: 900 }],
        team_members: people.map((user_id) => ({ team_id: 10, user_id })),
        enrolments: people.map((user_id) => ({ qualification_id: 20, user_id })),
      },
    });
  }

  /** All entries of a person's ledger. */
  async ledger(userId: number): Promise<{ reference_id: number | null; kind: string; total: number }[]> {
    const all = [];
    let cursor: string | null = null;
    do {
      const page = await this.http().points(userId, { limit: 1000, ...(cursor ? { cursor } : {}) });
      all.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return all;
  }
}
