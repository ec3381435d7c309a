// The set-up: one short form, then how everybody comes in.

import { connect, enter } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { SetUp } from './page.js';
import type { HostedClass } from '../kit/invite.js';

await start(async () => {
  const session = await enter('admin');
  if (!session) return undefined;
  const room = connect(session);
  return <SetUp room={room} before={await room.http.get<HostedClass>('/classroom')} />;
});
