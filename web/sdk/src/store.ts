// What outlives a reload: positions and commands, under one scope, in a storage that the page gives.

import type { KeyValueStorage } from './environment.js';
import type { Position } from './messages.js';
import { Problem } from './problem.js';

/** Where to keep what must outlive a reload. */
export interface StoreOptions {
  storage: KeyValueStorage;
  /** Whose it is: one person on one screen. Two tabs must not share one (use `sessionStorage`, or a name for each tab). */
  scope: string;
}

/** A command as it is kept. */
export interface StoredCommand {
  kind: 'earn' | 'progress';
  fields: Record<string, unknown>;
  key: string;
}

/** Positions by topic, commands by a rising number. A storage that fails is told once for each failure and then left out:
 * the library goes on in memory. */
export class Store {
  readonly #storage: KeyValueStorage | undefined;
  readonly #prefix: string;
  readonly #report: (problem: Problem) => void;
  /** Numbers of the commands that have no answer, rising: the list that `commands` keeps. */
  readonly #open = new Set<number>();
  #next = 0;

  constructor(options: StoreOptions | undefined, report: (problem: Problem) => void) {
    this.#storage = options?.storage;
    this.#prefix = `homeroom:${options?.scope ?? ''}:`;
    this.#report = report;
  }

  position(topic: string): Position | undefined {
    const found = this.#read(`position:${topic}`) as Partial<Position> | undefined;
    const isGood = typeof found?.epoch === 'string' && Number.isSafeInteger(found.offset);
    return isGood ? (found as Position) : undefined;
  }
  keepPosition(topic: string, position: Position | undefined): void {
    this.#write(`position:${topic}`, position);
  }

  /** Commands of an earlier page, in their order, with their numbers. At most `max`. */
  commands(max: number): [number, StoredCommand][] {
    const found: [number, StoredCommand][] = [];
    const list = this.#read('commands');
    for (const number of Array.isArray(list) ? list.slice(0, max) : []) {
      const command = this.#read(`command:${number}`) as Partial<StoredCommand> | undefined;
      const isKnown = (command?.kind === 'earn' || command?.kind === 'progress') && typeof command.key === 'string';
      if (!Number.isSafeInteger(number) || !isKnown || typeof command.fields !== 'object' || !command.fields) continue;
      found.push([number, command as StoredCommand]);
      this.#open.add(number);
      this.#next = Math.max(this.#next, number + 1);
    }
    return found;
  }
  /** Keeps a command before it is sent, and gives its number. */
  keepCommand(command: StoredCommand): number {
    const number = this.#next;
    this.#next += 1;
    this.#open.add(number);
    this.#write(`command:${number}`, command);
    this.#write('commands', [...this.#open]);
    return number;
  }
  /** A command has its answer. */
  dropCommand(number: number): void {
    this.#open.delete(number);
    this.#write('commands', this.#open.size > 0 ? [...this.#open] : undefined);
    this.#write(`command:${number}`, undefined);
  }

  #read(name: string): unknown {
    try {
      const text = this.#storage?.getItem(this.#prefix + name);
      return text == null ? undefined : JSON.parse(text);
    } catch (thrown) {
      this.#failed(thrown);
      return undefined;
    }
  }
  #write(name: string, value: unknown): void {
    try {
      if (value === undefined) this.#storage?.removeItem(this.#prefix + name);
      else this.#storage?.setItem(this.#prefix + name, JSON.stringify(value));
    } catch (thrown) {
      this.#failed(thrown);
    }
  }
  #failed(thrown: unknown): void {
    this.#report(Problem.local('storage_failed', 'The storage failed', String(thrown), thrown));
  }
}
