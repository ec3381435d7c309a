// Tokens: what programs and browsers sign in with. Made, shown once, ended.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import type { Room } from '../kit/session.js';
import { Dialog, Field, Form, FormDialog, Name, Select, toast, useRead } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Check, Choice, Loaded, Secret, Time, usePortion } from './common.js';
import { PersonPick } from './pick.js';
import { listed, people, type Person } from './school.js';
import { roleWord, t } from './t.js';

const ROLES = ['service', 'admin', 'mentor', 'student', 'projector'] as const;
type TokenRole = (typeof ROLES)[number];

interface Token {
  token_id: number;
  role: TokenRole;
  user_id: number | null;
  label: string | null;
  created_at: string;
  expires_at: string | null;
}
/** The label of what a browser got when somebody signed in. */
const BROWSER = 'browser';

interface Tokens {
  tokens: Token[];
  people: Map<number, Person>;
  own: number;
}

export function TokensTab({ room }: { room: Room }) {
  const read = useRead(() => readTokens(room.http), []);
  return <Loaded read={read}>{(tokens) => <List http={room.http} {...tokens} again={read.again} />}</Loaded>;
}

async function readTokens(http: HomeroomHttp): Promise<Tokens> {
  const [tokens, persons, me] = await Promise.all([listed<Token>(http, '/tokens'), people(http, true), http.me()]);
  return { tokens: tokens.reverse(), people: new Map(persons.map((person) => [person.id, person])), own: me.token_id };
}

function List({ http, tokens, people, own, again }: Tokens & { http: HomeroomHttp; again(): void }) {
  const [role, setRole] = useState('');
  const [hasBrowsers, setBrowsers] = useState(false);
  const [isMaking, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token>();
  const wanted = tokens.filter((token) => (role === '' || token.role === role) && (hasBrowsers || token.label !== BROWSER));
  const [shown, more] = usePortion(wanted, role, hasBrowsers);
  const choices = [['', t('tokens.allRoles')] as const, ...ROLES.map((one) => [one, roleWord(one)] as const)];
  const end = async (token: Token): Promise<void> => {
    await http.request('DELETE', `/tokens/${token.token_id}`);
    again();
    toast(t('tokens.ended'), 'good');
  };
  return (
    <section class="stack">
      <p class="soft">{t('tokens.what')}</p>
      <div class="row filters">
        <Select label={t('person.role')} value={role} options={choices} onChange={setRole} />
        <Check label={t('tokens.browsers')} checked={hasBrowsers} onChange={() => setBrowsers(!hasBrowsers)} />
        <button class="primary" onClick={() => setMaking(true)}>{t('tokens.make')}</button>
      </div>
      {wanted.length === 0 && <p class="soft">{w('nothing')}</p>}
      {wanted.length > 0 && (
        <div class="scroll card">
          <table class="stacked">
            <thead>
              <tr>
                {(['role', 'person', 'label', 'created', 'expires'] as const).map((head) => <th key={head} scope="col">{t(`tokens.${head}`)}</th>)}
                <th scope="col"><span class="hidden">{t('actions')}</span></th>
              </tr>
            </thead>
            <tbody>
              {shown.map((token) => (
                <tr key={token.token_id}>
                  <td><span class="tag">{roleWord(token.role)}</span></td>
                  <td><Holder token={token} people={people} /></td>
                  <td>
                    <Label token={token} />{' '}
                    {token.token_id === own && <span class="tag tag-good">{t('tokens.own')}</span>}
                  </td>
                  <td data-label={t('tokens.created')}><Time at={token.created_at} /></td>
                  <td data-label={t('tokens.expires')}>{token.expires_at === null ? t('tokens.never') : <Time at={token.expires_at} />}</td>
                  <td><button class="small" onClick={() => setEnding(token)}>{t('tokens.end')}</button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more}
      {isMaking && <MakeDialog http={http} people={[...people.values()].filter(({ archived_at }) => archived_at === null)} onDone={again} onClose={() => setMaking(false)} />}
      {ending && (
        <FormDialog title={t('tokens.end.title')} action={t('tokens.end')} danger onSubmit={() => end(ending)} onClose={() => setEnding(undefined)}>
          <p><span class="tag">{roleWord(ending.role)}</span> <Holder token={ending} people={people} /> <Label token={ending} /></p>
          <p>{ending.token_id === own ? t('tokens.end.own') : t('tokens.end.ask')}</p>
        </FormDialog>
      )}
    </section>
  );
}

function Holder({ token: { user_id }, people }: { token: Token; people: ReadonlyMap<number, Person> }) {
  if (user_id === null) return null;
  const person = people.get(user_id);
  return person ? <Name>{person.name}</Name> : <>#{user_id}</>;
}

function Label({ token: { label } }: { token: Token }) {
  if (label === null) return null;
  return label === BROWSER ? <>{t('tokens.browser')}</> : <Name>{label}</Name>;
}

const HOUR_S = 3_600;
const EXPIRIES = { hour: HOUR_S, day: 24 * HOUR_S, week: 7 * 24 * HOUR_S, quarter: 90 * 24 * HOUR_S, year: 365 * 24 * HOUR_S, never: undefined } as const;
type Expiry = keyof typeof EXPIRIES;

function MakeDialog({ http, people, onDone, onClose }: { http: HomeroomHttp; people: readonly Person[]; onDone(): void; onClose(): void }) {
  const [role, setRole] = useState<TokenRole>('service');
  const [person, setPerson] = useState<Person>();
  const [secret, setSecret] = useState<string>();
  const isPersonal = role === 'student' || role === 'mentor';
  const make = async (fields: FormData): Promise<void> => {
    if (isPersonal && !person) throw new Error(t('pick.first'));
    const body = {
      role,
      user_id: isPersonal ? person?.id : undefined,
      label: String(fields.get('label')).trim() || undefined,
      expires_in_s: EXPIRIES[fields.get('expiry') as Expiry],
    };
    setSecret((await http.request<{ token: string }>('POST', '/tokens', { body })).data.token);
    onDone();
  };
  const pick = (next: string): void => {
    setRole(next as TokenRole);
    setPerson(undefined);
  };
  return (
    <Dialog title={t('tokens.make')} onClose={onClose}>
      {secret === undefined ? (
        <Form action={t('tokens.make')} onSubmit={make} onCancel={onClose}>
          <Select label={t('person.role')} value={role} options={ROLES.map((one) => [one, roleWord(one)] as const)} onChange={pick} />
          {isPersonal && <PersonPick people={people.filter((one) => one.role === role)} label={t('tokens.person')} picked={person} onPick={setPerson} />}
          <Field label={t('tokens.label')} hint={t('tokens.label.hint')} name="label" maxLength={200} dir="auto" />
          <Choice label={t('tokens.expires')} name="expiry" initial="quarter" options={(Object.keys(EXPIRIES) as Expiry[]).map((one) => [one, t(`tokens.expiry.${one}`)] as const)} />
        </Form>
      ) : (
        <div class="stack" role="status">
          <p>{t('tokens.once')}</p>
          <Secret text={secret} />
        </div>
      )}
    </Dialog>
  );
}
