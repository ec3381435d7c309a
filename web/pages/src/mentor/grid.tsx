// The live grid: a row a learner, a column a unit.

import { useState } from 'preact/hooks';
import { memo } from '../kit/memo.js';
import type { Unit } from '../kit/catalogue.js';
import { number, percent } from '../kit/i18n.js';
import { Name, Select } from '../kit/ui.js';
import { AwardDialog } from './award.js';
import { LIVE_MAX, type LiveClass, type Person, type School } from './model.js';
import { t } from './words.js';

export function Grid({ school, live, people }: { school: School; live: LiveClass; people: readonly Person[] }) {
  const [awarding, setAwarding] = useState<Person>();
  const [wanted, setWanted] = useState<string>();
  const courses = coursesOf(school, live);
  const course = wanted ?? courses[0]?.[0] ?? ALL;
  const units = course === ALL ? school.units.value : school.units.value.filter(({ qualification_id }) => String(qualification_id ?? NONE) === course);
  return (
    <section class="card stack">
      <div class="row">
        <h2 class="grow">{t('grid')}</h2>
        {courses.length > 1 && <Select label={t('grid.course')} value={course} options={courses} onChange={setWanted} />}
        {live.id !== null && <span class="tag tag-good">{t('present', { n: people.filter(({ id }) => live.present.value.has(id)).length })}</span>}
      </div>
      {people.length > LIVE_MAX && <p class="soft">{t('tooMany', { n: LIVE_MAX })}</p>}
      <div class="scroll grid-scroll" tabIndex={0} role="region" aria-label={t('grid')}>
        <table class="class-grid">
          <thead>
            <tr>
              <th scope="col" class="pinned">{t('grid.learner')}</th>
              <th scope="col" class="number">{t('grid.points')}</th>
              <th scope="col" class="number">{t('grid.level')}</th>
              {units.map((unit) => <th key={unit.id} scope="col" class="unit-head"><span class="unit-name" title={unit.title}><Name>{unit.title}</Name></span></th>)}
              <th scope="col"><span class="hidden">{t('award')}</span></th>
            </tr>
          </thead>
          <tbody>
            {people.slice(0, LIVE_MAX).map((person) => (
              <Row key={person.id} live={live} id={person.id} name={person.name} units={units} onAward={setAwarding} />
            ))}
          </tbody>
        </table>
      </div>
      {awarding && <AwardDialog school={school} who={awarding} onClose={() => setAwarding(undefined)} />}
    </section>
  );
}

const ALL = 'all';
const NONE = 'none';
/** More columns than this are shown only when asked for. */
const COLUMNS_MAX = 40;

/** The courses that units stand in, those of the team first, the one with most learners before all. */
function coursesOf(school: School, live: LiveClass): [string, string][] {
  const learners = new Map(live.team.value?.course_completion.map((course) => [course.qualification_id, course.learners]));
  const ids = [...new Set(school.units.value.map(({ qualification_id }) => qualification_id))];
  ids.sort((one, other) => (learners.get(other ?? 0) ?? 0) - (learners.get(one ?? 0) ?? 0));
  const courses = ids.map((id): [string, string] => [String(id ?? NONE), id === null ? t('grid.noCourse') : (school.qualification(id) ?? `#${id}`)]);
  const all: [string, string] = [ALL, t('grid.all')];
  return school.units.value.length > COLUMNS_MAX ? [...courses, all] : [all, ...courses];
}

interface RowProps {
  live: LiveClass;
  id: number;
  name: string;
  units: readonly Unit[];
  onAward(person: Person): void;
}

/** Reads its own learner alone, so that a message about somebody else does not draw it. */
const Row = memo(function Row({ live, id, name, units, onAward }: RowProps) {
  const learner = live.learner(id).value;
  const made = new Map(learner?.progress.units.map((unit) => [unit.unit_id, unit]));
  return (
    <tr data-learner={id}>
      <th scope="row" class="pinned">
        <Presence live={live} id={id} />
        <a href={`#learner/${id}`}><Name>{name}</Name></a>
      </th>
      <td class="number" data-points={learner?.progress.points.total}>{learner ? number(learner.progress.points.total) : '–'}</td>
      <td class="number">{learner ? number(learner.progress.points.level) : '–'}</td>
      {units.map((unit) => <Cell key={unit.id} title={unit.title} value={made.get(unit.id)?.progress_percentage ?? 0} />)}
      <td><button class="small" onClick={() => onAward({ id, name })}>{t('award')}<span class="hidden"> <Name>{name}</Name></span></button></td>
    </tr>
  );
});

function Presence({ live, id }: { live: LiveClass; id: number }) {
  if (live.id === null) return null;
  const isHere = live.present.value.has(id);
  return <span class={`presence ${isHere ? 'presence-here' : ''}`}><span class="hidden">{isHere ? t('here') : t('away')} </span></span>;
}

const STEPS = 4;

const Cell = memo(function Cell({ title, value }: { title: string; value: number }) {
  if (value >= 100) return <td class="cell cell-done"><span aria-hidden="true">✓</span><span class="hidden">{t('grid.done', { unit: title })}</span></td>;
  return <td class={`cell cell-${Math.ceil((value / 100) * STEPS)}`}>{value > 0 ? percent(value) : <span class="soft">–</span>}</td>;
});
