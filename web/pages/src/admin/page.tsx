// The page: its tabs, and the class that they are all about.

import type { HostedClass } from '../kit/invite.js';
import type { Room } from '../kit/session.js';
import { Frame, Tabs, useRead, useTab } from '../kit/ui.js';
import { BackupsTab } from './backups.js';
import { CatalogueTab } from './catalogue.js';
import { ClassTab } from './classroom.js';
import { Loaded } from './common.js';
import { HealthTab } from './health.js';
import { PrivacyTab } from './privacy.js';
import { RosterTab } from './roster.js';
import { RulesTab } from './rules.js';
import { t } from './t.js';
import { TokensTab } from './tokens.js';

const TABS = ['class', 'roster', 'teams', 'tokens', 'rules', 'privacy', 'backups', 'health'] as const;
type Tab = (typeof TABS)[number];

export function Page({ room }: { room: Room }) {
  const [now] = useTab(TABS);
  const read = useRead(() => room.http.get<HostedClass>('/classroom'), []);
  const tabs = Object.fromEntries(TABS.map((tab) => [tab, t(`tab.${tab}`)])) as Record<Tab, string>;
  return (
    <Frame title={read.data?.name ?? t('title')} room={room}>
      <Tabs now={now} tabs={tabs} label={t('tabs')} />
      <h1 class="hidden">{tabs[now]}</h1>
      {now === 'class' && <Loaded read={read}>{(classroom) => <ClassTab room={room} classroom={classroom} again={read.again} />}</Loaded>}
      {now === 'roster' && <Loaded read={read}>{(classroom) => <RosterTab room={room} classroom={classroom} />}</Loaded>}
      {now === 'teams' && <CatalogueTab room={room} />}
      {now === 'tokens' && <TokensTab room={room} />}
      {now === 'rules' && <RulesTab room={room} />}
      {now === 'privacy' && <PrivacyTab room={room} />}
      {now === 'backups' && <BackupsTab room={room} />}
      {now === 'health' && <HealthTab room={room} />}
    </Frame>
  );
}
