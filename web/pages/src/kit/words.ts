// The words that all pages share: actions, reasons, achievements, problems.

import type { Action, LedgerEntry } from 'homeroom-sdk';
import de from './de.json';
import en from './en.json';
import { looker, moment, near, translator } from './i18n.js';

export const w = translator<typeof en>({ en, de });
const known = looker({ en, de });

export const actionWord = (action: Action | string): string => known(`action.${action}`) ?? action;
export const reasonWord = (reason: string): string => known(`reason.${reason}`) ?? reason;
export const achievementWord = (type: string): string => known(`achievement.${type}`) ?? type;
export const tierWord = (tier: string): string => known(`tier.${tier}`) ?? tier;
export const criterionWord = (key: string): string => known(`criterion.${key}`) ?? key;

/** A failure in the viewer's words: by its code where we have words for it, else as the node says it. */
export function problemWord(thrown: unknown): string {
  const problem = thrown as { code?: string; detail?: string; message?: string };
  const named = problem.code === undefined ? undefined : known(`problem.${problem.code}`);
  return named ?? problem.detail ?? problem.message ?? w('problem.unknown');
}

/** A refusal with when it counts again, where the rules name a time. */
export const withAgain = (refused: string, retry_at: string | null | undefined): string =>
  retry_at ? `${refused}. ${w('again', { time: near(retry_at) })}` : refused;

/** One entry of a ledger as a sentence, a refusal with when it counts again. `unit` names what the reference is, if it is a unit. */
export function ledgerWord(entry: LedgerEntry, unit: string | undefined): string {
  const what = unit ?? (entry.reference_id === null ? '' : `#${entry.reference_id}`);
  const action = entry.action_type === null ? '' : actionWord(entry.action_type);
  const reason = entry.reason === null ? '' : reasonWord(entry.reason);
  const sentence = known(`ledger.${entry.kind}`, { action, what, reason });
  return withAgain(sentence?.trim() ?? [action, what, reason].filter(Boolean).join(' · '), entry.retry_at);
}

export const until = (iso: string): string => w('until', { time: moment(iso) });
