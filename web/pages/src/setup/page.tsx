// The form of the set-up, and the screen after it.

import { useState } from 'preact/hooks';
import { JoinBox, openProjector, type HostedClass } from '../kit/invite.js';
import { translator } from '../kit/i18n.js';
import type { Room } from '../kit/session.js';
import { Area, Field, Form, Frame, Name, Radios } from '../kit/ui.js';
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

const lines = (value: FormDataEntryValue | null): string[] => [...new Set(String(value ?? '').split('\n').map((line) => line.trim()).filter(Boolean))];

function Wish({ room, onMade }: { room: Room; onMade(made: HostedClass): void }) {
  const send = async (fields: FormData): Promise<void> => {
    const body = {
      name: fields.get('name'),
      teams: lines(fields.get('teams')),
      course: String(fields.get('course') ?? '').trim() || null,
      units: lines(fields.get('units')),
      rules: fields.get('rules'),
      leaderboards: fields.get('leaderboards'),
    };
    onMade((await room.http.request<HostedClass>('POST', '/classroom/setup', { body })).data);
  };
  return (
    <div class="card setup">
      <h1>{t('title')}</h1>
      <p>{t('intro')}</p>
      <Form action={t('submit')} onSubmit={send}>
        <Field label={t('name')} name="name" required maxLength={200} placeholder={t('name.example')} dir="auto" />
        <div class="grid">
          <div class="stack">
            <Field label={t('course')} name="course" maxLength={200} defaultValue={t('course.example')} dir="auto" />
            <Area label={t('units')} hint={t('units.hint')} name="units" rows={5} defaultValue={t('units.example')} dir="auto" />
          </div>
          <Area label={t('teams')} hint={t('teams.hint')} name="teams" rows={5} defaultValue={t('teams.example')} dir="auto" />
        </div>
        <div class="grid">
          <Radios legend={t('rules')} name="rules" value="standard" options={RULES.map((value) => ({ value, label: t(`rules.${value}`), hint: t(`rules.${value}.hint`) }))} />
          <Radios legend={t('privacy')} name="leaderboards" value="opt_out" options={PRIVACY.map((value) => ({ value, label: t(`privacy.${value}`), hint: t(`privacy.${value}.hint`) }))} />
        </div>
      </Form>
    </div>
  );
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
