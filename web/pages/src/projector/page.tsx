// The wall screen as a whole: what is shown, its controls, the ticker, how to join.

import { signal, type Signal } from '@preact/signals';
import type { Announcement, Period } from 'homeroom-sdk';
import { useEffect, useState } from 'preact/hooks';
import { Qr } from '../kit/qr.js';
import type { Classroom, Room } from '../kit/session.js';
import { Line, Name, Select, useTitle } from '../kit/ui.js';
import { problemWord, w } from '../kit/words.js';
import { Celebration } from './celebration.js';
import { LiveBoard, TeamRace } from './rows.js';
import { PERIODS, PLACES, VIEWS, wish, wishes, type View } from './view.js';
import { t } from './words.js';
import './projector.css';

/** The controls go away when nobody moves the mouse, touches or types. */
const REST_MS = 4_000;
/** An announcement stays on the wall for so long. */
const TICKER_MS = 60_000;

export function Wall({ room, classroom, join }: { room: Room; classroom: Signal<Classroom>; join: JoinWay | undefined }) {
  const name = classroom.value.name ?? 'Homeroom';
  useTitle(name);
  const isResting = useRest();
  useKeys();
  const { view, period, places } = wishes.value;
  return (
    <div class={`wall ${isResting ? 'wall-resting' : ''}`} data-view={view}>
      <header class="wall-head">
        <h1><Name>{name}</Name></h1>
        <span class="soft">{t(`period.${period}`)}</span>
        <span class="grow" />
        <Line room={room} />
        <Controls />
      </header>
      <main class="wall-main">
        {view !== 'teams' && <LiveBoard key={`board ${period}`} room={room} period={period} places={places} />}
        <div class="wall-side">
          {view !== 'board' && <TeamRace key={`teams ${period}`} room={room} period={period} isAlone={view === 'teams'} />}
          {join && <Join {...join} />}
        </div>
      </main>
      <Ended room={room} />
      <Ticker room={room} />
      <Celebration room={room} />
    </div>
  );
}

function Controls() {
  const { view, period, places } = wishes.value;
  return (
    <div class="wall-controls" role="group" aria-label={t('controls')}>
      <Select label={t('view')} value={view} options={VIEWS.map((key) => [key, t(`view.${key}`)] as const)} onChange={(next) => wish({ view: next as View })} />
      <Select label={t('period')} value={period} options={PERIODS.map((key) => [key, t(`period.${key}`)] as const)} onChange={(next) => wish({ period: next as Period })} />
      <Select label={t('rows')} value={String(places)} options={PLACES.map((n) => [String(n), t('rows.n', { n })] as const)} onChange={(next) => wish({ places: Number(next) })} />
      <button onClick={changeTheme}>{t('theme')}</button>
      <button class="primary" onClick={changeScreen} title={t('keys')}>{t('full')}</button>
    </div>
  );
}

function changeTheme(): void {
  const root = document.documentElement;
  const isDark = getComputedStyle(root).colorScheme === 'dark';
  root.dataset['theme'] = isDark ? 'light' : 'dark';
  localStorage.setItem('homeroom.theme', root.dataset['theme']);
}

function changeScreen(): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  // Whoever may not have it keeps the window.
  done.catch(() => undefined);
}

const KEYS: Readonly<Record<string, () => void>> = {
  f: changeScreen,
  d: changeTheme,
  b: () => wish({ view: 'board' }),
  t: () => wish({ view: 'teams' }),
  a: () => wish({ view: 'both' }),
};

function useKeys(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const isTyping = (event.target as HTMLElement).closest('input, select, textarea');
      if (!isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) KEYS[event.key.toLowerCase()]?.();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}

function useRest(): boolean {
  const [isResting, setResting] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stir = (): void => {
      setResting(false);
      clearTimeout(timer);
      timer = setTimeout(() => setResting(true), REST_MS);
    };
    const events = ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const;
    for (const event of events) addEventListener(event, stir);
    stir();
    return () => {
      clearTimeout(timer);
      for (const event of events) removeEventListener(event, stir);
    };
  }, []);
  return isResting;
}

/** What is on the wall may be old: then that is on the wall, too. */
function Ended({ room }: { room: Room }) {
  const { state, problem } = room.state.value;
  const isOver = state === 'closed' && problem !== undefined;
  return <div role="alert">{isOver && <p class="wall-ended">{w('line.closed', { why: problemWord(problem) })}</p>}</div>;
}

const latest = signal<Announcement | undefined>(undefined);

function Ticker({ room }: { room: Room }) {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (one: Announcement | undefined): void => {
      const age = one ? Date.now() - Date.parse(one.at) : Infinity;
      if (!one || age > TICKER_MS) return;
      latest.value = one;
      clearTimeout(timer);
      timer = setTimeout(() => (latest.value = undefined), TICKER_MS - Math.max(0, age));
    };
    const subscription = room.live.subscribe('announcements', {
      snapshot: ({ announcements }) => show(announcements.at(-1)),
      message: (message) => { if (message.type === 'announcement') show(message.data); },
    });
    return () => {
      clearTimeout(timer);
      subscription.unsubscribe();
    };
  }, [room]);
  const one = latest.value;
  return <div class="wall-ticker" role="status">{one && <p dir="auto">{one.text}</p>}</div>;
}

/** What students need to come in. */
interface JoinWay {
  code: string;
  address: string;
}

function Join({ code, address }: JoinWay) {
  return (
    <aside class="wall-join card" aria-label={t('join')}>
      <Qr text={`${address}/#code=${code}`} label={t('join')} />
      <p><b>{t('join')}</b> <span dir="ltr">{address.replace(/^https?:\/\//, '')}</span></p>
      <p class="code" dir="ltr"><span class="hidden">{t('join.code')} </span>{code}</p>
    </aside>
  );
}
