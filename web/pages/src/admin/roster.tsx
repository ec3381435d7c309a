// The roster: who is in the class, found by name, and what is done about them one by one or all together.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { HostedClass } from '../kit/invite.js';
import type { Room } from '../kit/session.js';
import { Name, Select, saveFile, useRead } from '../kit/ui.js';
import { Cards } from './cards.js';
import { Check, Loaded, Search, usePortion } from './common.js';
import { format } from './csv.js';
import { ImportView } from './import.js';
import { PersonDialogs, type Opened } from './person.js';
import { byName, isFound, isPresent, readSchool, type Person, type School, type Team } from './school.js';
import { isolated, roleWord, t } from './t.js';

type View = 'list' | 'import' | 'cards';
/** In the choice of a team: whoever is in none. */
const NO_TEAM = 'none';

export function RosterTab({ room, classroom }: { room: Room; classroom: HostedClass }) {
  const read = useRead(() => readSchool(room.http), []);
  const [view, setView] = useState<View>('list');
  const back = (): void => setView('list');
  return (
    <Loaded read={read}>
      {(school) => (
        <>
          {view === 'list' && <List room={room} classroom={classroom} school={school} again={read.again} onView={setView} />}
          {view === 'import' && <ImportView room={room} onClose={back} onDone={read.again} />}
          {view === 'cards' && <Cards room={room} classroom={classroom} school={school} onClose={back} />}
        </>
      )}
    </Loaded>
  );
}

function List({ room, classroom, school, again, onView }: {
  room: Room;
  classroom: HostedClass;
  school: School;
  again(): void;
  onView(view: View): void;
}) {
  const [typed, setTyped] = useState('');
  const [team, setTeam] = useState('');
  const [hasArchived, setArchived] = useState(false);
  const [opened, setOpened] = useState<Opened>();
  useNewcomers(room, school, again);
  const teams = useMemo(() => new Map(school.teams.filter(isPresent).sort(byName).map((one) => [one.id, one])), [school]);
  const isIn = ({ id }: Person): boolean => {
    const own = school.teamsOf.get(id) ?? [];
    return team === '' || (team === NO_TEAM ? own.length === 0 : own.includes(Number(team)));
  };
  const wanted = school.people.filter((person) => (hasArchived || isPresent(person)) && isFound(person, typed) && isIn(person));
  const [shown, more] = usePortion(wanted.sort(byName), typed, team, hasArchived);
  const choices = [['', t('roster.allTeams')] as const, [NO_TEAM, t('roster.noTeam')] as const, ...[...teams.values()].map(({ id, name }) => [String(id), isolated(name)] as const)];
  return (
    <section class="stack">
      <div class="row">
        <button class="primary" onClick={() => setOpened({ deed: 'add' })}>{t('roster.add')}</button>
        <button onClick={() => onView('import')}>{t('roster.import')}</button>
        <button onClick={() => saveFile('homeroom-roster.csv', table(wanted, school, teams))}>{t('roster.export')}</button>
        <button onClick={() => onView('cards')}>{t('roster.cards')}</button>
      </div>
      <div class="row filters">
        <Search label={t('roster.search')} value={typed} onChange={setTyped} />
        <Select label={t('roster.team')} value={team} options={choices} onChange={setTeam} />
        <Check label={t('roster.archived')} checked={hasArchived} onChange={() => setArchived(!hasArchived)} />
      </div>
      <p class="soft" role="status">{t('roster.count', { n: wanted.length })}</p>
      {wanted.length > 0 && (
        <div class="scroll card">
          <table class="stacked">
            <thead>
              <tr><th scope="col">{t('person.name')}</th><th scope="col">{t('person.role')}</th><th scope="col">{t('person.teams')}</th><th scope="col"><span class="hidden">{t('actions')}</span></th></tr>
            </thead>
            <tbody>
              {shown.map((person) => (
                <Row key={person.id} person={person} teams={(school.teamsOf.get(person.id) ?? []).flatMap((id) => teams.get(id) ?? [])} onOpen={setOpened} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more}
      <PersonDialogs room={room} classroom={classroom} school={school} opened={opened} onOpen={setOpened} onDone={again} />
    </section>
  );
}

function Row({ person, teams, onOpen }: { person: Person; teams: Team[]; onOpen(opened: Opened): void }) {
  const isThere = isPresent(person);
  return (
    <tr class={isThere ? '' : 'gone'}>
      <th scope="row" class="who">
        <Name>{person.name}</Name>
        <small>#{person.id}{person.alias !== null && <> · <Name>{person.alias}</Name></>}</small>
      </th>
      <td><span class="tag">{roleWord(person.role)}</span> {!isThere && <span class="tag tag-warn">{t('archived')}</span>}</td>
      <td>{teams.map(({ id, name }) => <div key={id}><Name>{name}</Name></div>)}</td>
      <td>
        <div class="row end nowrap">
          {isThere && person.role === 'student' && (
            <button class="small" aria-label={t('pin.new.of', { name: isolated(person.name) })} onClick={() => onOpen({ deed: 'pin', person })}>{t('pin')}</button>
          )}
          <button class="small" aria-label={t('person.edit.of', { name: isolated(person.name) })} onClick={() => onOpen({ deed: 'edit', person })}>{t('entry.edit')}</button>
        </div>
      </td>
    </tr>
  );
}

/** One row for each person and team, as an import reads it. */
function table(people: readonly Person[], { teamsOf }: School, teams: ReadonlyMap<number, Team>): Blob {
  const rows = people.flatMap(({ id, name, alias, role }) => {
    const own = (teamsOf.get(id) ?? []).flatMap((team) => teams.get(team)?.name ?? []);
    return (own.length > 0 ? own : ['']).map((team) => [id, name, alias ?? '', role, team]);
  });
  return new Blob([format([['id', 'name', 'alias', 'role', 'team'], ...rows])], { type: 'text/csv;charset=utf-8' });
}

/** Reads the roster anew when the board shows somebody who is not on it, and when the page is looked at again. */
function useNewcomers(room: Room, { people }: School, again: () => void): void {
  // Whom the roster was read for already, so that nobody is asked for twice.
  const known = useRef(new Set<number>());
  useEffect(() => people.forEach(({ id }) => known.current.add(id)), [people]);
  useEffect(() => {
    const board = room.live.mirrorBoard('all', {
      change: ({ rows }) => {
        const newcomers = rows.flatMap(({ user_id }) => (user_id === undefined || known.current.has(user_id) ? [] : user_id));
        newcomers.forEach((id) => known.current.add(id));
        if (newcomers.length > 0) again();
      },
    });
    const seen = (): void => {
      if (document.visibilityState === 'visible') again();
    };
    document.addEventListener('visibilitychange', seen);
    return () => {
      board.close();
      document.removeEventListener('visibilitychange', seen);
    };
  }, []);
}
