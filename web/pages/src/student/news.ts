// News as toasts, or in quiet mode as a number.

import { signal } from '@preact/signals';
import type { TopicMessage } from 'homeroom-sdk';
import { achievementWord, actionWord, reasonWord, tierWord } from '../kit/words.js';
import { toast } from '../kit/ui.js';
import type { Me } from './model.js';
import { t } from './words.js';

const STORED = 'homeroom.quiet';

/** Whether pop-ups stay away. */
export const isQuiet = signal(localStorage.getItem(STORED) === 'yes');
/** What came while it was quiet. */
export const unseen = signal(0);

export function setQuiet(quiet: boolean): void {
  localStorage.setItem(STORED, quiet ? 'yes' : 'no');
  isQuiet.value = quiet;
  unseen.value = 0;
}

export function tellNews(me: Me): void {
  me.onMessage((message) => {
    const news = sentence(me, message);
    if (!news) return;
    if (isQuiet.value) unseen.value += 1;
    else toast(news.text, news.tone);
  });
}

function sentence(me: Me, message: TopicMessage): { text: string; tone: 'good' | 'plain' | 'bad' } | undefined {
  switch (message.type) {
    case 'points_update': {
      const { action_type, reference_id, points } = message.data;
      const what = me.unitTitle(reference_id) ?? '';
      return { text: t('toast.points', { points, action: actionWord(action_type), what }), tone: 'good' };
    }
    case 'points_refused': {
      const { action_type, reference_id, reason } = message.data;
      const what = me.unitTitle(reference_id) ?? '';
      return { text: t('toast.refused', { action: actionWord(action_type), what, reason: reasonWord(reason) }), tone: 'plain' };
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
