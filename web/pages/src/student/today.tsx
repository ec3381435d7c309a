// Today: units by course with what is done, reporting, announcements, skills.

import { useState } from 'preact/hooks';
import { ago, day, percent } from '../kit/i18n.js';
import { Bar, Dialog, Name, toastProblem } from '../kit/ui.js';
import { w } from '../kit/words.js';
import type { Me, UnitLine } from './model.js';
import { tellAnswer } from './news.js';
import { t } from './words.js';

const STEP = 10;

export function Today({ me }: { me: Me }) {
  const [open, setOpen] = useState<number>();
  const progress = me.learner.value?.progress;
  const lines = me.lines.value;
  if (!progress || !lines) return <p>{w('loading')}</p>;
  const courses = [...new Set(lines.map((line) => line.qualification_id))];
  const chosen = lines.find((line) => line.id === open);
  return (
    <div class="stack">
      <p>{t('units.done', { done: progress.units_completed, total: progress.units_total })}</p>
      {lines.length === 0 && <p class="card">{t('noUnits')}</p>}
      {courses.map((course) => (
        <Course key={course ?? 0} me={me} course={course} lines={lines.filter((line) => line.qualification_id === course)} onOpen={setOpen} />
      ))}
      <div class="grid">
        <Announcements me={me} />
        {progress.skills.length > 0 && (
          <section class="card stack">
            <h2>{t('skills')}</h2>
            {progress.skills.map(({ skill, mastery }) => (
              <div key={skill}><Name>{skill}</Name><Bar label={skill} value={mastery * 100} /></div>
            ))}
          </section>
        )}
      </div>
      {chosen && <UnitDialog me={me} line={chosen} onClose={() => setOpen(undefined)} />}
    </div>
  );
}

function Course({ me, course, lines, onOpen }: { me: Me; course: number | null; lines: readonly UnitLine[]; onOpen(unit: number): void }) {
  const name = me.qualifications.value.find(({ id }) => id === course)?.name ?? t('noCourse');
  const whole = me.learner.value?.progress.qualifications.find(({ qualification_id }) => qualification_id === course);
  return (
    <section class="card stack">
      <div class="row">
        <h2 class="grow"><Name>{name}</Name></h2>
        {whole && <span class="soft">{percent(whole.completion_percentage)}</span>}
      </div>
      <ul class="list">
        {lines.map((line) => (
          <li key={line.id}>
            <button class="unit" onClick={() => onOpen(line.id)}>
              <span class="unit-title">{line.completed_at !== null && <span aria-hidden="true">✓ </span>}<Name>{line.title}</Name></span>
              <Bar label={t('unit.progress', { unit: line.title })} value={line.percent} />
              <span class="hidden">{percent(line.percent)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function UnitDialog({ me, line, onClose }: { me: Me; line: UnitLine; onClose(): void }) {
  const least = Math.ceil(line.percent / STEP) * STEP;
  const [wished, setWished] = useState(least);
  const value = Math.max(wished, least);
  const read = (): void => void me.read(line.id).then(({ data }) => tellAnswer(me, data)).catch(toastProblem);
  const report = (percentage: number): void => void me.report(line.id, percentage).catch(toastProblem);
  return (
    <Dialog title={line.title} onClose={onClose}>
      {/* Every button closes the dialog as the browser does it, so that the focus goes back to the unit. */}
      <form method="dialog" class="stack">
        {line.completed_at === null ? (
          <>
            <label class="field">
              <span>{t('unit.report')} <output>{percent(value)}</output></span>
              <input type="range" min={least} max={100} step={STEP} value={value} aria-valuetext={percent(value)} onInput={(event) => setWished(Number(event.currentTarget.value))} />
            </label>
            <div class="row">
              <button onClick={() => report(value)}>{t('unit.save')}</button>
              <button class="primary" onClick={() => report(100)}>{t('unit.done')}</button>
            </div>
          </>
        ) : (
          <p>{t('unit.completed', { day: day(line.completed_at) })}</p>
        )}
        <button onClick={read}>{t('unit.read')}</button>
      </form>
    </Dialog>
  );
}

function Announcements({ me }: { me: Me }) {
  const list = me.announcements.value;
  return (
    <section class="card stack">
      <h2>{t('announcements')}</h2>
      {list.length === 0 && <p class="soft">{t('announcements.none')}</p>}
      <ul class="list">
        {list.map(({ announcement_id, text, from, at }) => (
          <li key={announcement_id}>
            <p dir="auto" class="text">{text}</p>
            <small>{from !== null && <><Name>{from}</Name> · </>}{ago(at)}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}
