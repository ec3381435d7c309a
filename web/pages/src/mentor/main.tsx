// The page of those who teach.

import { watchClassroom } from '../kit/refresh.js';
import { connect, enter } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { School } from './model.js';
import { Mentor } from './page.js';

await start(async () => {
  const session = await enter('mentor', 'admin');
  if (!session) return undefined;
  const school = new School(connect(session));
  const [classroom] = await Promise.all([watchClassroom(school.room), school.begin()]);
  return <Mentor school={school} classroom={classroom} />;
});
