// What is done about one person and asked for first: a new PIN, uniting a double, erasing for good.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import { Dialog, Field, Form, FormDialog, Name, toast } from '../kit/ui.js';
import { Secret } from './common.js';
import { forgetCard } from './made.js';
import { PersonPick } from './pick.js';
import { newPin } from './pin.js';
import { folded, isPresent, type Person } from './school.js';
import { isolated, t } from './t.js';

interface Shown {
  http: HomeroomHttp;
  person: Person;
  onClose(): void;
}

export function PinDialog({ http, person, onClose }: Shown) {
  const [pin, setPin] = useState<string>();
  const make = async (): Promise<void> => {
    setPin(await newPin(http, person.id));
    forgetCard(person.id);
  };
  return (
    <Dialog title={t('pin.new')} onClose={onClose}>
      <p><Name>{person.name}</Name></p>
      {pin === undefined ? (
        <Form action={t('pin.new')} onSubmit={make} onCancel={onClose}>
          <p>{t('pin.ask')}</p>
        </Form>
      ) : (
        <div class="stack" role="status">
          <Secret text={pin} isBig />
          <p>{t('pin.once')}</p>
        </div>
      )}
    </Dialog>
  );
}

interface Merged {
  awards: number;
  refused: number;
  units: number;
}

export function MergeDialog({ http, person, people, onDone, onClose }: Shown & { people: readonly Person[]; onDone(): void }) {
  const [into, setInto] = useState<Person>();
  const others = people.filter((other) => other.id !== person.id && other.role === 'student' && isPresent(other));
  const merge = async (): Promise<void> => {
    if (!into) throw new Error(t('pick.first'));
    const body = { into_user_id: into.id };
    const { data } = await http.request<Merged>('POST', `/users/${person.id}/merge`, { body });
    onDone();
    toast(t('merge.done', { awards: data.awards, refused: data.refused, units: data.units }), 'good');
  };
  return (
    <FormDialog title={t('merge')} action={t('merge.do')} danger onSubmit={merge} onClose={onClose}>
      <p><Name>{person.name}</Name> <small>#{person.id}</small></p>
      <p>{t('merge.what')}</p>
      <PersonPick people={others} label={t('merge.into')} picked={into} onPick={setInto} />
      {into && <p class="note">{t('merge.ask', { from: isolated(`${person.name} (#${person.id})`), into: isolated(`${into.name} (#${into.id})`) })}</p>}
    </FormDialog>
  );
}

export function EraseDialog({ http, person, onDone, onClose }: Shown & { onDone(): void }) {
  const erase = async (fields: FormData): Promise<void> => {
    const typed = folded(String(fields.get('typed')));
    if (typed !== folded(person.name) && typed.replace(/^#/, '') !== String(person.id)) throw new Error(t('erase.mismatch'));
    await http.request('DELETE', `/users/${person.id}`);
    forgetCard(person.id);
    onDone();
    toast(t('erase.done', { id: String(person.id) }), 'good');
  };
  return (
    <FormDialog title={t('erase')} action={t('erase.do')} danger onSubmit={erase} onClose={onClose}>
      <p><Name>{person.name}</Name> <small>#{person.id}</small></p>
      <p>{t('erase.what')}</p>
      <Field label={t('erase.type', { id: String(person.id) })} name="typed" required autocomplete="off" dir="auto" />
    </FormDialog>
  );
}
