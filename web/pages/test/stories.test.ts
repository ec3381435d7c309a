// The stories of students and of the wall: from the first link to the first award on the projector, a lost network, two
// languages, the keyboard alone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { LAPTOP, Node, PHONE, WALL, World, earn, eventually, report, shot, students } from './world.ts';

let world: World;
before(async () => void (world = await World.open()));
after(() => world.close());

/** A student comes in as new; gives the PIN. */
async function join(page: Page, address: string, name: string, team?: string): Promise<string> {
  await page.goto(address);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Your name').fill(name);
  if (team) await page.getByLabel('Your team').selectOption({ label: team });
  await page.getByRole('button', { name: 'Join' }).click();
  const pin = await page.locator('[data-pin]').textContent();
  await page.getByRole('link', { name: "Let's go" }).click();
  await page.locator('[data-points]').waitFor();
  return pin ?? '';
}

const points = (page: Page, total: number): Promise<void> => page.locator(`[data-points="${total}"]`).first().waitFor();

test('from the link in the terminal to the first award on the projector', async () => {
  const node = await Node.start();
  try {
    const teacher = await world.person(LAPTOP);
    await teacher.page.goto(node.link);
    await teacher.page.getByLabel('Name of the class').fill('7b 🎉');
    await shot(teacher.page, 'setup-laptop');
    await teacher.page.getByRole('button', { name: 'Open the class' }).click();
    await teacher.page.getByRole('heading', { name: 'You are live: 7b 🎉' }).waitFor();
    await teacher.page.getByRole('img', { name: 'QR code of the joining link' }).waitFor();
    const code = (await teacher.page.locator('.code').textContent()) ?? '';
    await shot(teacher.page, 'live-laptop');
    const opening = teacher.context.waitForEvent('page');
    await teacher.page.getByRole('button', { name: 'Open the projector' }).click();
    const wall = await opening;
    await wall.setViewportSize({ width: 1920, height: 1080 });
    await wall.getByText('The first points will show here.').waitFor();

    const ada = await world.person(PHONE);
    const pin = await join(ada.page, `${node.url}/#code=${code}`, 'Ada Example', 'Blue');
    assert.match(pin, /^\d{4}$/);
    await ada.page.getByRole('button', { name: /Fractions/ }).click();
    await ada.page.getByRole('button', { name: 'I have read it' }).click();
    await points(ada.page, 10);
    await wall.locator('.wall-row[data-points="10"]').waitFor();
    assert.equal(await wall.getByText('Ada Example').count(), 0, 'the wall shows no real name');
    await shot(ada.page, 'student-phone');

    // The same again is refused, and says why.
    await ada.page.getByRole('button', { name: /Fractions/ }).click();
    await ada.page.getByRole('button', { name: 'I have read it' }).click();
    await ada.page.getByRole('link', { name: 'Points' }).click();
    await ada.page.getByText('No points for Reading Fractions: this one has its points already').first().waitFor();

    // On another device, with the PIN: the same person.
    const tablet = await world.person();
    await tablet.page.goto(`${node.url}/#code=${code}`);
    await tablet.page.getByRole('button', { name: 'Next' }).click();
    await tablet.page.getByRole('button', { name: 'I have been here before' }).click();
    await tablet.page.getByLabel('Your name').fill('ada example');
    await tablet.page.getByLabel('Your PIN').fill(pin);
    await tablet.page.getByRole('button', { name: 'Come back' }).click();
    await points(tablet.page, 10);
    // Somebody else with the name is asked for the PIN.
    const other = await world.person();
    await other.page.goto(`${node.url}/#code=${code}`);
    await other.page.getByRole('button', { name: 'Next' }).click();
    await other.page.getByLabel('Your name').fill('Ada Example');
    await other.page.getByRole('button', { name: 'Join' }).click();
    await other.page.getByText('That name is taken.').waitFor();
    // The link was good once.
    const thief = await world.person();
    await thief.page.goto(node.link);
    await thief.page.getByRole('heading', { name: 'Come in' }).waitFor();
    assert.deepEqual(world.errors(), []);
    report({ row: 'F-U1', what: 'set-up to first award on the projector, four browsers', happened: 1, outcome: 'no error on any page' });
  } finally {
    await node.remove();
  }
});

test('a student loses the network, and then the node, and comes back with nothing missing', async () => {
  const node = await Node.start();
  try {
    await node.setUp();
    await students(node, 3);
    const ada = await world.person(PHONE);
    await ada.page.goto(await node.signIn('student', 1));
    await points(ada.page, 0);
    const state = (wanted: string): Promise<void> => ada.page.locator(`.line[data-state="${wanted}"]`).waitFor();
    await state('open');
    // Gone for long: the socket is dead, and nothing can be asked either.
    await ada.context.setOffline(true);
    await ada.page.evaluate(() => dispatchEvent(new Event('offline')));
    await node.end('SIGKILL');
    await ada.page.getByText('No connection.').waitFor();
    assert.equal(await ada.page.locator('[data-points="0"]').count(), 1, 'it keeps showing what it had');
    await ada.page.getByRole('button', { name: /Decimals/ }).click();
    await ada.page.getByRole('button', { name: 'I have read it' }).click();
    await ada.page.getByText('1 thing is sent when you are connected again.').waitFor();
    await node.start();
    for (let reference = 500; reference < 520; reference += 1) await earn(node, 1, 'complete_quiz', reference);
    await ada.context.setOffline(false);
    await state('open');
    await points(ada.page, 20 * 50 + 10);
    await ada.page.getByRole('link', { name: 'Points' }).click();
    await eventually('all entries', async () => (await ada.page.getByRole('row').count()) === 22);
    // Nothing was loaded anew.
    assert.equal(await ada.page.evaluate(() => performance.getEntriesByType('navigation').length), 1);
    assert.deepEqual(world.errors(), []);
    report({ row: 'F-U2', what: 'awards while a student was away, and one made while offline', happened: 21, outcome: 'all there, no reload' });
  } finally {
    await node.remove();
  }
});

test('two languages, and the page knows which one it speaks', async () => {
  const node = await Node.start();
  try {
    const code = await node.setUp();
    const ben = await world.person({ locale: 'de-DE', ...PHONE });
    await ben.page.goto(`${node.url}/#code=${code}`);
    await ben.page.getByRole('button', { name: 'Weiter' }).click();
    await ben.page.getByLabel('Dein Name').fill('Ben');
    await ben.page.getByRole('button', { name: 'Beitreten' }).click();
    await ben.page.getByRole('link', { name: "Los geht's" }).click();
    await ben.page.getByText('0 von 3 Einheiten geschafft').waitFor();
    assert.equal(await ben.page.locator('html').getAttribute('lang'), 'de');
    await shot(ben.page, 'student-german');
    await ben.page.getByLabel('Anzeige einstellen').click();
    await ben.page.getByLabel('Sprache').selectOption('en');
    await ben.page.getByText('0 of 3 units done').waitFor();
    assert.equal(await ben.page.locator('html').getAttribute('lang'), 'en');
    await ben.page.reload();
    await ben.page.getByText('0 of 3 units done').waitFor();
    assert.deepEqual(world.errors(), []);
  } finally {
    await node.remove();
  }
});

test('with the keyboard alone', async () => {
  const node = await Node.start();
  try {
    const code = await node.setUp();
    const { page } = await world.person();
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const focused = (): Promise<string> => page.evaluate(() => (document.activeElement?.matches('a, button, input, select, summary') ? (document.activeElement.textContent ?? '') : ''));
    /** Goes on with Tab until the focus is on something with this text, and sees that the focus can be seen. */
    const reach = async (text: string): Promise<void> => {
      for (let times = 0; times < 60; times += 1) {
        if ((await focused()).includes(text)) {
          const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
          assert.notEqual(outline, 'none', `the focus on ${text} can be seen`);
          return;
        }
        await press('Tab');
      }
      assert.fail(`${text} was not reached`);
    };
    await page.goto(`${node.url}/`);
    await page.getByLabel('Class code').waitFor();
    await press('Tab');
    assert.match(await focused(), /Skip to content/);
    await page.getByLabel('Class code').focus();
    await page.keyboard.type(code);
    await press('Enter');
    await page.getByLabel('Your name').waitFor();
    await page.getByLabel('Your name').focus();
    await page.keyboard.type('Kim');
    await press('Enter');
    await reach("Let's go");
    await press('Enter');
    await page.getByText('0 of 3 units done').waitFor();
    await reach('Fractions');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await reach('I am done');
    await press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByText('1 of 3 units done').waitFor();
    assert.match(await focused(), /Fractions/, 'the focus is back where it was');
    await reach('Decimals');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await reach('Achievements');
    await press('Enter');
    await page.getByRole('heading', { name: 'Quiz Champion' }).waitFor();
    // The skip link leads to the content of the part that is shown.
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.locator('.skip').focus();
    await press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'content');
    assert.equal(await page.evaluate(() => location.hash), '#achievements', 'the address is left alone');
    await page.getByRole('heading', { name: 'Quiz Champion' }).waitFor();
    // Escape closes the menu, and the focus goes back to what opened it.
    await page.locator('.menu > summary').focus();
    await press('Enter');
    await page.getByLabel('Colours').waitFor();
    await press('Tab', 'Escape');
    await page.getByLabel('Colours').waitFor({ state: 'hidden' });
    assert.match(await focused(), /☰/);
    assert.deepEqual(world.errors(), []);
  } finally {
    await node.remove();
  }
});

/** Somebody comes back to a page that was behind another. */
const lookAgain = (page: Page): Promise<void> => page.evaluate(() => void document.dispatchEvent(new Event('visibilitychange')));

test('pages that stay open notice new units, teams and names', async () => {
  const node = await Node.start();
  try {
    await node.setUp();
    await students(node, 4);
    await node.api('PUT', '/users/90', { name: 'Mo Mentor', role: 'mentor' });
    await node.api('PATCH', '/teams/2', { mentor_id: 90 });
    const ada = await world.person(PHONE);
    await ada.page.goto(await node.signIn('student', 1));
    await ada.page.getByText('0 of 3 units done').waitFor();
    const mentor = await world.person(LAPTOP);
    await mentor.page.goto(await node.signIn('mentor', 90));
    await mentor.page.locator('tr[data-learner="1"]').waitFor();
    const wall = await world.person(WALL);
    await wall.page.goto(await node.signIn('projector'));
    await wall.page.getByRole('heading', { name: '7b' }).waitFor();
    // What is drawn is noted: nothing may change where nothing is another.
    for (const page of [ada.page, mentor.page]) {
      await page.evaluate(() => {
        const changes: string[] = [];
        Object.assign(globalThis, { changes });
        new MutationObserver((list) => changes.push(...list.map(({ target }) => (target as Element).outerHTML ?? target.textContent)))
          .observe(document.querySelector('main') as Element, { subtree: true, childList: true, characterData: true, attributes: true });
      });
      const read = page.waitForResponse((answer) => answer.url().includes('/me'));
      await lookAgain(page);
      await (await read).finished();
    }

    const { id } = await node.api<{ id: number }>('POST', '/units', { title: 'Probability', qualification_id: 1 });
    for (const page of [ada.page, mentor.page]) {
      assert.deepEqual(await page.evaluate(() => (globalThis as unknown as { changes: string[] }).changes), [], 'nothing was drawn anew');
      await lookAgain(page);
    }
    await ada.page.getByRole('button', { name: /Probability/ }).waitFor();
    await ada.page.getByText('0 of 4 units done').waitFor();
    await mentor.page.getByRole('columnheader', { name: 'Probability' }).waitFor();
    await node.api('POST', '/progress/1', { unit_id: id, progress_percentage: 100 });
    await ada.page.getByText('1 of 4 units done').waitFor();

    // Ada is put into the other team. The team says so itself, and the mentor, too.
    await ada.page.getByRole('link', { name: 'Team' }).click();
    await ada.page.getByRole('heading', { name: 'Blue' }).waitFor();
    await node.api('PUT', '/teams/1/members/1', {});
    await node.api('DELETE', '/teams/2/members/1');
    await lookAgain(ada.page);
    await ada.page.getByRole('heading', { name: 'Red' }).waitFor();
    await ada.page.getByRole('heading', { name: 'Blue' }).waitFor({ state: 'detached' });
    await mentor.page.locator('tr[data-learner="1"]').waitFor({ state: 'detached' });
    // The new team is live: a member's points show without a look.
    await earn(node, 2, 'complete_quiz', 900);
    await ada.page.getByRole('row', { name: /50/ }).waitFor();
    // The mentor is given her team, too.
    await node.api('PATCH', '/teams/1', { mentor_id: 90 });
    await lookAgain(mentor.page);
    await mentor.page.getByLabel('Team', { exact: true }).selectOption({ label: 'Red' });
    await mentor.page.locator('tr[data-learner="1"]').waitFor();

    await node.api('PATCH', '/classroom', { name: '8b' });
    for (const { page } of [wall, ada]) await lookAgain(page);
    await wall.page.getByRole('heading', { name: '8b' }).waitFor();
    await ada.page.locator('.top-title', { hasText: '8b' }).waitFor();
    for (const { page } of [ada, mentor, wall]) assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation').length), 1, 'no reload');
    assert.deepEqual(world.errors(), []);
  } finally {
    await node.remove();
  }
});

test('a refusal says when it counts again, as clocks show it where the student is', async () => {
  const node = await Node.start();
  try {
    await node.setUp();
    await students(node, 1);
    await node.api('POST', '/rules/apply', { document: 'name = "Slowly"\n\n[actions.read_content]\npoints = 10\ncooldown = "90 min"\n' });
    await earn(node, 1, 'read_content', 1);
    const timezoneId = 'Pacific/Kiritimati';
    const ada = await world.person({ ...PHONE, timezoneId });
    await ada.page.goto(await node.signIn('student', 1));
    await ada.page.getByRole('button', { name: /Decimals/ }).click();
    await ada.page.getByRole('button', { name: 'I have read it' }).click();
    const told = 'No points for Reading Decimals: too soon after the last one. It counts again from ';
    const toast = (await ada.page.locator('.toast', { hasText: told }).innerText()).replaceAll('\n', ' ');
    const refused = (await node.api<{ items: { retry_at: string }[] }>('GET', '/points/1')).items[0];
    const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: timezoneId }).format(new Date(refused?.retry_at ?? ''));
    assert.ok(toast.includes(time), `${toast} says ${time}`);
    await ada.page.getByRole('link', { name: 'Points' }).click();
    const line = await ada.page.getByRole('row', { name: told }).innerText();
    assert.ok(line.includes(time), `${line} says ${time}`);
    assert.deepEqual(world.errors(), []);
  } finally {
    await node.remove();
  }
});

test('the way back leads from one learner to the one before', async () => {
  const node = await Node.start();
  try {
    await node.setUp();
    await students(node, 2);
    const { page } = await world.person(LAPTOP);
    await page.goto((await node.signIn('admin')).replace('/admin#', '/mentor#'));
    await page.locator('tr[data-learner="1"]').waitFor();
    for (const id of [1, 2]) {
      await page.evaluate((hash) => void (location.hash = hash), `learner/${id}`);
      await page.getByRole('heading', { name: `Student ${id} Example` }).waitFor();
    }
    await page.goBack();
    await page.getByRole('heading', { name: 'Student 1 Example' }).waitFor();
    assert.deepEqual(world.errors(), []);
  } finally {
    await node.remove();
  }
});

test('the wall: when many rows move, points show at once and all come to their places', async () => {
  const rows = 60;
  const node = await Node.start(['--projector-places', '200']);
  try {
    await node.setUp();
    await students(node, rows);
    const wall = await world.person(WALL);
    await wall.page.goto(await node.signIn('projector'));
    await wall.page.getByLabel('Places').selectOption('200');
    await wall.page.locator('.wall-row').nth(rows - 1).waitFor();
    // In each round the last of all overtake the others.
    for (let round = 1; round <= 2; round += 1) {
      const events = Array.from({ length: 30 }, (_, index) => ({
        kind: 'points', user_id: rows - (30 * (round - 1) + index), action_type: 'complete_quiz', reference_id: 1_000 * round + index,
      }));
      await node.api('POST', '/events', { events });
    }
    await earn(node, 1, 'read_content', 7);
    await wall.page.locator('.wall-row[data-points="60"]').filter({ has: wall.page.locator('.wall-name', { hasText: /^Comet 1$/ }) }).waitFor();
    const { entries } = await node.api<{ entries: { name: string; points: number }[] }>('GET', `/leaderboards/all?limit=${rows}`);
    const wanted = entries.map(({ points }) => points).join();
    await eventually('the order of the node', async () => {
      const shown = await wall.page.locator('.wall-row').evaluateAll((list) => list.map((row) => (row as HTMLElement).dataset['points']).join());
      return shown === wanted;
    });
    // Where the layout puts them, when the moves are over.
    await eventually('the end of all moves', () => wall.page.evaluate(() => document.getAnimations().length === 0));
    const lanes = await wall.page.locator('.wall-row').evaluateAll((list) => list.map((row) => Math.round(row.getBoundingClientRect().left * 10_000 + row.getBoundingClientRect().top)));
    assert.deepEqual(lanes, [...lanes].sort((one, other) => one - other), 'column by column, from top to bottom');
    assert.deepEqual(world.errors(), []);
  } finally {
    await node.remove();
  }
});

test('the wall: rows move smoothly, the first are celebrated, announcements run, keys work', async () => {
  const node = await Node.start();
  try {
    await node.setUp();
    await students(node, 30);
    for (let id = 1; id <= 30; id += 1) await earn(node, id, 'read_content', 700 + id);
    const wall = await world.person(WALL);
    await wall.page.goto(await node.signIn('projector'));
    await wall.page.locator('.wall-row').nth(19).waitFor();
    await earn(node, 9, 'complete_quiz', 800);
    await wall.page.getByText('Comet 9 takes the lead!').waitFor();
    await wall.page.locator('.wall-row').first().locator('text=Comet 9').waitFor();
    await shot(wall.page, 'projector-wall');
    // An achievement: of the tiers that come together the highest, under the alias.
    for (const unit_id of [1, 2, 3]) {
      await node.api('POST', '/progress/5', { unit_id, progress_percentage: 100 });
      await earn(node, 5, 'complete_quiz', unit_id, { score: 1 });
    }
    await earn(node, 5, 'contribute_resource', 1, { quality: 1 });
    await wall.page.getByText('Comet 5 is a Content Master now: Gold!').waitFor();
    await shot(wall.page, 'projector-celebration');
    await node.api('POST', '/announcements', { text: 'We begin at ten.' });
    await wall.page.getByText('We begin at ten.').waitFor();
    await wall.page.keyboard.press('t');
    await wall.page.locator('.wall-board').waitFor({ state: 'detached' });
    await wall.page.keyboard.press('a');
    await wall.page.locator('.wall-board').waitFor();
    await wall.page.keyboard.press('d');
    assert.equal(await wall.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
    await shot(wall.page, 'projector-dark');
    assert.equal(await wall.page.getByText('Example').count(), 0, 'no real name');
    assert.deepEqual(world.errors(), []);
  } finally {
    await node.remove();
  }
});
