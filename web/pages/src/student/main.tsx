// A student's own page.

import { watchClassroom } from '../kit/refresh.js';
import { connect, enter } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { Me } from './model.js';
import { Student } from './page.js';
import { tellNews } from './news.js';

await start(async () => {
  const session = await enter('student');
  if (!session) return undefined;
  const me = new Me(connect(session));
  const classroom = await watchClassroom(me.room);
  tellNews(me);
  return <Student me={me} classroom={classroom} />;
});
