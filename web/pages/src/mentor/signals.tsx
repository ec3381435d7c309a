// Whom to look at: stuck, silent, nearly there, in words.

import { useEffect, useState } from 'preact/hooks';
import { number } from '../kit/i18n.js';
import { Name, useRead } from '../kit/ui.js';
import { achievementWord, tierWord } from '../kit/words.js';
import type { LiveClass, School } from './model.js';
import { t } from './words.js';

interface Signal {
  kind: 'stuck' | 'silent' | 'nearly_there';
  reason: 'unit_not_completed' | 'quizzes_failed' | 'no_activity' | 'qualification_nearly_complete' | 'achievement_nearly_earned';
  user_id: number;
  name: string | null;
  unit_id?: number;
  days?: number;
  quizzes_failed?: number;
  qualification_id?: number;
  units_completed?: number;
  units_total?: number;
  achievement_type?: string;
  tier?: string;
  current?: number;
  target?: number;
}

/** Days pass without a message, too. */
const READ_EVERY_MS = 60_000;
const READ_AFTER_MS = 2_000;
const SHOWN_MAX = 100;
const TAGS = { stuck: 'tag-bad', silent: 'tag-warn', nearly_there: 'tag-good' } as const;

export function Signals({ school, live }: { school: School; live: LiveClass }) {
  const [turn, setTurn] = useState(0);
  const happened = live.turn.value;
  useEffect(() => {
    const again = (): void => setTurn((before) => before + 1);
    const timer = setTimeout(again, happened > 0 ? READ_AFTER_MS : READ_EVERY_MS);
    const every = setInterval(again, READ_EVERY_MS);
    return () => {
      clearTimeout(timer);
      clearInterval(every);
    };
  }, [happened]);
  const { data } = useRead(() => read(school, live), [live, turn]);
  if (!data) return null;
  return (
    <section class="card">
      <details open={data.length > 0 && data.length <= 5}>
        <summary><h2 class="inline">{t('signals')}</h2> <span class="tag">{t('signals.some', { n: data.length })}</span></summary>
        {data.length === 0 && <p>{t('signals.none')}</p>}
        <ul class="list signals">
          {data.map((signal) => (
            <li key={`${signal.user_id} ${signal.reason} ${signal.unit_id} ${signal.achievement_type} ${signal.tier}`}>
              <span class={`tag ${TAGS[signal.kind]}`}>{t(`signal.${signal.kind}`)}</span>{' '}
              <a href={`#learner/${signal.user_id}`}><Name>{signal.name ?? `#${signal.user_id}`}</Name></a>: {sentence(school, signal)}
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

/** Of one team, or of all teams: who is in two stands once. */
async function read(school: School, live: LiveClass): Promise<Signal[]> {
  const teams = live.id === null ? school.teams.value.map(({ id }) => id) : [live.id];
  const pages = await Promise.all(teams.map((id) => school.room.http.get<{ signals: Signal[] }>(`/team/${id}/signals`, { limit: SHOWN_MAX })));
  const found = new Map(pages.flatMap(({ signals }) => signals).map((signal) => [JSON.stringify(signal), signal]));
  return [...found.values()].slice(0, SHOWN_MAX);
}

function sentence(school: School, signal: Signal): string {
  return t(`why.${signal.reason}`, {
    unit: school.unit(signal.unit_id) ?? '',
    days: signal.days ?? 0,
    n: signal.quizzes_failed ?? 0,
    done: signal.units_completed ?? 0,
    total: signal.units_total ?? 0,
    course: school.qualification(signal.qualification_id) ?? '',
    achievement: achievementWord(signal.achievement_type ?? ''),
    tier: tierWord(signal.tier ?? ''),
    current: number(signal.current ?? 0, 2),
    target: number(signal.target ?? 0, 2),
  });
}
