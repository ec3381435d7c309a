// The audit log: who did what, newest first, page by page.

import type { HomeroomHttp, Page } from 'homeroom-sdk';
import { useEffect, useState } from 'preact/hooks';
import { Name, Problem, Select } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Act, Time } from './common.js';
import type { Person } from './school.js';
import { actWord, roleWord, t } from './t.js';

interface Entry {
  audit_id: number;
  at: string;
  by: { token_id: number | null; role: string | null; user_id: number | null };
  act: string;
  subject: { kind: string; id: number } | null;
  detail: Record<string, unknown>;
}

const ACTS = [
  'user_created', 'user_changed', 'user_archived', 'user_brought_back', 'user_erased', 'user_exported', 'user_merged', 'pin_set', 'preference_changed',
  'team_created', 'team_changed', 'team_archived', 'member_put', 'member_removed', 'learner_enrolled', 'learner_unenrolled',
  'qualification_created', 'qualification_changed', 'qualification_archived', 'unit_created', 'unit_changed', 'unit_archived', 'imported',
  'points_awarded_by_hand', 'award_reversed', 'award_reinstated', 'rules_applied', 'rules_undone',
  'classroom_set_up', 'classroom_changed', 'token_made', 'token_revoked', 'sign_in_made', 'announcement_removed',
  'backup_made', 'backup_fetched', 'backup_removed', 'refused',
] as const;
const ENTRIES_AT_ONCE = 100;

/** `turn` changes when something was done on this page that the log should show. */
export function AuditLog({ http, people, turn }: { http: HomeroomHttp; people: readonly Person[]; turn: number }) {
  const [act, setAct] = useState('');
  const choices = [['', t('audit.all')] as const, ...ACTS.map((one) => [one, actWord(one)] as const)];
  return (
    <section class="card stack">
      <h2>{t('audit')}</h2>
      <Select label={t('audit.act')} value={act} options={choices} onChange={setAct} />
      <Log key={`${act} ${turn}`} http={http} act={act} names={new Map(people.map(({ id, name }) => [id, name]))} />
    </section>
  );
}

function Log({ http, act, names }: { http: HomeroomHttp; act: string; names: ReadonlyMap<number, string> }) {
  const [found, setFound] = useState<Page<Entry>>();
  const [thrown, setThrown] = useState<unknown>();
  const read = (cursor?: string): Promise<Page<Entry>> => http.get('/audit', { limit: ENTRIES_AT_ONCE, act: act || undefined, cursor });
  useEffect(() => {
    let isWanted = true;
    read().then((first) => isWanted && setFound(first), (why: unknown) => isWanted && setThrown(why));
    return () => void (isWanted = false);
  }, []);
  if (thrown !== undefined) return <Problem thrown={thrown} />;
  if (!found) return <p class="soft" role="status">{w('loading')}</p>;
  const more = async (): Promise<void> => {
    const next = await read(found.next_cursor ?? undefined);
    setFound({ items: [...found.items, ...next.items], next_cursor: next.next_cursor });
  };
  if (found.items.length === 0) return <p class="soft">{w('nothing')}</p>;
  return (
    <>
      <div class="scroll">
        <table>
          <thead>
            <tr>{(['at', 'by', 'act', 'subject', 'detail'] as const).map((head) => <th key={head} scope="col">{t(`audit.${head}`)}</th>)}</tr>
          </thead>
          <tbody>{found.items.map((entry) => <Row key={entry.audit_id} entry={entry} names={names} />)}</tbody>
        </table>
      </div>
      {found.next_cursor !== null && <p><Act run={more}>{w('more')}</Act></p>}
    </>
  );
}

function Row({ entry: { at, by, act, subject, detail }, names }: { entry: Entry; names: ReadonlyMap<number, string> }) {
  const person = (id: number) => <><Name>{names.get(id) ?? ''}</Name> <small>#{id}</small></>;
  return (
    <tr>
      <td><Time at={at} /></td>
      <td>{by.role === null ? t('audit.node') : roleWord(by.role)} {by.user_id !== null && person(by.user_id)}</td>
      <td>{actWord(act)}</td>
      <td>{subject && (subject.kind === 'user' ? person(subject.id) : <code dir="ltr">{subject.kind} {subject.id}</code>)}</td>
      <td>{Object.entries(detail).map(([key, value]) => <div key={key}><code dir="ltr">{key}: {typeof value === 'string' ? value : JSON.stringify(value)}</code></div>)}</td>
    </tr>
  );
}
