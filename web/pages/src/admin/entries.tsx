// The forms of teams, courses and units.

import type { HomeroomHttp } from 'homeroom-sdk';
import { Field, FormDialog, toast } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Choice } from './common.js';
import { byName, isPresent, type Course, type Person, type Team, type Unit } from './school.js';
import { isolated, t } from './t.js';

interface Shown {
  http: HomeroomHttp;
  onDone(): void;
  onClose(): void;
}

/** Makes something new, or changes what is there. */
async function keep({ http, onDone }: Shown, path: string, id: number | undefined, body: object): Promise<void> {
  await (id === undefined ? http.request('POST', path, { body }) : http.request('PATCH', `${path}/${id}`, { body }));
  onDone();
  toast(w('done'), 'good');
}

const chosen = (fields: FormData, name: string): number | null => Number(fields.get(name)) || null;
const choices = (items: readonly { id: number; name: string }[]) =>
  [['', w('none')] as const, ...items.map(({ id, name }) => [String(id), isolated(name)] as const)];

export function TeamDialog({ team, people, ...shown }: Shown & { team: Team | undefined; people: readonly Person[] }) {
  const mentors = people.filter(({ id, role }) => role === 'mentor' || id === team?.mentor_id).sort(byName);
  const save = (fields: FormData): Promise<void> =>
    keep(shown, '/teams', team?.id, { name: fields.get('name'), mentor_id: chosen(fields, 'mentor') });
  return (
    <FormDialog title={t('team')} action={w('save')} onSubmit={save} onClose={shown.onClose}>
      <Field label={t('entry.name')} name="name" required maxLength={100} defaultValue={team?.name ?? ''} dir="auto" />
      <Choice label={t('team.mentor')} name="mentor" initial={String(team?.mentor_id ?? '')} options={choices(mentors)} />
      {mentors.length === 0 && <small>{t('team.noMentors')}</small>}
    </FormDialog>
  );
}

export function CourseDialog({ course, ...shown }: Shown & { course: Course | undefined }) {
  const save = (fields: FormData): Promise<void> => keep(shown, '/qualifications', course?.id, { name: fields.get('name') });
  return (
    <FormDialog title={t('course')} action={w('save')} onSubmit={save} onClose={shown.onClose}>
      <Field label={t('entry.name')} name="name" required maxLength={200} defaultValue={course?.name ?? ''} dir="auto" />
    </FormDialog>
  );
}

export function UnitDialog({ unit, courses, ...shown }: Shown & { unit: Unit | undefined; courses: readonly Course[] }) {
  const save = (fields: FormData): Promise<void> => {
    const skills = String(fields.get('skills')).split(',').map((skill) => skill.trim()).filter(Boolean);
    return keep(shown, '/units', unit?.id, { title: fields.get('title'), qualification_id: chosen(fields, 'course'), skills: [...new Set(skills)] });
  };
  return (
    <FormDialog title={t('unit')} action={w('save')} onSubmit={save} onClose={shown.onClose}>
      <Field label={t('unit.title')} name="title" required maxLength={200} defaultValue={unit?.title ?? ''} dir="auto" />
      <Choice label={t('unit.course')} name="course" initial={String(unit?.qualification_id ?? '')} options={choices(courses.filter((one) => isPresent(one) || one.id === unit?.qualification_id))} />
      <Field label={t('unit.skills')} hint={t('unit.skills.hint')} name="skills" defaultValue={unit?.skills.join(', ') ?? ''} dir="auto" />
    </FormDialog>
  );
}
