// Backups: made, fetched, checked, removed.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import { bytes } from '../kit/i18n.js';
import type { Room } from '../kit/session.js';
import { FormDialog, saveFile, toast, useRead } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Act, Loaded, Time } from './common.js';
import { listed } from './school.js';
import { isolated, t } from './t.js';

interface Backup {
  name: string;
  bytes: number;
  sha256: string | null;
  made_at: string;
  program: string | null;
}
interface Checked {
  ok: boolean;
  problems: string[];
}

export function BackupsTab({ room: { http } }: { room: Room }) {
  const read = useRead(() => listed<Backup>(http, '/backups'), []);
  const [isElsewhere, setElsewhere] = useState(false);
  const make = async (): Promise<void> => {
    try {
      await http.request('POST', '/backups');
      toast(t('backups.made'), 'good');
      read.again();
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== 'backup_elsewhere') throw thrown;
      setElsewhere(true);
    }
  };
  return (
    <section class="card stack">
      <div class="row">
        <h2 class="grow">{t('tab.backups')}</h2>
        {!isElsewhere && <Act class="primary" run={make}>{t('backups.make')}</Act>}
      </div>
      {isElsewhere ? <p class="note" role="status">{t('backups.elsewhere')}</p> : <p class="soft">{t('backups.what')}</p>}
      <Loaded read={read}>{(backups) => <List http={http} backups={backups} again={read.again} />}</Loaded>
    </section>
  );
}

function List({ http, backups, again }: { http: HomeroomHttp; backups: readonly Backup[]; again(): void }) {
  const [removing, setRemoving] = useState<Backup>();
  const remove = async (name: string): Promise<void> => {
    await http.request('DELETE', `/backups/${encodeURIComponent(name)}`);
    again();
    toast(t('backups.removed'), 'good');
  };
  if (backups.length === 0) return <p class="soft">{w('nothing')}</p>;
  return (
    <>
      <div class="scroll">
        <table class="stacked">
          <thead>
            <tr>
              <th scope="col">{t('backups.at')}</th>
              <th scope="col" class="number">{t('backups.size')}</th>
              <th scope="col">{t('backups.file')}</th>
              <th scope="col">{t('backups.verified')}</th>
              <th scope="col"><span class="hidden">{t('actions')}</span></th>
            </tr>
          </thead>
          <tbody>{backups.map((backup) => <Row key={backup.name} http={http} backup={backup} onRemove={() => setRemoving(backup)} />)}</tbody>
        </table>
      </div>
      {removing && (
        <FormDialog title={t('backups.remove')} action={t('backups.remove')} danger onSubmit={() => remove(removing.name)} onClose={() => setRemoving(undefined)}>
          <p><code dir="ltr">{removing.name}</code></p>
          <p>{t('backups.remove.ask')}</p>
        </FormDialog>
      )}
    </>
  );
}

function Row({ http, backup: { name, bytes: size, sha256, made_at }, onRemove }: { http: HomeroomHttp; backup: Backup; onRemove(): void }) {
  const [checked, setChecked] = useState<Checked>();
  const path = `/backups/${encodeURIComponent(name)}`;
  const save = async (): Promise<void> => {
    const response = await http.send('GET', path);
    saveFile(name, await response.blob());
  };
  const verify = async (): Promise<void> => setChecked((await http.request<Checked>('POST', `${path}/verify`)).data);
  const labelled = (text: string) => ({ 'aria-label': `${text}: ${isolated(name)}` });
  return (
    <tr>
      <td><Time at={made_at} /></td>
      <td class="number">{bytes(size)}</td>
      <td>
        <code dir="ltr">{name}</code>
        {sha256 !== null && <small class="digest">{t('backups.sha256')} <code dir="ltr">{sha256}</code></small>}
      </td>
      <td>
        <div role="status">
          {checked ? (
            <>
              <span class={`tag ${checked.ok ? 'tag-good' : 'tag-bad'}`}>{checked.ok ? t('backups.whole') : t('backups.broken')}</span>
              {checked.problems.length > 0 && <ul class="faults" lang="en">{checked.problems.map((problem) => <li key={problem}>{problem}</li>)}</ul>}
            </>
          ) : (
            <span class="soft">{t('backups.unverified')}</span>
          )}
        </div>
      </td>
      <td>
        <div class="row end nowrap">
          <Act class="small" run={save} {...labelled(w('download'))}>{w('download')}</Act>
          <Act class="small" run={verify} {...labelled(t('backups.verify'))}>{t('backups.verify')}</Act>
          <button class="small" onClick={onRemove} {...labelled(t('backups.remove'))}>{t('backups.remove')}</button>
        </div>
      </td>
    </tr>
  );
}
