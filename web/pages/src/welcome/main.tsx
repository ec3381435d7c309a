// The front page: coming into the class, coming back, or signing in to teach.

import { classroom, redeemKey, sessions } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { Welcome } from './page.js';

await start(async () => {
  const made = await redeemKey();
  if (made) return void location.replace(`/${made.role}`);
  const [room, known] = await Promise.all([classroom(), sessions()]);
  return <Welcome room={room} known={known} />;
});
