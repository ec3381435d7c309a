// The mentor's page: which team, and its parts.

import type { Signal } from '@preact/signals';
import type { Classroom } from '../kit/session.js';
import { Frame, Select, Tabs, useTab } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Analytics } from './analytics.js';
import { Announcements } from './announcements.js';
import { Boards } from './boards.js';
import { Grid } from './grid.js';
import { LearnerPage } from './learner.js';
import type { LiveClass, School } from './model.js';
import { Signals } from './signals.js';
import { TeamPart } from './team.js';
import { t } from './words.js';
import './mentor.css';

const TABS = ['class', 'team', 'boards', 'announcements', 'analytics'] as const;

export function Mentor({ school, classroom }: { school: School; classroom: Signal<Classroom> }) {
  const [tab, , of] = useTab([...TABS, 'learner'] as const);
  const live = school.now.value;
  const tabs = Object.fromEntries(TABS.map((key) => [key, t(`tab.${key}`)])) as Record<(typeof TABS)[number], string>;
  return (
    <Frame title={classroom.value.name ?? t('title')} room={school.room} links={<ChooseTeam school={school} />}>
      <Tabs now={tab as (typeof TABS)[number]} tabs={tabs} label={t('tabs')} />
      <h1 class="hidden">{t(`tab.${tab}`)}</h1>
      {live ? <Part key={live.id ?? 0} school={school} live={live} tab={tab} of={of} /> : <p class="card">{t('noTeams')}</p>}
    </Frame>
  );
}

function ChooseTeam({ school }: { school: School }) {
  const teams = school.teams.value.map(({ id, name }) => [String(id), name] as const);
  if (teams.length === 0) return null;
  const options = school.isAdmin ? [['0', t('team.all')] as const, ...teams] : teams;
  return (
    <Select
      label={t('team')}
      value={String(school.now.value?.id ?? 0)}
      options={options}
      onChange={(next) => school.choose(Number(next) || null)}
    />
  );
}

function Part({ school, live, tab, of }: { school: School; live: LiveClass; tab: (typeof TABS)[number] | 'learner'; of: string | undefined }) {
  const people = live.people.value;
  if (!people) return <p>{w('loading')}</p>;
  switch (tab) {
    case 'class':
      return people.length === 0 ? <Nobody school={school} /> : (
        <div class="stack">
          <Signals school={school} live={live} />
          <Grid school={school} live={live} people={people} />
        </div>
      );
    case 'team':
      return <TeamPart school={school} live={live} />;
    case 'boards':
      return <Boards school={school} live={live} />;
    case 'announcements':
      return <Announcements school={school} live={live} />;
    case 'analytics':
      return <Analytics school={school} live={live} />;
    case 'learner':
      return <LearnerPage school={school} live={live} id={Number(of)} />;
  }
}

function Nobody({ school }: { school: School }) {
  return (
    <div class="card stack">
      <p>{t('noLearners')}</p>
      {school.isAdmin && <p><a class="button" href="/admin">{t('toAdmin')}</a></p>}
    </div>
  );
}
