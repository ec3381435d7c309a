// Join cards: a new PIN for everybody chosen, and a sheet to print with one card each.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useEffect, useRef, useState } from 'preact/hooks';
import { addressOf, joinLink, type HostedClass } from '../kit/invite.js';
import { Qr } from '../kit/qr.js';
import type { Room } from '../kit/session.js';
import { Bar, Form, Name, Select } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { newPin } from './deeds.js';
import { byName, inParallel, isPresent, type Person, type School } from './school.js';
import { isolated, t } from './t.js';

interface Card {
  person: Person;
  pin: string;
}
interface Made {
  cards: Card[];
  failed: Person[];
}

/** The node hashes two PINs at a time. */
const PINS_AT_ONCE = 2;

export function Cards({ room, classroom, school, onClose }: { room: Room; classroom: HostedClass; school: School; onClose(): void }) {
  const [made, setMade] = useState<Made>({ cards: [], failed: [] });
  const add = (more: Made): void => setMade(({ cards }) => ({ cards: [...cards, ...more.cards].sort((a, b) => byName(a.person, b.person)), failed: more.failed }));
  return (
    <section class="stack">
      <div class="row no-print">
        <h2 class="grow">{t('roster.cards')}</h2>
        <button onClick={onClose}>{t('back')}</button>
      </div>
      {made.cards.length === 0 && made.failed.length === 0 && <Wish http={room.http} school={school} onMade={add} />}
      {made.failed.length > 0 && <Failed http={room.http} people={made.failed} onMade={add} />}
      {made.cards.length > 0 && <Sheet classroom={classroom} cards={made.cards} />}
    </section>
  );
}

function Wish({ http, school, onMade }: { http: HomeroomHttp; school: School; onMade(made: Made): void }) {
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
      {chosen.length > 0 && <Making http={http} people={chosen} action={t('cards.make', { n: chosen.length })} onMade={onMade} />}
    </div>
  );
}

function Failed({ http, people, onMade }: { http: HomeroomHttp; people: Person[]; onMade(made: Made): void }) {
  return (
    <div class="problem stack no-print" role="alert">
      <p>{t('cards.failed', { n: people.length })}</p>
      <ul>{people.slice(0, 20).map(({ id, name }) => <li key={id}><Name>{name}</Name></li>)}</ul>
      <Making http={http} people={people} action={t('cards.again')} onMade={onMade} />
    </div>
  );
}

/** The button that makes the PINs, and how far it is. */
function Making({ http, people, action, onMade }: { http: HomeroomHttp; people: readonly Person[]; action: string; onMade(made: Made): void }) {
  const [done, setDone] = useState<number>();
  const isWanted = useRef(true);
  useEffect(() => () => void (isWanted.current = false), []);
  const make = async (): Promise<void> => {
    const made: Made = { cards: [], failed: [] };
    await inParallel(people, PINS_AT_ONCE, async (person) => {
      if (!isWanted.current) return;
      await newPin(http, person.id).then((pin) => made.cards.push({ person, pin }), () => made.failed.push(person));
      setDone(made.cards.length + made.failed.length);
    });
    if (isWanted.current) onMade(made);
    setDone(undefined);
  };
  return (
    <Form action={action} danger onSubmit={make}>
      {done !== undefined && <Bar label={t('cards.making')} value={(100 * done) / people.length} text={t('shownOf', { shown: done, all: people.length })} />}
    </Form>
  );
}

function Sheet({ classroom, cards }: { classroom: HostedClass; cards: Card[] }) {
  const link = joinLink(classroom);
  return (
    <>
      <div class="row no-print">
        <p class="grow">{t('cards.once')}</p>
        <button class="primary" onClick={() => print()}>{t('cards.print')}</button>
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
