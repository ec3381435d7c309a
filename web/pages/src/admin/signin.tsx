// Dialogs with links that sign a device in once: for an admin, for a mentor, for one person.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import { SignInLink } from '../kit/invite.js';
import { Dialog, Name, useRead } from '../kit/ui.js';
import { Loaded } from './common.js';
import { PersonPick } from './pick.js';
import { people, type Person } from './school.js';
import { t } from './t.js';

interface Shown {
  http: HomeroomHttp;
  origin: string;
  onClose(): void;
}

export function DeviceDialog({ http, origin, onClose }: Shown) {
  return (
    <Dialog title={t('signin.device')} onClose={onClose}>
      <div class="stack">
        <p>{t('signin.device.hint')}</p>
        <SignInLink http={http} origin={origin} role="admin" label={t('signin.make')} />
      </div>
    </Dialog>
  );
}

export function MentorDialog({ http, origin, onClose }: Shown) {
  const read = useRead(async () => (await people(http)).filter(({ role }) => role === 'mentor'), []);
  const [mentor, setMentor] = useState<Person>();
  return (
    <Dialog title={t('signin.mentor')} onClose={onClose}>
      <Loaded read={read}>
        {(mentors) => (
          <div class="stack">
            <p>{t('signin.mentor.hint')}</p>
            {mentors.length === 0 ? <p class="note">{t('team.noMentors')}</p> : <PersonPick people={mentors} label={t('signin.who')} picked={mentor} onPick={setMentor} />}
            {mentor && <SignInLink key={mentor.id} http={http} origin={origin} role="mentor" user_id={mentor.id} label={t('signin.make')} />}
          </div>
        )}
      </Loaded>
    </Dialog>
  );
}

/** For a student or mentor who is known already. */
export function PersonLinkDialog({ http, origin, person, onClose }: Shown & { person: Person }) {
  return (
    <Dialog title={t('signin.person')} onClose={onClose}>
      <div class="stack">
        <p><Name>{person.name}</Name></p>
        <p>{t('signin.person.hint')}</p>
        <SignInLink http={http} origin={origin} role={person.role} user_id={person.id} label={t('signin.make')} />
      </div>
    </Dialog>
  );
}
