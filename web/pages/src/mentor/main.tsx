// The page of those who teach.

import { connect, enter } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { School } from './model.js';
import { Mentor } from './page.js';

await start(async () => {
  const session = await enter('mentor', 'admin');
  if (!session) return undefined;
  const school = new School(connect(session));
  await school.read();
  return <Mentor school={school} />;
});
