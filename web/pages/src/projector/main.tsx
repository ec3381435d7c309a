// The wall screen.

import { classroom, connect, enter } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { Wall } from './page.js';

await start(async () => {
  // The class code stands in the address, if whoever opened the screen wants it on the wall.
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  const session = await enter('projector', 'admin');
  if (!session) return undefined;
  return <Wall room={connect(session)} name={(await classroom()).name ?? 'Homeroom'} code={code} />;
});
