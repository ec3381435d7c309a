// One person: their form, and everything else that can be done about them.

import type { HomeroomHttp } from 'homeroom-sdk';
import { addressOf, type HostedClass } from '../kit/invite.js';
import type { Room } from '../kit/session.js';
import { Dialog, Field, Form, Name, saveFile, toast } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Act, Check, Choice, attempt } from './common.js';
import { EraseDialog, MergeDialog, PinDialog } from './deeds.js';
import { PERSON_ROLES, byName, isPresent, type Person, type School } from './school.js';
import { PersonLinkDialog } from './signin.js';
import { isolated, roleWord, t } from './t.js';

export type Opened = { deed: 'add' } | { deed: 'edit' | 'pin' | 'merge' | 'erase' | 'link'; person: Person };

interface Shown {
  room: Room;
  school: School;
  onOpen(opened: Opened | undefined): void;
  /** Something is different now. */
  onDone(): void;
}

/** The dialog that is open, if one is. */
export function PersonDialogs({ classroom, opened, ...shown }: Shown & { classroom: HostedClass; opened: Opened | undefined }) {
  const { room, school, onOpen, onDone } = shown;
  const close = (): void => onOpen(undefined);
  switch (opened?.deed) {
    case undefined:
      return null;
    case 'add':
      return <PersonForm key="add" {...shown} />;
    case 'edit':
      return <PersonForm key={opened.person.id} {...shown} person={opened.person} />;
    case 'pin':
      return <PinDialog http={room.http} person={opened.person} onClose={close} />;
    case 'merge':
      return <MergeDialog http={room.http} person={opened.person} people={school.people} onDone={onDone} onClose={close} />;
    case 'erase':
      return <EraseDialog http={room.http} person={opened.person} onDone={onDone} onClose={close} />;
    case 'link':
      return <PersonLinkDialog http={room.http} origin={addressOf(classroom)} person={opened.person} onClose={close} />;
  }
}

function PersonForm({ room: { http }, school, person, onOpen, onDone }: Shown & { person?: Person }) {
  const teams = school.teams.filter(isPresent).sort(byName);
  const before = new Set(person && school.teamsOf.get(person.id));
  const save = async (fields: FormData): Promise<void> => {
    const body = { name: String(fields.get('name')), alias: String(fields.get('alias')).trim() || null, role: fields.get('role') };
    const kept = person ? http.request<Person>('PATCH', `/users/${person.id}`, { body }) : http.request<Person>('POST', '/users', { body });
    const { data } = await kept;
    try {
      await putIntoTeams(http, data.id, before, new Set(fields.getAll('team').map(Number)));
    } finally {
      onDone();
    }
    onOpen(undefined);
    const isNew = !person && data.role === 'student';
    toast(t('person.saved', { name: isolated(data.name) }), 'good', isNew ? { label: t('pin.new'), run: () => onOpen({ deed: 'pin', person: data }) } : undefined);
  };
  return (
    <Dialog title={person ? t('person.edit') : t('roster.add')} onClose={() => onOpen(undefined)}>
      <div class="stack">
        {(!person || isPresent(person)) && (
          <Form action={w('save')} onSubmit={save}>
            <Field label={t('person.name')} name="name" required maxLength={200} defaultValue={person?.name ?? ''} dir="auto" />
            <Field label={t('person.alias')} hint={t('person.alias.hint')} name="alias" maxLength={200} defaultValue={person?.alias ?? ''} dir="auto" />
            <Choice label={t('person.role')} name="role" initial={person?.role ?? 'student'} options={PERSON_ROLES.map((role) => [role, roleWord(role)] as const)} />
            {teams.length > 0 && (
              <fieldset>
                <legend>{t('person.teams')}</legend>
                <div class="picks">
                  {teams.map(({ id, name }) => <Check key={id} label={name} name="team" value={id} defaultChecked={before.has(id)} />)}
                </div>
              </fieldset>
            )}
          </Form>
        )}
        {person && <Deeds http={http} person={person} onOpen={onOpen} onDone={onDone} />}
      </div>
    </Dialog>
  );
}

async function putIntoTeams(http: HomeroomHttp, id: number, before: ReadonlySet<number>, after: ReadonlySet<number>): Promise<void> {
  for (const team of after) if (!before.has(team)) await http.request('PUT', `/teams/${team}/members/${id}`, { body: {} });
  for (const team of before) if (!after.has(team)) await http.request('DELETE', `/teams/${team}/members/${id}`);
}

function Deeds({ http, person, onOpen, onDone }: Pick<Shown, 'onOpen' | 'onDone'> & { http: HomeroomHttp; person: Person }) {
  const isThere = isPresent(person);
  const isStudent = person.role === 'student';
  const setArchived = async (archived: boolean): Promise<void> => {
    await http.request('PATCH', `/users/${person.id}`, { body: { archived } });
    onDone();
  };
  const remove = async (): Promise<void> => {
    await setArchived(true);
    onOpen(undefined);
    toast(t('person.removed', { name: isolated(person.name) }), 'good', { label: w('undo'), run: () => void attempt(() => setArchived(false), w('done')) });
  };
  const restore = async (): Promise<void> => {
    await setArchived(false);
    onOpen(undefined);
    toast(t('person.restored', { name: isolated(person.name) }), 'good');
  };
  return (
    <section class="stack deeds">
      <h3>{t('person.more')}: <Name>{person.name}</Name></h3>
      <div class="row">
        {isThere && isStudent && <button onClick={() => onOpen({ deed: 'pin', person })}>{t('pin.new')}</button>}
        {isThere && person.role !== 'staff' && <button onClick={() => onOpen({ deed: 'link', person })}>{t('signin.person')}</button>}
        {isThere && isStudent && <button onClick={() => onOpen({ deed: 'merge', person })}>{t('merge')}</button>}
        <ExportButton http={http} person={person} />
        {isThere ? <Act run={remove}>{t('person.remove')}</Act> : <Act run={restore}>{t('person.restore')}</Act>}
        <button class="danger" onClick={() => onOpen({ deed: 'erase', person })}>{t('erase')}</button>
      </div>
    </section>
  );
}

/** Everything that is stored of a person, as a file. */
export function ExportButton({ http, person, onSaved }: { http: HomeroomHttp; person: Person; onSaved?: () => void }) {
  const save = async (): Promise<void> => {
    const response = await http.send('GET', `/users/${person.id}/export`);
    saveFile(`homeroom-person-${person.id}.json`, await response.blob());
    onSaved?.();
  };
  return <Act run={save} done={t('export.done')}>{t('export')}</Act>;
}
