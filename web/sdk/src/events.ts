// Listeners by name, with types. A listener that throws harms nobody else.

/** Removes a listener. */
export type Off = () => void;

/** Listeners of the events of `Map`: name → argument. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** Adds a listener and gives what removes it. */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): Off {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all);
    all.add(listener as (value: never) => void);
    return () => void all.delete(listener as (value: never) => void);
  }

  protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as (value: Events[Name]) => void)(value);
      } catch (thrown) {
        // Like an exception in a listener of the page: seen in the console, without stopping what is going on here.
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }
}
