// Teams, courses and units: what there is, and how it is changed.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Room } from '../kit/session.js';
import { Name, toast, useRead } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Act, Check, Loaded, attempt, usePortion } from './common.js';
import { CourseDialog, TeamDialog, UnitDialog } from './entries.js';
import { byName, isPresent, listed, people, type Course, type Person, type Team, type Unit } from './school.js';
import { isolated, t } from './t.js';

export interface Catalogue {
  teams: Team[];
  courses: Course[];
  units: Unit[];
  people: Person[];
}
export type Editing =
  | { kind: 'team'; entry: Team | undefined }
  | { kind: 'course'; entry: Course | undefined }
  | { kind: 'unit'; entry: Unit | undefined };

export function CatalogueTab({ room }: { room: Room }) {
  const read = useRead(() => readCatalogue(room), []);
  return <Loaded read={read}>{(catalogue) => <Sections room={room} catalogue={catalogue} again={read.again} />}</Loaded>;
}

async function readCatalogue({ http }: Room): Promise<Catalogue> {
  const [teams, courses, units, persons] = await Promise.all([
    listed<Team>(http, '/teams', { archived: true }),
    listed<Course>(http, '/qualifications', { archived: true }),
    listed<Unit>(http, '/units', { archived: true }),
    people(http),
  ]);
  return { teams: teams.sort(byName), courses: courses.sort(byName), units: units.sort((a, b) => byName({ name: a.title }, { name: b.title })), people: persons };
}

function Sections({ room: { http }, catalogue, again }: { room: Room; catalogue: Catalogue; again(): void }) {
  const { teams, courses, units, people } = catalogue;
  const [hasArchived, setArchived] = useState(false);
  const [editing, setEditing] = useState<Editing>();
  const close = (): void => setEditing(undefined);
  const mentorOf = ({ mentor_id }: Team): string | undefined => people.find(({ id }) => id === mentor_id)?.name;
  const courseOf = ({ qualification_id }: Unit): string | undefined => courses.find(({ id }) => id === qualification_id)?.name;
  // What is put again is there again.
  const put = async (path: string, body: object): Promise<void> => {
    await http.request('PUT', path, { body });
    again();
  };
  const archive = async (path: string, name: string, restore: () => Promise<void>): Promise<void> => {
    await http.request('DELETE', path);
    again();
    toast(t('entry.archived', { name: isolated(name) }), 'good', { label: w('undo'), run: () => void attempt(restore, w('done')) });
  };
  const restoreTeam = ({ id, name, mentor_id }: Team) => put(`/teams/${id}`, { name, mentor_id });
  const restoreCourse = ({ id, name }: Course) => put(`/qualifications/${id}`, { name });
  const restoreUnit = ({ id, title, qualification_id, skills }: Unit) => put(`/units/${id}`, { title, qualification_id, skills });
  return (
    <div class="stack">
      <Check label={t('entry.showArchived')} checked={hasArchived} onChange={() => setArchived(!hasArchived)} />
      <Section
        title={t('teams')}
        items={teams.filter((one) => hasArchived || isPresent(one))}
        nameOf={({ name }) => name}
        heads={[t('team.mentor')]}
        cells={(team) => [<Maybe name={mentorOf(team)} />]}
        onOpen={(entry) => setEditing({ kind: 'team', entry })}
        onArchive={(team) => archive(`/teams/${team.id}`, team.name, () => restoreTeam(team))}
        onRestore={restoreTeam}
      />
      <Section
        title={t('courses')}
        items={courses.filter((one) => hasArchived || isPresent(one))}
        nameOf={({ name }) => name}
        heads={[]}
        cells={() => []}
        onOpen={(entry) => setEditing({ kind: 'course', entry })}
        onArchive={(course) => archive(`/qualifications/${course.id}`, course.name, () => restoreCourse(course))}
        onRestore={restoreCourse}
      />
      <Section
        title={t('units')}
        items={units.filter((one) => hasArchived || isPresent(one))}
        nameOf={({ title }) => title}
        heads={[t('unit.course'), t('unit.skills')]}
        cells={(unit) => [<Maybe name={courseOf(unit)} />, unit.skills.map((skill) => <span key={skill} class="tag"><bdi>{skill}</bdi></span>)]}
        onOpen={(entry) => setEditing({ kind: 'unit', entry })}
        onArchive={(unit) => archive(`/units/${unit.id}`, unit.title, () => restoreUnit(unit))}
        onRestore={restoreUnit}
      />
      {editing?.kind === 'team' && <TeamDialog http={http} team={editing.entry} people={people} onDone={again} onClose={close} />}
      {editing?.kind === 'course' && <CourseDialog http={http} course={editing.entry} onDone={again} onClose={close} />}
      {editing?.kind === 'unit' && <UnitDialog http={http} unit={editing.entry} courses={courses} onDone={again} onClose={close} />}
    </div>
  );
}

function Maybe({ name }: { name: string | undefined }) {
  return name === undefined ? <span class="soft">{w('none')}</span> : <Name>{name}</Name>;
}

function Section<Item extends { id: number; archived_at: string | null }>({ title, items, nameOf, heads, cells, onOpen, onArchive, onRestore }: {
  title: string;
  items: readonly Item[];
  nameOf(item: Item): string;
  heads: readonly string[];
  cells(item: Item): ComponentChildren[];
  onOpen(item: Item | undefined): void;
  onArchive(item: Item): Promise<void>;
  onRestore(item: Item): Promise<void>;
}) {
  const [shown, more] = usePortion(items);
  return (
    <section class="card stack">
      <div class="row">
        <h2 class="grow">{title}</h2>
        <button onClick={() => onOpen(undefined)} aria-label={`${title}: ${t('entry.add')}`}>{t('entry.add')}</button>
      </div>
      {items.length === 0 && <p class="soft">{w('nothing')}</p>}
      {items.length > 0 && (
        <div class="scroll">
          <table class="stacked">
            <thead>
              <tr><th scope="col">{t('entry.name')}</th>{heads.map((head) => <th key={head} scope="col">{head}</th>)}<th scope="col"><span class="hidden">{t('actions')}</span></th></tr>
            </thead>
            <tbody>
              {shown.map((item) => (
                <tr key={item.id} class={isPresent(item) ? '' : 'gone'}>
                  <th scope="row" class="who"><Name>{nameOf(item)}</Name><small>#{item.id}</small></th>
                  {cells(item).map((cell, at) => <td key={heads[at]} data-label={heads[at]}>{cell}</td>)}
                  <td>
                    <div class="row end nowrap">
                      {isPresent(item) ? (
                        <>
                          <button class="small" aria-label={t('entry.edit.of', { name: isolated(nameOf(item)) })} onClick={() => onOpen(item)}>{t('entry.edit')}</button>
                          <Act class="small" aria-label={t('entry.archive.of', { name: isolated(nameOf(item)) })} run={() => onArchive(item)}>{t('entry.archive')}</Act>
                        </>
                      ) : (
                        <Act class="small" run={() => onRestore(item)} done={w('done')}>{t('person.restore')}</Act>
                      )}
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more}
    </section>
  );
}
