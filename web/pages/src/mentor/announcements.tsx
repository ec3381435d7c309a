// Announcements: made, listed live, taken back.

import { signal } from '@preact/signals';
import type { Announcement, TopicMessage } from 'homeroom-sdk';
import { useEffect, useState } from 'preact/hooks';
import { ago } from '../kit/i18n.js';
import { Area, Form, Name, Select, toast, toastProblem } from '../kit/ui.js';
import type { LiveClass, School } from './model.js';
import { t } from './words.js';

const TEXT_MAX = 1_000;

export function Announcements({ school, live }: { school: School; live: LiveClass }) {
  const list = useAnnouncements(school, live);
  const [turn, setTurn] = useState(0);
  const { http } = school.room;
  const choices = [
    ...(school.isAdmin ? [['', t('announce.everybody')] as const] : []),
    ...school.teams.value.map(({ id, name }) => [String(id), name] as const),
  ];
  const make = async (fields: FormData): Promise<void> => {
    const team = String(fields.get('team') ?? '');
    const body = { text: String(fields.get('text')), team_id: team === '' ? null : Number(team) };
    await http.request('POST', '/announcements', { body });
    setTurn(turn + 1);
    toast(t('announce.done'), 'good');
  };
  const remove = async (id: number): Promise<void> => {
    await http.request('DELETE', `/announcements/${id}`);
    list.value = list.value.filter(({ announcement_id }) => announcement_id !== id);
    toast(t('announce.removed'));
  };
  return (
    <div class="grid">
      <section class="card" key={turn}>
        <Form action={t('announce')} onSubmit={make}>
          <Area label={t('announce.text')} name="text" required maxLength={TEXT_MAX} dir="auto" />
          <Select label={t('announce.to')} name="team" options={choices} />
        </Form>
      </section>
      <section class="card">
        {list.value.length === 0 && <p>{t('announce.none')}</p>}
        <ul class="list">
          {list.value.map(({ announcement_id, team_id, text, from, at }) => (
            <li key={announcement_id} class="row">
              <div class="grow announcement">
                <p dir="auto">{text}</p>
                <small>{team_id === null ? t('announce.everybody') : <Name>{school.teams.value.find(({ id }) => id === team_id)?.name ?? ''}</Name>}{from !== null && <> · <Name>{from}</Name></>} · {ago(at)}</small>
              </div>
              {choices.some(([id]) => id === String(team_id ?? '')) && (
                <button class="small" onClick={() => void remove(announcement_id).catch(toastProblem)}>{t('announce.remove')}</button>
              )}
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function useAnnouncements(school: School, live: LiveClass) {
  const [list] = useState(() => signal<readonly Announcement[]>([]));
  useEffect(() => {
    const put = (more: readonly Announcement[]): void => {
      const known = new Map([...list.value, ...more].map((one) => [one.announcement_id, one]));
      list.value = [...known.values()].sort((one, other) => other.announcement_id - one.announcement_id);
    };
    const handlers = {
      snapshot: ({ announcements }: { announcements: Announcement[] }) => put(announcements),
      message: (message: TopicMessage) => { if (message.type === 'announcement') put([message.data]); },
    };
    const subscriptions = [school.room.live.subscribe('announcements', handlers)];
    if (live.id !== null) subscriptions.push(school.room.live.subscribe(`announcements:team:${live.id}`, handlers));
    return () => subscriptions.forEach((one) => one.unsubscribe());
  }, [live]);
  return list;
}
