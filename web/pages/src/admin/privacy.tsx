// Privacy: what is stored, what is given out and erased for one person, and who did what.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import type { Room } from '../kit/session.js';
import { useRead } from '../kit/ui.js';
import { AuditLog } from './audit.js';
import { Loaded } from './common.js';
import { EraseDialog } from './deeds.js';
import { ExportButton } from './person.js';
import { PersonPick } from './pick.js';
import { people, type Person } from './school.js';
import { t } from './t.js';

const STORED = ['people', 'learning', 'access', 'acts', 'boards', 'place'] as const;

export function PrivacyTab({ room }: { room: Room }) {
  const read = useRead(() => people(room.http, true), []);
  const [turn, setTurn] = useState(0);
  const logged = (): void => setTurn((before) => before + 1);
  return (
    <div class="stack">
      <section class="card stack">
        <h2>{t('privacy.stored')}</h2>
        <dl class="facts">
          {STORED.map((what) => (
            <div key={what}>
              <dt>{t(`privacy.${what}`)}</dt>
              <dd>{t(`privacy.${what}.text`)}</dd>
            </div>
          ))}
        </dl>
      </section>
      <Loaded read={read}>
        {(everybody) => (
          <>
            <OnePerson http={room.http} people={everybody} again={read.again} onLogged={logged} />
            <AuditLog http={room.http} people={everybody} turn={turn} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function OnePerson({ http, people, again, onLogged }: {
  http: HomeroomHttp;
  people: readonly Person[];
  again(): void;
  /** Something was done that the audit log keeps. */
  onLogged(): void;
}) {
  const [picked, setPicked] = useState<Person>();
  const [isErasing, setErasing] = useState(false);
  const done = (): void => {
    setPicked(undefined);
    again();
    onLogged();
  };
  return (
    <section class="card stack">
      <h2>{t('privacy.person')}</h2>
      <p class="soft">{t('privacy.person.hint')}</p>
      <PersonPick people={people} label={t('privacy.who')} picked={picked} onPick={setPicked} />
      {picked && (
        <div class="row">
          <ExportButton http={http} person={picked} onSaved={onLogged} />
          <button class="danger" onClick={() => setErasing(true)}>{t('erase')}</button>
        </div>
      )}
      {picked && isErasing && <EraseDialog http={http} person={picked} onDone={done} onClose={() => setErasing(false)} />}
    </section>
  );
}
