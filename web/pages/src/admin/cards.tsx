// Join cards: a new PIN for everybody chosen, and a sheet to print with one card each.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import { addressOf, joinLink, type HostedClass } from '../kit/invite.js';
import { Qr } from '../kit/qr.js';
import type { Room } from '../kit/session.js';
import { Bar, Name, Select } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Act } from './common.js';
import { forgetCards, made, makeCards, progress, type Card } from './made.js';
import { byName, isPresent, type Person, type School } from './school.js';
import { isolated, t } from './t.js';

export function Cards({ room, classroom, school, onClose }: { room: Room; classroom: HostedClass; school: School; onClose(): void }) {
  const { cards, failed } = made.value;
  return (
    <section class="stack">
      <div class="row no-print">
        <h2 class="grow">{t('roster.cards')}</h2>
        <button onClick={onClose}>{t('back')}</button>
      </div>
      <Progress />
      {cards.length === 0 && failed.length === 0 && <Wish http={room.http} school={school} />}
      {failed.length > 0 && <Failed http={room.http} people={failed} />}
      {cards.length > 0 && <Sheet classroom={classroom} cards={cards} />}
    </section>
  );
}

function Progress() {
  const now = progress.value;
  if (!now) return null;
  return <div class="no-print"><Bar label={t('cards.making')} value={(100 * now.done) / now.all} text={t('shownOf', { shown: now.done, all: now.all })} /></div>;
}

function Wish({ http, school }: { http: HomeroomHttp; school: School }) {
  const [team, setTeam] = useState('');
  const teams = school.teams.filter(isPresent).sort(byName);
  const chosen = school.people.filter(
    (person) => person.role === 'student' && isPresent(person) && (team === '' || school.teamsOf.get(person.id)?.includes(Number(team))),
  );
  const choices = [['', t('roster.allTeams')] as const, ...teams.map(({ id, name }) => [String(id), isolated(name)] as const)];
  return (
    <div class="card stack">
      <Select label={t('cards.who')} value={team} options={choices} onChange={setTeam} />
      <p class="note">{t('cards.warning', { n: chosen.length })}</p>
      {chosen.length > 0 && !progress.value && <p><Act class="danger" run={() => makeCards(http, chosen)}>{t('cards.make', { n: chosen.length })}</Act></p>}
    </div>
  );
}

function Failed({ http, people }: { http: HomeroomHttp; people: readonly Person[] }) {
  return (
    <div class="problem stack no-print" role="alert">
      <p>{t('cards.failed', { n: people.length })}</p>
      <ul>{people.slice(0, 20).map(({ id, name }) => <li key={id}><Name>{name}</Name></li>)}</ul>
      {!progress.value && <p><Act class="danger" run={() => makeCards(http, people)}>{t('cards.again')}</Act></p>}
    </div>
  );
}

function Sheet({ classroom, cards }: { classroom: HostedClass; cards: readonly Card[] }) {
  const link = joinLink(classroom);
  return (
    <>
      <div class="row no-print">
        <p class="grow">{t('cards.once')}</p>
        <button class="primary" onClick={() => print()}>{t('cards.print')}</button>
        <button onClick={forgetCards}>{t('cards.others')}</button>
      </div>
      <ul class="cards">
        {cards.map(({ person, pin }) => (
          <li key={person.id} class="join-card">
            <Qr text={link} label={w('join.qr')} />
            <div>
              <p><Name>{classroom.name ?? ''}</Name></p>
              <p class="join-card-name"><Name>{person.name}</Name></p>
              <p dir="ltr"><code>{addressOf(classroom)}</code></p>
              <dl>
                <dt>{t('cards.code')}</dt><dd dir="ltr">{classroom.code}</dd>
                <dt>{t('pin')}</dt><dd dir="ltr">{pin}</dd>
              </dl>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
