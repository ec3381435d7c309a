// The wall screen.

import { watchClassroom } from '../kit/refresh.js';
import { connect, enter } from '../kit/session.js';
import { start } from '../kit/ui.js';
import { Wall } from './page.js';

await start(async () => {
  // How to join stands in the address, if whoever opened the screen wants it on the wall.
  const asked = new URLSearchParams(location.hash.slice(1));
  const [code, at] = [asked.get('code'), asked.get('at')];
  const session = await enter('projector', 'admin');
  if (!session) return undefined;
  const join = code ? { code, address: addressOf(at) } : undefined;
  // The key in the address is used up; the rest stays there, for when the screen is loaded again.
  if (join) history.replaceState(null, '', `#${new URLSearchParams({ code: join.code, at: join.address })}`);
  const room = connect(session);
  return <Wall room={room} classroom={await watchClassroom(room)} join={join} />;
});

/** Where others reach the node: this browser may know it under a name of its own, such as localhost. */
function addressOf(at: string | null): string {
  return at !== null && /^https?:\/\/[^/?#]+$/.test(at) ? at : location.origin;
}
