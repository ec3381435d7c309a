// The form of the set-up, and the screen after it.

import { useEffect, useRef, useState } from 'preact/hooks';
import { JoinBox, openProjector, type HostedClass } from '../kit/invite.js';
import { translator } from '../kit/i18n.js';
import type { Room } from '../kit/session.js';
import { Area, Field, Form, Frame, Name, Radios } from '../kit/ui.js';
import { faultsOf, fieldOf, linesOf, type Faults, type FieldName } from './check.js';
import de from './de.json';
import en from './en.json';
import './setup.css';

const t = translator<typeof en>({ en, de });
const RULES = ['standard', 'calm', 'teamwork'] as const;
const PRIVACY = ['opt_out', 'opt_in', 'off'] as const;

export function SetUp({ room, before }: { room: Room; before: HostedClass }) {
  const [made, setMade] = useState(before);
  return (
    <Frame title={made.name ?? t('title')} room={room}>
      {made.is_set_up ? <Live room={room} made={made} /> : <Wish room={room} onMade={setMade} />}
    </Frame>
  );
}

/** What is wrong with a field, in words: ours, or the node's where it sees more. */
type Wrong = Partial<Record<FieldName, string>>;

function Wish({ room, onMade }: { room: Room; onMade(made: HostedClass): void }) {
  const [wrong, setWrong] = useState<Wrong>({});
  const form = useRef<HTMLDivElement>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), [wrong]);
  const refuse = (refused: Wrong): never => {
    setWrong(refused);
    throw new Error(t('fault'));
  };
  const send = async (fields: FormData): Promise<void> => {
    const text = (name: FieldName): string => String(fields.get(name) ?? '');
    const wish = { name: text('name'), teams: linesOf(text('teams')), course: text('course').trim() || null, units: linesOf(text('units')) };
    const faults = faultsOf(wish);
    if (Object.keys(faults).length > 0) refuse(wordsOf(faults));
    setWrong({});
    const body = { ...wish, rules: fields.get('rules'), leaderboards: fields.get('leaderboards') };
    try {
      onMade((await room.http.request<HostedClass>('POST', '/classroom/setup', { body })).data);
    } catch (thrown) {
      const refused = refusedFields(thrown);
      if (Object.keys(refused).length === 0) throw thrown;
      refuse(refused);
    }
  };
  /** The hint of a field gives way to what is wrong with it: it describes the field to those who do not see it as well. */
  const told = (name: FieldName, hint = '') => ({ name, hint: wrong[name] ?? hint, 'aria-invalid': name in wrong });
  return (
    <div ref={form} class="card setup">
      <h1>{t('title')}</h1>
      <p>{t('intro')}</p>
      <Form action={t('submit')} onSubmit={send}>
        <Field label={t('name')} aria-required="true" maxLength={200} placeholder={t('name.example')} dir="auto" {...told('name')} />
        <div class="grid">
          <div class="stack">
            <Field label={t('course')} maxLength={200} defaultValue={t('course.example')} dir="auto" {...told('course')} />
            <Area label={t('units')} rows={5} defaultValue={t('units.example')} dir="auto" {...told('units', t('units.hint'))} />
          </div>
          <Area label={t('teams')} rows={5} defaultValue={t('teams.example')} dir="auto" {...told('teams', t('teams.hint'))} />
        </div>
        <div class="grid">
          <Radios legend={t('rules')} name="rules" value="standard" options={RULES.map((value) => ({ value, label: t(`rules.${value}`), hint: t(`rules.${value}.hint`) }))} />
          <Radios legend={t('privacy')} name="leaderboards" value="opt_out" options={PRIVACY.map((value) => ({ value, label: t(`privacy.${value}`), hint: t(`privacy.${value}.hint`) }))} />
        </div>
      </Form>
    </div>
  );
}

function wordsOf(faults: Faults): Wrong {
  return Object.fromEntries(Object.entries(faults).map(([name, { code, values }]) => [name, t(`fault.${code}`, values)]));
}

function refusedFields(thrown: unknown): Wrong {
  const { errors = [] } = thrown as { errors?: readonly { field: string; message: string }[] };
  const named = errors.flatMap(({ field, message }) => {
    const name = fieldOf(field);
    return name === undefined ? [] : [[name, message] as const];
  });
  return Object.fromEntries(named);
}

function Live({ room, made }: { room: Room; made: HostedClass }) {
  return (
    <div class="card setup stack">
      <h1>{t('live')}: <Name>{made.name ?? ''}</Name></h1>
      <p>{t('live.hint')}</p>
      <JoinBox room={made} />
      <div class="row">
        <button class="primary" onClick={() => void openProjector(room.http, made)}>{t('projector')}</button>
        <a class="button" href="/mentor">{t('mentor')}</a>
        <a class="button" href="/admin">{t('admin')}</a>
      </div>
    </div>
  );
}
