// The class: how to come in, its door and code, its screens, its name and privacy.

import { useState } from 'preact/hooks';
import { JoinBox, addressOf, openProjector, type HostedClass } from '../kit/invite.js';
import type { Classroom, Room } from '../kit/session.js';
import { Field, Form, FormDialog, Select, toast } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Act, attempt } from './common.js';
import { DeviceDialog, MentorDialog } from './signin.js';
import { t } from './t.js';

interface Shown {
  room: Room;
  classroom: HostedClass;
  again(): void;
}
type Open = 'code' | 'device' | 'mentor';

export function ClassTab(props: Shown) {
  const { room, classroom, again } = props;
  const [open, setOpen] = useState<Open>();
  const close = (): void => setOpen(undefined);
  const change = async (body: object): Promise<void> => {
    await room.http.request('PATCH', '/classroom', { body });
    again();
  };
  if (!classroom.is_set_up) {
    return (
      <section class="card stack">
        <p>{t('class.notSetUp')}</p>
        <p><a class="button primary" href="/setup">{t('class.setUp')}</a></p>
      </section>
    );
  }
  return (
    <div class="stack">
      <Entrance {...props} change={change} onNewCode={() => setOpen('code')} />
      <div class="grid">
        <section class="card stack">
          <h2>{t('class.screens')}</h2>
          <div class="row">
            <Act class="primary" run={() => openProjector(room.http, classroom)}>{t('class.projector')}</Act>
            <a class="button" href="/mentor">{t('class.mentor')}</a>
            <button onClick={() => setOpen('device')}>{t('class.device')}</button>
            <button onClick={() => setOpen('mentor')}>{t('class.mentorLink')}</button>
          </div>
        </section>
        <Settings classroom={classroom} change={change} />
      </div>
      {open === 'device' && <DeviceDialog http={room.http} origin={addressOf(classroom)} onClose={close} />}
      {open === 'mentor' && <MentorDialog http={room.http} origin={addressOf(classroom)} onClose={close} />}
      {open === 'code' && (
        <FormDialog title={t('class.newCode')} action={t('class.newCode')} danger onClose={close} onSubmit={() => change({ new_code: true })}>
          <p>{t('class.newCode.ask')}</p>
        </FormDialog>
      )}
    </div>
  );
}

function Entrance({ classroom, change, onNewCode }: Shown & { change(body: object): Promise<void>; onNewCode(): void }) {
  const isOpen = classroom.door === 'open';
  const isOnlyHere = classroom.urls.length === 0 && /^(localhost|127\.|\[::1\])/.test(location.hostname);
  return (
    <section class="card stack">
      <div class="row">
        <h2 class="grow">{t('class.join')}</h2>
        <span class={`tag ${isOpen ? 'tag-good' : 'tag-bad'}`}>{isOpen ? t('class.open') : t('class.locked')}</span>
      </div>
      <JoinBox room={classroom} />
      {classroom.urls.length > 1 && (
        <p class="row">{t('class.otherAddresses')} {classroom.urls.slice(1).map((url) => <code key={url} dir="ltr">{url}</code>)}</p>
      )}
      {isOnlyHere && <p class="note">{t('class.onlyHere')}</p>}
      <div class="row">
        <Act run={() => change({ door: isOpen ? 'locked' : 'open' })} done={isOpen ? t('class.isLocked') : t('class.isOpen')}>
          {isOpen ? t('class.lock') : t('class.unlock')}
        </Act>
        <button onClick={onNewCode}>{t('class.newCode')}</button>
      </div>
      <small>{isOpen ? t('class.open.hint') : t('class.locked.hint')}</small>
    </section>
  );
}

const PRIVACY = ['opt_out', 'opt_in', 'off'] as const;

function Settings({ classroom, change }: { classroom: HostedClass; change(body: Partial<Classroom>): Promise<void> }) {
  const rename = async (fields: FormData): Promise<void> => {
    await change({ name: String(fields.get('name')) });
    toast(w('done'), 'good');
  };
  return (
    <section class="card stack">
      <h2>{t('class.settings')}</h2>
      <Form action={w('save')} onSubmit={rename}>
        <Field label={t('class.name')} name="name" required maxLength={200} defaultValue={classroom.name ?? ''} dir="auto" />
      </Form>
      <Select
        label={t('class.boards')}
        value={classroom.leaderboards}
        options={PRIVACY.map((one) => [one, t(`class.boards.${one}`)] as const)}
        onChange={(next) => void attempt(() => change({ leaderboards: next as Classroom['leaderboards'] }), w('done'))}
      />
      <small>{t(`class.boards.${classroom.leaderboards}.hint`)}</small>
    </section>
  );
}
