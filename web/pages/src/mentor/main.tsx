// The page of those who teach.

import { classroom, connect, enter } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { School } from './model.js';
import { Mentor } from './page.js';

await start(async () => {
  const session = await enter('mentor', 'admin');
  if (!session) return undefined;
  const school = new School(connect(session));
  const [{ name }] = await Promise.all([classroom(), school.read()]);
  return <Mentor school={school} className={name} />;
});
