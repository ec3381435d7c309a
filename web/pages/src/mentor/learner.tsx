// One learner: units, skills, achievements and the ledger, of now or as of a past moment.

import type { Achievements, Progress } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import { day, moment, number, percent } from '../kit/i18n.js';
import { Bar, Dialog, Field, Name, Problem, toastProblem, useRead } from '../kit/ui.js';
import { achievementWord, criterionWord, tierWord, w } from '../kit/words.js';
import { AwardDialog } from './award.js';
import { Ledger, totalAt } from './ledger.js';
import type { LiveClass, School } from './model.js';
import { t } from './words.js';

export function LearnerPage({ school, live, id }: { school: School; live: LiveClass; id: number }) {
  return id > 0 ? <Learner key={id} school={school} live={live} id={id} /> : null;
}

interface Shown {
  progress: Progress;
  achievements: Achievements;
}

function Learner({ school, live, id }: { school: School; live: LiveClass; id: number }) {
  const { http } = school.room;
  const [dialog, setDialog] = useState<'award' | 'pin'>();
  const [at, setAt] = useState('');
  const known = live.learner(id).value;
  const { data, thrown } = useRead<Shown>(
    async () => ({ progress: await http.progress(id), achievements: await http.achievements(id) }),
    [id],
  );
  const shown = known ?? data;
  if (!shown) return thrown === undefined ? <p>{w('loading')}</p> : <Problem thrown={thrown} />;
  const then = at === '' ? undefined : new Date(at).getTime();
  const name = live.name(id);
  return (
    <div class="stack">
      <p><a href="#class">{t('learner.back')}</a></p>
      <div class="row">
        <h2 class="grow"><Name>{name}</Name> <span class="tag">{w('points', { n: shown.progress.points.total })}</span> <span class="tag">{w('level', { n: shown.progress.points.level })}</span></h2>
        <button onClick={() => setDialog('award')}>{t('award')}</button>
        <button onClick={() => setDialog('pin')}>{t('pin')}</button>
      </div>
      <div class="row wishes">
        <Field label={t('learner.choose')} type="datetime-local" value={at} onChange={(event: Event) => setAt((event.currentTarget as HTMLInputElement).value)} />
        {then !== undefined && <button onClick={() => setAt('')}>{t('learner.now')}</button>}
      </div>
      {then !== undefined && <Then school={school} id={id} shown={shown} at={then} />}
      <div class="grid">
        <Units school={school} progress={shown.progress} at={then} />
        {/* How well skills were known then nobody keeps. */}
        {then === undefined && <Skills progress={shown.progress} />}
        <Earned achievements={shown.achievements} at={then} />
      </div>
      <Ledger school={school} live={live} id={id} at={then} />
      {dialog === 'award' && <AwardDialog school={school} who={{ id, name }} onClose={() => setDialog(undefined)} />}
      {dialog === 'pin' && <PinDialog school={school} id={id} name={name} onClose={() => setDialog(undefined)} />}
    </div>
  );
}

const before = (iso: string | null, at: number | undefined): boolean => iso !== null && (at === undefined || Date.parse(iso) <= at);

/** What follows from the ledger and from what has a moment. */
function Then({ school, id, shown, at }: { school: School; id: number; shown: Shown; at: number }) {
  const { data } = useRead(() => totalAt(school.room.http, id, at), [id, at]);
  const units = shown.progress.units.filter(({ completed_at }) => before(completed_at, at)).length;
  const achievements = shown.achievements.achievements.filter(({ earned_at }) => before(earned_at, at)).length;
  if (data === undefined) return <p>{w('loading')}</p>;
  return (
    <p class="banner" role="status">
      <b>{t('learner.asOf', { time: moment(new Date(at).toISOString()) })}</b>: {t('learner.then', { points: data, units, achievements })}
    </p>
  );
}

function Units({ school, progress, at }: { school: School; progress: Progress; at: number | undefined }) {
  const units = at === undefined ? progress.units : progress.units.filter(({ completed_at }) => before(completed_at, at));
  return (
    <section class="card stack">
      <h2>{t('learner.units')}</h2>
      {units.length === 0 && <p class="soft">{t('learner.none')}</p>}
      {units.map(({ unit_id, progress_percentage, completed_at }) => {
        const title = school.unit(unit_id) ?? `#${unit_id}`;
        return (
          <div key={unit_id}>
            <Name>{title}</Name>{completed_at !== null && <small> · {day(completed_at)}</small>}
            <Bar label={title} value={progress_percentage} />
          </div>
        );
      })}
      {at === undefined && progress.qualifications.map((one) => (
        <p key={one.qualification_id}><Name>{school.qualification(one.qualification_id) ?? ''}</Name>: {percent(one.completion_percentage)}</p>
      ))}
    </section>
  );
}

function Skills({ progress }: { progress: Progress }) {
  return (
    <section class="card stack">
      <h2>{t('skills')}</h2>
      {progress.skills.length === 0 && <p class="soft">{t('skills.none')}</p>}
      {progress.skills.map(({ skill, mastery }) => <div key={skill}><Name>{skill}</Name><Bar label={skill} value={mastery * 100} /></div>)}
    </section>
  );
}

function Earned({ achievements, at }: { achievements: Achievements; at: number | undefined }) {
  const types = [...new Set(achievements.achievements.map((one) => one.achievement_type))];
  return (
    <section class="card stack">
      <h2>{t('learner.achievements')}</h2>
      {types.map((type) => {
        const tiers = achievements.achievements.filter((one) => one.achievement_type === type);
        const next = tiers.find((one) => !before(one.earned_at, at));
        return (
          <details key={type}>
            <summary>
              {achievementWord(type)}{' '}
              {tiers.filter((one) => before(one.earned_at, at)).map((one) => <span key={one.tier} class="tag tag-good" title={t('learner.earned', { day: day(one.earned_at ?? '') })}>{tierWord(one.tier)}</span>)}
            </summary>
            {next && at === undefined && next.criteria.map(({ key, current, target }) => (
              <div key={key}>
                <span>{criterionWord(key)}</span>
                <Bar label={criterionWord(key)} value={target > 0 ? (100 * current) / target : 100} text={t('learner.towards', { current: number(current, 2), target: number(target, 2) })} />
              </div>
            ))}
          </details>
        );
      })}
    </section>
  );
}

function PinDialog({ school, id, name, onClose }: { school: School; id: number; name: string; onClose(): void }) {
  const [pin, setPin] = useState<string>();
  const make = async (): Promise<void> => {
    const { data } = await school.room.http.request<{ pin: string }>('POST', `/users/${id}/pin`, { body: {} });
    setPin(data.pin);
  };
  return (
    <Dialog title={t('pin.title', { name })} onClose={onClose}>
      <div class="stack">
        <p>{t('pin.hint')}</p>
        {pin === undefined ? <button class="primary" onClick={() => void make().catch(toastProblem)}>{t('pin.make')}</button> : <p class="code" dir="ltr">{pin}</p>}
      </div>
    </Dialog>
  );
}
