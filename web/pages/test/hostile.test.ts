// Hostile input: names and texts that would be markup, formulas, floods or reversals show as text and break nothing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Node, PHONE, WALL, World, earn, report } from './world.ts';

let world: World;
before(async () => void (world = await World.open()));
after(() => world.close());

const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror="document.title=\'owned\'">',
  '"><svg onload=alert(1)>',
  "javascript:alert('x')",
  '{{constructor.constructor("alert(1)")()}} ${7*7} {name}',
  '=HYPERLINK("http://evil.example","x")',
  '\u202Egnp.nimda\u202C \u200Fעברית',
  '👩‍👩‍👧‍👦🏳️‍🌈 Zalgo H̸̡̪̯ͨ͊̽̅̾̎Ȩ̬̩̾͛ͪ̈́̀́͘ ̶̧̨̱̹̭̯ͧ̾ͬC̷̙̲̝͖ͭ̏ͥͮ͟Oͮ͏̮̪̝͍M̲̖͊̒ͪͩͬ̚̚͜Ȇ̴̟̟͙̞ͩ͌͝',
  'W'.repeat(200),
  'constructor',
  '__proto__',
];

test('hostile names show as text on every page', async () => {
  const node = await Node.start();
  try {
    await node.setUp({ name: HOSTILE[0], teams: [HOSTILE[1]?.slice(0, 100), HOSTILE[6]], units: [HOSTILE[2], HOSTILE[8]], course: HOSTILE[4] });
    const ids = HOSTILE.map((_, index) => index + 1);
    await node.api('POST', '/import', {
      users: ids.map((id) => ({ id, name: HOSTILE[id - 1], alias: HOSTILE[id - 1] })),
      team_members: ids.map((id) => ({ team_id: 1, user_id: id })),
    });
    for (const id of ids) await earn(node, id, 'complete_quiz', 900 + id);
    await node.api('POST', '/announcements', { text: HOSTILE.slice(0, 5).join('\n') });
    const wishes: [string, string, object][] = [
      ['projector', await node.signIn('projector'), WALL],
      ['student', await node.signIn('student', 9), PHONE],
      ['mentor', await node.signIn('admin').then((link) => link.replace('/admin#', '/mentor#')), {}],
      ['admin', await node.signIn('admin'), {}],
      ['welcome', `${node.url}/`, PHONE],
    ];
    for (const [name, link, device] of wishes) {
      const { page } = await world.person(device);
      let alerts = 0;
      page.on('dialog', (dialog) => {
        alerts += 1;
        void dialog.dismiss();
      });
      await page.goto(link);
      await page.getByText(HOSTILE[0] ?? '').first().waitFor();
      const parts = name === 'student' ? ['#achievements', '#team', '#boards', '#ledger', '#today'] : name === 'admin' ? ['#roster', '#teams', '#class'] : name === 'mentor' ? ['#class', '#boards', '#announcements', '#analytics', '#learner/9'] : [''];
      for (const part of parts) {
        await page.evaluate((hash) => void (location.hash = hash), part);
        await page.waitForLoadState('networkidle');
        const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(width <= 1, `${name}${part} scrolls sideways by ${width}`);
      }
      assert.equal(alerts, 0, name);
      assert.doesNotMatch(await page.title(), /owned/);
      assert.equal(await page.locator('#app script, #app img[src="x"], #app svg[onload]').count(), 0, `${name} made markup of a name`);
      await page.context().close();
    }
    assert.deepEqual(world.errors(), []);
    report({ row: 'F-U3', what: 'hostile names and texts on every page', happened: HOSTILE.length, outcome: 'text, nothing runs, nothing scrolls sideways' });
  } finally {
    await node.remove();
  }
});
