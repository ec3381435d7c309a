// The student's page: the head with points and level, and its parts.

import type { Signal } from '@preact/signals';
import { number } from '../kit/i18n.js';
import type { Classroom } from '../kit/session.js';
import { Frame, Name, Tabs, useTab } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Achieved } from './achievements.js';
import { Boards } from './boards.js';
import { Ledger } from './ledger.js';
import type { Me } from './model.js';
import { isQuiet, setQuiet, unseen } from './news.js';
import { TeamPart } from './team.js';
import { Today } from './today.js';
import { t } from './words.js';
import './student.css';

const TABS = ['today', 'achievements', 'team', 'boards', 'ledger'] as const;

export function Student({ me, classroom }: { me: Me; classroom: Signal<Classroom> }) {
  const [tab] = useTab(TABS);
  const tabs = Object.fromEntries(TABS.map((key) => [key, t(`tab.${key}`)])) as Record<(typeof TABS)[number], string>;
  return (
    <Frame title={classroom.value.name ?? 'Homeroom'} room={me.room}>
      <Head me={me} />
      <Tabs now={tab} tabs={tabs} label={t('tabs')} />
      {tab === 'today' && <Today me={me} />}
      {tab === 'achievements' && <Achieved me={me} />}
      {tab === 'team' && <TeamPart me={me} />}
      {tab === 'boards' && <Boards me={me} />}
      {tab === 'ledger' && <Ledger me={me} />}
    </Frame>
  );
}

function Head({ me }: { me: Me }) {
  const progress = me.learner.value?.progress;
  const name = me.room.session.user?.name ?? '';
  return (
    <div class="head">
      <h1><Name>{name}</Name></h1>
      <div class="row">
        <p class="head-points" aria-live="polite">
          <span class="big" data-points={progress?.points.total}>{progress ? number(progress.points.total) : '–'}</span> {t('points')}
        </p>
        {progress && <span class="tag head-level">{w('level', { n: progress.points.level })}</span>}
        <span class="grow" />
        <label class="row quiet-switch" title={t('quiet.hint')}>
          <input type="checkbox" checked={isQuiet.value} onChange={(event) => setQuiet(event.currentTarget.checked)} />
          <span>{t('quiet')}</span>
        </label>
        <span role="status">
          {unseen.value > 0 && (
            <button class="small" onClick={() => (unseen.value = 0)} title={t('news.seen')}>{t('news', { n: unseen.value })}</button>
          )}
        </span>
      </div>
      {me.waiting.value > 0 && me.room.state.value.state !== 'open' && <p class="banner" role="status">{t('waiting', { n: me.waiting.value })}</p>}
    </div>
  );
}
