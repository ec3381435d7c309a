// Achievements: what is earned, and how far the next tier is.

import type { Achievement, Tier } from 'homeroom-sdk';
import { day, number } from '../kit/i18n.js';
import { Bar } from '../kit/ui.js';
import { achievementWord, criterionWord, tierWord, w } from '../kit/words.js';
import type { Me } from './model.js';
import { t } from './words.js';

const TIERS: readonly Tier[] = ['bronze', 'silver', 'gold'];

export function Achieved({ me }: { me: Me }) {
  const all = me.learner.value?.achievements.achievements;
  if (!all) return <p>{w('loading')}</p>;
  const types = [...new Set(all.map((one) => one.achievement_type))];
  return (
    <div class="grid">
      {types.map((type) => <AchievementCard key={type} type={type} tiers={all.filter((one) => one.achievement_type === type)} />)}
    </div>
  );
}

function AchievementCard({ type, tiers }: { type: string; tiers: readonly Achievement[] }) {
  const ordered = TIERS.map((tier) => tiers.find((one) => one.tier === tier)).filter((one) => one !== undefined);
  const next = ordered.find((one) => one.earned_at === null);
  return (
    <section class="card stack">
      <h2>{achievementWord(type)}</h2>
      <ul class="tiers">
        {ordered.map(({ tier, earned_at }) => (
          <li key={tier} class={`medal medal-${tier} ${earned_at === null ? 'medal-locked' : ''}`}>
            <b>{tierWord(tier)}</b>
            <small>{earned_at === null ? '–' : t('achievements.earned', { day: day(earned_at) })}</small>
          </li>
        ))}
      </ul>
      {next ? (
        <>
          <h3>{t('achievements.next', { tier: tierWord(next.tier) })}</h3>
          {next.criteria.map(({ key, current, target, met }) => (
            <div key={key}>
              <span>{criterionWord(key)}</span>
              <Bar
                label={criterionWord(key)}
                value={target > 0 ? (100 * current) / target : 100}
                text={met ? t('criterion.met') : t('criterion', { current: number(current, 2), target: number(target, 2) })}
              />
            </div>
          ))}
        </>
      ) : (
        <p>{t('achievements.all')}</p>
      )}
    </section>
  );
}
