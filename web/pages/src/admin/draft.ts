// The text of the rules editor that is not applied yet. It outlives another tab and a reload, which somebody who works on
// it for an hour does not expect to lose it to; the browser forgets it with the window.

export interface Draft {
  /** The version in force that the text was begun from. */
  version: number;
  text: string;
}

const STORED = 'homeroom.rules.draft';

export function keptDraft(): Draft | undefined {
  const kept = sessionStorage.getItem(STORED);
  return kept === null ? undefined : (JSON.parse(kept) as Draft);
}

export function keepDraft(draft: Draft): void {
  sessionStorage.setItem(STORED, JSON.stringify(draft));
}

export function dropDraft(): void {
  sessionStorage.removeItem(STORED);
}
