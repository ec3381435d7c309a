import { Frame, start } from '../kit/ui.js';

await start(async () => <Frame title="mentor"><p>…</p></Frame>);
