// The performance of the team: points, courses, skills, live.

import { useState } from 'preact/hooks';
import { number, percent } from '../kit/i18n.js';
import { Bar, Name } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { TeamAchievementDialog } from './award.js';
import type { LiveClass, School } from './model.js';
import { t } from './words.js';

export function TeamPart({ school, live }: { school: School; live: LiveClass }) {
  const [isAwarding, setAwarding] = useState(false);
  const team = live.team.value;
  if (live.id === null) return <p class="card">{t('choose.team')}</p>;
  if (!team) return <p>{w('loading')}</p>;
  const figures: [string, string][] = [
    [t('performance.sum'), number(team.points.sum)],
    [t('performance.mean'), number(team.points.mean, 1)],
    [t('performance.rank'), team.rank === null ? '–' : number(team.rank)],
    [t('performance.completion'), percent(team.progress.mean_completion_percentage)],
    [t('performance.units'), number(team.progress.units_completed)],
    [t('performance.achievements'), number(team.achievements)],
  ];
  return (
    <div class="stack">
      <div class="row">
        <h2 class="grow"><Name>{team.name}</Name></h2>
        {(team.members?.length ?? 0) > 0 && <button onClick={() => setAwarding(true)}>{t('award.team')}</button>}
      </div>
      <dl class="figures">
        {figures.map(([label, value]) => <div key={label} class="card"><dt class="soft">{label}</dt><dd class="big">{value}</dd></div>)}
      </dl>
      <div class="grid">
        <section class="card stack">
          <h2>{t('courses')}</h2>
          {team.course_completion.map((course) => (
            <div key={course.qualification_id}>
              <Name>{school.qualification(course.qualification_id) ?? `#${course.qualification_id}`}</Name>
              <Bar label={school.qualification(course.qualification_id) ?? ''} value={course.completion_percentage} />
              <small>{t('course.learners', { done: course.learners_completed, n: course.learners })}</small>
            </div>
          ))}
        </section>
        <section class="card stack">
          <h2>{t('skills')}</h2>
          {team.skills.length === 0 && <p class="soft">{t('skills.none')}</p>}
          {team.skills.map(({ skill, mastery }) => <div key={skill}><Name>{skill}</Name><Bar label={skill} value={mastery * 100} /></div>)}
        </section>
      </div>
      {isAwarding && <TeamAchievementDialog school={school} live={live} onClose={() => setAwarding(false)} />}
    </div>
  );
}
