// The page of admins.

import { connect, enter } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { Page } from './page.js';
import './admin.css';

await start(async () => {
  const session = await enter('admin');
  return session && <Page room={connect(session)} />;
});
