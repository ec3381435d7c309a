// News as toasts, or in quiet mode as a number.

import { signal } from '@preact/signals';
import type { Action, Earned, TopicMessage } from 'homeroom-sdk';
import { achievementWord, actionWord, reasonWord, tierWord, withAgain } from '../kit/words.js';
import { toast } from '../kit/ui.js';
import type { Me } from './model.js';
import { t } from './words.js';

const STORED = 'homeroom.quiet';
/** As long as a toast stays. */
const TOLD_MS = 6_000;

/** Whether pop-ups stay away. */
export const isQuiet = signal(localStorage.getItem(STORED) === 'yes');
/** What came while it was quiet. */
export const unseen = signal(0);

export function setQuiet(quiet: boolean): void {
  localStorage.setItem(STORED, quiet ? 'yes' : 'no');
  isQuiet.value = quiet;
  unseen.value = 0;
}

interface News {
  text: string;
  tone: 'good' | 'plain';
}

export function tellNews(me: Me): void {
  me.onMessage((message) => {
    if (message.type === 'points_refused') return tellRefusal(me, message.data);
    const news = sentence(me, message);
    if (news) tell(news);
  });
}

function tell({ text, tone }: News): void {
  if (isQuiet.value) unseen.value += 1;
  else toast(text, tone);
}

interface Refusal {
  event_id: number;
  action_type: Action;
  reference_id: number;
  reason: string;
  retry_at: string | null;
}

/** Receipts of refusals that were told just now: a message and the answer to an attempt of this page say the same. */
const told = new Set<number>();

function tellRefusal(me: Me, { event_id, action_type, reference_id, reason, retry_at }: Refusal): void {
  if (told.has(event_id)) return;
  told.add(event_id);
  setTimeout(() => told.delete(event_id), TOLD_MS);
  const what = me.unitTitle(reference_id) ?? '';
  const refused = t('toast.refused', { action: actionWord(action_type), what, reason: reasonWord(reason) });
  tell({ text: withAgain(refused, retry_at), tone: 'plain' });
}

/** Tells why an attempt got no points: what is refused again on the same day makes no message. */
export function tellAnswer(me: Me, { event_id, action_type, reference_id, awarded, reason, retry_at = null }: Earned): void {
  if (!awarded && reason !== undefined) tellRefusal(me, { event_id, action_type, reference_id, reason, retry_at });
}

function sentence(me: Me, message: TopicMessage): News | undefined {
  switch (message.type) {
    case 'points_update': {
      const { action_type, reference_id, points } = message.data;
      const what = me.unitTitle(reference_id) ?? '';
      return { text: t('toast.points', { points, action: actionWord(action_type), what }), tone: 'good' };
    }
    case 'points_reversed': {
      const { points, reason } = message.data;
      return { text: t('toast.reversed', { points: Math.abs(points), reason: reason ?? '' }), tone: 'plain' };
    }
    case 'points_adjusted':
      return { text: t('toast.adjusted', { total: message.data.total }), tone: 'plain' };
    case 'achievement_unlocked': {
      const { achievement_type, tier } = message.data;
      return { text: t('toast.achievement', { achievement: achievementWord(achievement_type), tier: tierWord(tier) }), tone: 'good' };
    }
    case 'announcement':
      return { text: t('toast.announcement', { text: message.data.text }), tone: 'plain' };
    default:
      return undefined;
  }
}
