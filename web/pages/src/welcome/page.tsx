// The steps at the door, one at a time.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, type Classroom, type Session } from '../kit/session.js';
import { Field, Form, Frame, Name, Select } from '../kit/ui.js';
import { translator } from '../kit/i18n.js';
import de from './de.json';
import en from './en.json';
import './welcome.css';

const t = translator<typeof en>({ en, de });

interface Door extends Classroom {
  teams: { team_id: number; name: string }[];
}
interface Joined extends Session {
  pin?: string;
}
/** Where somebody stands: before the class (with a code, if they turned back), at its door, or inside with a PIN to remember. */
type Step = { at: 'outside'; code?: string } | { at: 'door'; code: string; door: Door; isBack: boolean; name: string } | { at: 'inside'; pin: string };

const PIN_DIGITS = 4;

export function Welcome({ room, known }: { room: Classroom; known: Session[] }) {
  const [step, setStep] = useState<Step>({ at: 'outside' });
  const title = room.name ?? t('title');
  return (
    <Frame title={title}>
      <div class="narrow stack door">
        {step.at === 'outside' && <Known sessions={known} />}
        {step.at === 'outside' && (room.is_set_up ? <Outside before={step.code} onDoor={setStep} /> : <NotSetUp />)}
        {step.at === 'door' && <AtTheDoor step={step} onStep={setStep} />}
        {step.at === 'inside' && <Inside pin={step.pin} />}
        {step.at === 'outside' && <Teacher isOpen={!room.is_set_up} />}
      </div>
    </Frame>
  );
}

function Known({ sessions }: { sessions: Session[] }) {
  if (sessions.length === 0) return null;
  return (
    <nav class="card stack" aria-label={t('hello')}>
      {sessions.map(({ role, user }) => (
        <a key={role} class="button primary" href={`/${role}`}>
          <bdi>{t('goOn', { name: user?.name ?? t(`role.${role}`) })}</bdi>
        </a>
      ))}
    </nav>
  );
}

function NotSetUp() {
  return (
    <section class="card stack">
      <h1>{t('notSetUp')}</h1>
      <p>{t('notSetUp.hint')}</p>
    </section>
  );
}

function Outside({ before, onDoor }: { before: string | undefined; onDoor(step: Step): void }) {
  const inAddress = new URLSearchParams(location.hash.slice(1)).get('code') ?? '';
  const knock = async (fields: FormData): Promise<void> => {
    const code = String(fields.get('code'));
    const door = await ask<Door>('POST', '/classroom/knock', { code });
    onDoor({ at: 'door', code, door, isBack: door.door === 'locked', name: '' });
  };
  return (
    <section class="card">
      {before === undefined ? <h1>{t('hello')}</h1> : <Heading>{t('hello')}</Heading>}
      <Form action={t('next')} onSubmit={knock}>
        <Field label={t('code')} hint={t('code.hint')} name="code" class="code" required autocomplete="off" autocapitalize="characters" spellcheck={false} dir="ltr" defaultValue={before ?? inAddress} />
      </Form>
    </section>
  );
}

function AtTheDoor({ step, onStep }: { step: Step & { at: 'door' }; onStep(step: Step): void }) {
  const { code, door, isBack, name } = step;
  const change = (next: Partial<typeof step>): void => onStep({ ...step, ...next });
  // The same number goes with every try, so that a wish whose answer was lost is the same wish again.
  const [newPin] = useState(madePin);
  const enter = async (fields: FormData): Promise<void> => {
    const text = (field: string): string => String(fields.get(field) ?? '').trim();
    const name = text('name');
    const team = text('team');
    const wish = isBack
      ? { code, name, pin: text('pin') }
      : { code, name, alias: text('alias') || null, team_id: team ? Number(team) : null, new_pin: newPin };
    try {
      const joined = await ask<Joined>('POST', '/sessions', wish);
      if (joined.pin === undefined) location.assign('/student');
      else onStep({ at: 'inside', pin: joined.pin });
    } catch (thrown) {
      const { code: why } = thrown as { code?: string };
      if (why === 'pin_required' || why === 'door_locked') change({ isBack: true, name });
      throw thrown;
    }
  };
  const teams: [string, string][] = [['', t('team.none')], ...door.teams.map(({ team_id, name }): [string, string] => [String(team_id), name])];
  return (
    <section class="card stack">
      <Heading><Name>{t('class', { name: door.name ?? '' })}</Name></Heading>
      {door.door === 'locked' && <p>{t('locked')}</p>}
      <Form action={isBack ? t('comeBack') : t('join')} onSubmit={enter}>
        <Field label={t('name')} hint={t('name.hint')} name="name" required maxLength={200} autocomplete="name" dir="auto" defaultValue={name} />
        {isBack && <Field label={t('pin')} hint={t('pin.hint')} name="pin" required inputMode="numeric" pattern="[0-9]{4,12}" autocomplete="off" dir="ltr" />}
        {!isBack && <Field label={t('alias')} hint={t('alias.hint')} name="alias" maxLength={200} autocomplete="nickname" dir="auto" />}
        {!isBack && door.teams.length > 0 && <Select label={t('team')} name="team" options={teams} />}
      </Form>
      <div class="row">
        {(door.door === 'open' || !isBack) && <button type="button" class="quiet" onClick={() => change({ isBack: !isBack })}>{isBack ? t('new') : t('before')}</button>}
        <button type="button" class="quiet" onClick={() => onStep({ at: 'outside', code })}>{t('back')}</button>
      </div>
    </section>
  );
}

function Inside({ pin }: { pin: string }) {
  return (
    <section class="card stack center">
      <Heading>{t('yourPin')}</Heading>
      <p class="code" dir="ltr" data-pin>{pin}</p>
      <p>{t('keepPin')}</p>
      <a class="button primary" href="/student">{t('go')}</a>
    </section>
  );
}

/** The heading of a new step takes the focus, so that whoever does not see the page hears where they are. */
function Heading({ children }: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return <h1 ref={heading} tabIndex={-1}>{children}</h1>;
}

function Teacher({ isOpen }: { isOpen: boolean }) {
  const signIn = async (fields: FormData): Promise<void> => {
    const session = await ask<Session>('POST', '/sessions', { token: String(fields.get('token')).trim() });
    location.assign(session.role === 'admin' && isOpen ? '/setup' : `/${session.role}`);
  };
  return (
    <details class="card" open={isOpen}>
      <summary>{t('teacher')}</summary>
      <Form action={t('signIn')} onSubmit={signIn}>
        <Field label={t('token')} hint={t('token.hint')} name="token" type="password" required autocomplete="off" dir="ltr" />
      </Form>
    </details>
  );
}

function madePin(): string {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return String((random ?? 0) % 10 ** PIN_DIGITS).padStart(PIN_DIGITS, '0');
}
