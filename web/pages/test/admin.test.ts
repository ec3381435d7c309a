// The stories of whoever looks after the class: rules, backups, the roster, tokens, privacy, health, every way to set a class
// up, the page on a phone and written from the right, and a class list as schools have them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { ADMIN_TOKEN, LAPTOP, Node, PHONE, WALL, World, earn, eventually, report, shot, students } from './world.ts';

let world: World;
before(async () => void (world = await World.open()));
after(() => world.close());

/** Plays one story on a node of its own. */
function story(name: string, play: (node: Node) => Promise<void>): void {
  test(name, async () => {
    const node = await Node.start();
    try {
      await play(node);
      assert.deepEqual(world.errors(), []);
    } finally {
      await node.remove();
    }
  });
}

/** An admin with the page open at a tab. */
async function admin(node: Node, tab: string, device: object = LAPTOP): Promise<Page> {
  const { page } = await world.person(device);
  await page.goto(await node.signIn('admin'));
  await page.getByRole('navigation').waitFor();
  await open(page, tab);
  return page;
}

async function open(page: Page, tab: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: tab, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: tab, exact: true }).waitFor();
}

const dialog = (page: Page) => page.getByRole('dialog');
/** A name inside of a sentence, as the page writes it: its direction stays its own. */
const named = (sentence: string, name: string): string => `${sentence} \u2068${name}\u2069`;
/** A button of the dialog that is open. */
const press = (page: Page, name: string): Promise<void> => dialog(page).getByRole('button', { name, exact: true }).click();
const gone = (page: Page): Promise<void> => dialog(page).waitFor({ state: 'detached' });
const points = (page: Page, total: number): Promise<void> => page.locator(`[data-points="${total}"]`).first().waitFor();

/** Whether the browser has led somebody to a field that has to be filled in. */
const isAskedFor = (field: Element): boolean => field === document.activeElement && !(field as HTMLInputElement).validity.valid;

/** What the page gives out as a file when it is asked to. */
async function downloaded(page: Page, click: () => Promise<void>): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The status of a request with a token of one's own. */
async function statusOf(node: Node, path: string, token: string): Promise<number> {
  return (await fetch(node.url + path, { headers: { Authorization: `Bearer ${token}` } })).status;
}

const totalOf = async (node: Node, id: number): Promise<number> =>
  (await node.api<{ points: { total: number } }>('GET', `/progress/${id}`)).points.total;

interface Person {
  id: number;
  name: string;
  alias: string | null;
  archived_at: string | null;
}
const roster = async (node: Node, archived = false): Promise<Person[]> =>
  (await node.api<{ items: Person[] }>('GET', `/users?limit=1000&archived=${archived}`)).items;

story('rules are checked, previewed, applied and undone, and a phone follows', async (node) => {
  await node.setUp();
  await students(node, 3);
  await earn(node, 1, 'complete_quiz', 501);
  await earn(node, 2, 'read_content', 502);
  const phone = await world.person(PHONE);
  await phone.page.goto(await node.signIn('student', 1));
  await points(phone.page, 50);
  const page = await admin(node, 'Rules');
  const text = page.getByLabel('Rules in force');
  const before = await text.inputValue();
  const inForce = await node.api<{ document: string }>('GET', '/rules');
  assert.equal(before, inForce.document, 'what is in force stands in the editor');

  await text.fill(before.replace('points = 50', 'points = -5'));
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  const line = before.split('\n').indexOf('points = 50') + 1;
  const fault = page.getByRole('alert').filter({ hasText: '1 fault:' });
  await fault.getByText('actions.complete_quiz.points', { exact: true }).waitFor();
  await fault.getByRole('button', { name: `Line ${line}` }).click();
  const marked = await text.evaluate((area) => {
    const { value, selectionStart, selectionEnd } = area as HTMLTextAreaElement;
    return [document.activeElement === area, value.slice(selectionStart, selectionEnd)];
  });
  assert.deepEqual(marked, [true, 'points = -5'], 'the line is marked in the text');
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await fault.waitFor();
  assert.equal(await dialog(page).count(), 0, 'nothing is applied that is not sound');

  // The text outlives another tab and a reload.
  const better = before.replace('points = 50', 'points = 70');
  await text.fill(better);
  await open(page, 'Health');
  await open(page, 'Rules');
  assert.equal(await text.inputValue(), better);
  await page.reload();
  await page.getByText('Not applied yet').waitFor();
  assert.equal(await text.inputValue(), better);

  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  await page.getByText('1 would gain 20 points.').waitFor();
  const row = page.getByRole('row').filter({ hasText: 'Student 1 Example' });
  assert.match(await row.innerText(), /\+20\s+50 → 70/);
  assert.equal(await totalOf(node, 1), 50, 'a preview changes nothing');
  await shot(page, 'admin-rules-preview');

  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await press(page, 'Apply');
  await points(phone.page, 70);
  await page.getByText('The rules are applied.').waitFor();
  await page.getByText('Version 2, from here').waitFor();
  assert.deepEqual([await totalOf(node, 1), await totalOf(node, 2)], [70, 10]);
  assert.equal(await page.getByText('Not applied yet').count(), 0);

  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await press(page, 'Undo');
  await points(phone.page, 50);
  await page.getByText('Version 3, from here').waitFor();
  assert.equal(await text.inputValue(), before);
  assert.deepEqual([await totalOf(node, 1), await totalOf(node, 2)], [50, 10]);

  await page.getByLabel('Name', { exact: true }).fill('Autumn "26"');
  await page.getByLabel('First day').fill('2026-09-01');
  await page.getByLabel('Ends before').fill('2026-08-01');
  await page.getByRole('button', { name: 'Add the season to the text' }).click();
  await page.getByText('A season ends after its first day.').waitFor();
  await page.getByLabel('Ends before').fill('2099-01-01');
  await page.getByRole('button', { name: 'Add the season to the text' }).click();
  await page.getByRole('listitem').filter({ hasText: 'Autumn "26"' }).waitFor();
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await press(page, 'Apply');
  await page.getByText('Version 4, from here').waitFor();
  assert.match((await node.api<{ document: string }>('GET', '/rules')).document, /\[\[seasons\]\]\nname = "Autumn \\"26\\""\nfrom = 2026-09-01\nto = 2099-01-01/);
  await page.getByRole('button', { name: named('Take out', 'Autumn "26"') }).click();
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await press(page, 'Apply');
  await page.getByText('Version 5, from here').waitFor();
  assert.doesNotMatch((await node.api<{ document: string }>('GET', '/rules')).document, /^\[\[seasons\]\]/m);
  assert.equal(await totalOf(node, 1), 50);

  // Somebody else applies other rules meanwhile: the text stays, and says so.
  await text.fill(better);
  await node.api('POST', '/rules/apply', { document: 'name = "other"\n' });
  await open(page, 'Health');
  await open(page, 'Rules');
  await page.getByText('You began this text from version 5; version 6 is in force now.').waitFor();
  assert.equal(await text.inputValue(), better);
  await page.getByRole('button', { name: 'Back to the rules in force' }).click();
  assert.equal(await text.inputValue(), 'name = "other"\n');
  await page.getByRole('log').getByRole('button', { name: 'Undo' }).click();
  assert.equal(await text.inputValue(), better, 'putting a text aside can be undone');
  report({ row: 'F-U7', what: 'rules broken, mended, previewed, applied, undone; a season added and taken out', happened: 5, outcome: 'a phone showed each total live' });
});

story('a backup is made, fetched byte for byte, checked and deleted', async (node) => {
  await node.setUp();
  await students(node, 3);
  const page = await admin(node, 'Backups');
  await page.getByText('Nothing here yet.').waitFor();
  await page.getByRole('button', { name: 'Make a backup now' }).click();
  await page.getByText('The backup is made.').waitFor();
  const { items } = await node.api<{ items: { name: string; bytes: number; sha256: string }[] }>('GET', '/backups');
  const [backup] = items;
  assert.ok(backup && items.length === 1);
  const row = page.getByRole('row').filter({ hasText: backup.name });
  await row.getByText(backup.sha256).waitFor();
  const fetching = (): Promise<void> => row.getByRole('button', { name: 'Download' }).click();
  for (const time of ['first', 'second']) {
    const bytes = await downloaded(page, fetching);
    assert.equal(bytes.length, backup.bytes, time);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), backup.sha256, time);
  }
  await row.getByRole('button', { name: 'Check' }).click();
  await row.getByText('whole', { exact: true }).waitFor();
  await shot(page, 'admin-backups');
  await row.getByRole('button', { name: 'Delete' }).click();
  await press(page, 'Cancel');
  await row.getByRole('button', { name: 'Delete' }).click();
  await press(page, 'Delete');
  await page.getByText('Nothing here yet.').waitFor();
  assert.deepEqual((await node.api<{ items: unknown[] }>('GET', '/backups')).items, []);
});

story('somebody is found, added, renamed, archived, brought back and merged, and the wall follows with aliases alone', async (node) => {
  await node.setUp();
  await students(node, 4);
  await earn(node, 1, 'complete_quiz', 601);
  const wall = await world.person(WALL);
  await wall.page.goto(await node.signIn('projector'));
  const onWall = (name: string) => wall.page.locator('.wall-row').filter({ hasText: name });
  await onWall('Comet 1').waitFor();
  const page = await admin(node, 'Roster');
  const search = page.getByRole('searchbox');
  const count = (n: number): Promise<void> => page.getByText(n === 1 ? '1 person' : `${n} people`, { exact: true }).waitFor();
  await count(4);
  await search.fill('comet 3');
  await count(1);
  await page.getByRole('rowheader', { name: 'Student 3 Example' }).waitFor();
  await search.fill('#4');
  await count(1);
  await search.fill('nobody of this name');
  await count(0);
  await search.fill('');

  await page.getByRole('button', { name: 'Add a person' }).click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('Zoë Example');
  await dialog(page).getByLabel('Alias').fill('Nova');
  await dialog(page).getByLabel('Blue').check();
  await press(page, 'Save');
  await gone(page);
  await page.getByRole('row').filter({ hasText: 'Zoë Example' }).getByText('Blue').waitFor();
  const zoe = (await roster(node)).find(({ name }) => name === 'Zoë Example');
  assert.equal(zoe?.alias, 'Nova');
  const members = async (team: number): Promise<number[]> =>
    (await node.api<{ members: { user_id: number }[] }>('GET', `/teams/${team}`)).members.map(({ user_id }) => user_id);
  assert.ok((await members(2)).includes(zoe.id));
  await onWall('Nova').waitFor();

  const edit = (name: string): Promise<void> => page.getByRole('button', { name: named('Edit', name) }).click();
  await edit('Zoë Example');
  await dialog(page).getByLabel('Name', { exact: true }).fill('Zoë Elsewhere');
  await dialog(page).getByLabel('Alias').fill('Supernova');
  await dialog(page).getByLabel('Blue').uncheck();
  await dialog(page).getByLabel('Red').check();
  await press(page, 'Save');
  await gone(page);
  await onWall('Supernova').waitFor();
  assert.deepEqual([(await members(1)).includes(zoe.id), (await members(2)).includes(zoe.id)], [true, false], 'out of one team, into another');

  // A PIN, shown once, that lets somebody in.
  await page.getByRole('button', { name: named('New PIN for', 'Zoë Elsewhere') }).click();
  await press(page, 'New PIN');
  const pin = (await dialog(page).locator('code').textContent()) ?? '';
  assert.match(pin, /^\d{4}$/);
  await page.keyboard.press('Escape');
  await gone(page);
  const { code } = await node.api<{ code: string }>('GET', '/classroom');
  const back = await world.person(PHONE);
  await back.page.goto(`${node.url}/#code=${code}`);
  await back.page.getByRole('button', { name: 'Next' }).click();
  await back.page.getByRole('button', { name: 'I have been here before' }).click();
  await back.page.getByLabel('Your name').fill('Zoë Elsewhere');
  await back.page.getByLabel('Your PIN').fill(pin);
  await back.page.getByRole('button', { name: 'Come back' }).click();
  await points(back.page, 0);

  // A link, good once, for somebody without one.
  await edit('Student 4 Example');
  await press(page, 'Sign-in link');
  await press(page, 'Make the link');
  const link = (await dialog(page).locator('code').textContent()) ?? '';
  await page.keyboard.press('Escape');
  await gone(page);
  const fourth = await world.person(PHONE);
  await fourth.page.goto(node.url + new URL(link).pathname + new URL(link).hash);
  await points(fourth.page, 0);

  await edit('Zoë Elsewhere');
  await press(page, 'Remove from the class');
  await gone(page);
  await onWall('Supernova').waitFor({ state: 'detached' });
  await back.page.getByText('Not connected any more').waitFor();
  await count(4);
  assert.equal((await roster(node)).some(({ id }) => id === zoe.id), false);
  await page.getByLabel('Show the removed').check();
  await page.getByRole('row').filter({ hasText: 'Zoë Elsewhere' }).getByText('Removed', { exact: true }).waitFor();
  await edit('Zoë Elsewhere');
  await press(page, 'Bring back');
  await gone(page);
  await onWall('Supernova').waitFor();
  await count(5);
  await page.getByLabel('Show the removed').uncheck();
  const phone = await world.person(PHONE);
  await phone.page.goto(await node.signIn('student', zoe.id));
  await points(phone.page, 0);

  // She had come in twice: what the double earned is hers.
  await node.api('PUT', '/users/9', { name: 'Zoe again', alias: 'Double' });
  await earn(node, 9, 'complete_quiz', 602);
  await page.getByLabel('Team', { exact: true }).selectOption({ label: 'Without a team' });
  await count(1);
  await edit('Zoe again');
  await press(page, 'Merge a double');
  await press(page, 'Merge');
  assert.equal(await dialog(page).getByRole('radio').first().evaluate(isAskedFor), true, 'whom to merge into is asked for first');
  await dialog(page).getByRole('radio', { name: /Zoë Elsewhere/ }).check();
  await shot(page, 'admin-merge');
  await press(page, 'Merge');
  await page.getByText('Merged. Moved: awards 1, units 0.').waitFor();
  await points(phone.page, 50);
  await onWall('Double').waitFor({ state: 'detached' });
  await wall.page.locator('.wall-row[data-points="50"]').filter({ hasText: 'Supernova' }).waitFor();
  assert.equal(await totalOf(node, zoe.id), 50);
  assert.equal(await wall.page.getByText(/Zo[eë]|Example/).count(), 0, 'the wall shows no real name');
  await page.getByLabel('Team', { exact: true }).selectOption({ label: 'All teams' });
  await edit('Student 1 Example');
  await shot(page, 'admin-person');
  report({ row: 'F-U7', what: 'a person added, moved, renamed, given a PIN and a link, archived, brought back, merged', happened: 7, outcome: 'the wall and the phone followed' });
});

story('join cards outlive a look at another tab, until somebody has another PIN or is erased', async (node) => {
  await node.setUp();
  await students(node, 5);
  const page = await admin(node, 'Roster');
  await page.getByRole('button', { name: 'Print join cards' }).click();
  await page.getByLabel('Whose cards').selectOption({ label: '\u2068Blue\u2069' });
  await page.getByRole('button', { name: 'Make 3 cards' }).click();
  const cards = page.locator('.join-card');
  await cards.nth(2).waitFor();
  const before = await cards.allInnerTexts();
  await shot(page, 'admin-cards');
  await open(page, 'Health');
  await open(page, 'Roster');
  await page.getByRole('button', { name: 'New PIN for \u2068Student 1 Example\u2069' }).click();
  await press(page, 'New PIN');
  await dialog(page).locator('code').waitFor();
  await page.keyboard.press('Escape');
  await gone(page);
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'PIN', 'the focus is back where it was');
  await page.getByRole('button', { name: named('Edit', 'Student 3 Example') }).click();
  await press(page, 'Erase for good');
  await dialog(page).getByRole('textbox').fill('3');
  await press(page, 'Erase');
  await gone(page);
  await page.getByRole('button', { name: 'Print join cards' }).click();
  await cards.first().waitFor();
  assert.deepEqual(await cards.allInnerTexts(), before.filter((text) => text.includes('Student 5 Example')));
  await page.getByRole('button', { name: 'Done, make others' }).click();
  await page.getByRole('button', { name: 'Make 4 cards' }).waitFor();
});

story('a token is shown once, works until it is ended, and the last way in stays', async (node) => {
  await node.setUp();
  const page = await admin(node, 'Tokens');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await dialog(page).getByLabel('Label').fill('school server');
  await press(page, 'Make a token');
  const secret = (await dialog(page).locator('code').textContent()) ?? '';
  await page.keyboard.press('Escape');
  await gone(page);
  assert.ok(secret.length > 20);
  const row = page.getByRole('row').filter({ hasText: 'school server' });
  await row.waitFor();
  assert.equal((await page.content()).includes(secret), false, 'it is shown this once');
  assert.equal(await statusOf(node, '/users', secret), 200);
  await row.getByRole('button', { name: 'End' }).click();
  await press(page, 'End');
  await page.getByText('The token is ended.').waitFor();
  await row.waitFor({ state: 'detached' });
  assert.equal(await statusOf(node, '/users', secret), 401);

  // A token of a person needs the person.
  await page.getByRole('button', { name: 'Make a token' }).click();
  await dialog(page).getByLabel('Role').selectOption({ label: 'Student' });
  await press(page, 'Make a token');
  assert.equal(await dialog(page).getByRole('textbox').count(), 1);
  await dialog(page).getByText('Nothing here yet.').waitFor();
  await dialog(page).getByText('Choose a person first.').waitFor();
  await press(page, 'Cancel');
  await gone(page);

  // The token of the machine is the last way in that stays: the session of this page ends by itself some day.
  const machine = page.getByRole('row').filter({ has: page.locator('.tag', { hasText: /^Admin$/ }) });
  assert.equal(await machine.count(), 1, 'browsers are not listed before one asks for them');
  await machine.getByRole('button', { name: 'End' }).click();
  await press(page, 'End');
  await dialog(page).getByText('This is the last way in for a teacher; make another one first.').waitFor();
  await shot(page, 'admin-last-token');
  await press(page, 'Cancel');
  await gone(page);
  assert.equal(await statusOf(node, '/users', ADMIN_TOKEN), 200);
  await open(page, 'Roster');
  await page.getByText('0 people', { exact: true }).waitFor();
});

story('what is stored of a person is given out and erased, and no byte of the name stays', async (node) => {
  await node.setUp();
  await students(node, 3);
  await node.api('PATCH', '/users/2', { name: 'Xanthippe Unmistakable', alias: 'Quokka' });
  const { event_id } = await earn(node, 2, 'complete_quiz', 701);
  await earn(node, 2, 'read_content', 702);
  const page = await admin(node, 'Privacy');
  await page.getByRole('radio', { name: /Xanthippe/ }).check();
  const file = await downloaded(page, () => page.getByRole('button', { name: 'Export the data' }).click());
  const text = file.toString('utf8');
  assert.equal(typeof JSON.parse(text), 'object');
  assert.ok(text.includes('Xanthippe Unmistakable') && text.includes(String(event_id)), 'the file has the name and the events');
  const log = page.getByRole('table');
  await log.getByText('Data exported').first().waitFor();

  await page.getByRole('button', { name: 'Erase for good' }).click();
  await dialog(page).getByRole('textbox').fill('Xanthippe');
  await press(page, 'Erase');
  await dialog(page).getByText('That is neither the name nor the id.').waitFor();
  assert.equal((await roster(node)).length, 3, 'nothing is erased by a wrong name');
  await dialog(page).getByRole('textbox').fill('xanthippe  unmistakable');
  await press(page, 'Erase');
  await page.getByText('The person with id 2 is erased.').waitFor();
  await log.getByText('Person erased').first().waitFor();
  const asked = await fetch(`${node.url}/users/2`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
  assert.equal(asked.status, 410);
  const nameless = async (): Promise<void> => assert.doesNotMatch(await page.content(), /Xanthippe|Unmistakable|Quokka/i);
  await eventually('the name is off the page', async () => !/Xanthippe|Unmistakable|Quokka/i.test(await page.content()));
  assert.doesNotMatch(JSON.stringify(await node.api('GET', '/audit?limit=1000')), /Xanthippe|Unmistakable|Quokka/i);
  await open(page, 'Roster');
  await page.getByText('2 people', { exact: true }).waitFor();
  await page.getByLabel('Show the removed').check();
  await nameless();
  assert.deepEqual(await totalOf(node, 1), 0);

  await open(page, 'Privacy');
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'Person erased' });
  await eventually('one entry', async () => (await log.getByRole('row').count()) === 2);
  await log.getByText('#2', { exact: true }).waitFor();
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'Backup made' });
  await page.getByText('Nothing here yet.').waitFor();
  await nameless();
  await shot(page, 'admin-privacy');
});

story('the parts of the node and its figures are shown, and the figures follow what happens', async (node) => {
  await node.setUp();
  await students(node, 3);
  const page = await admin(node, 'Health');
  await page.getByText('Ready', { exact: true }).waitFor();
  for (const part of ['Writing', 'Disk', 'Journal', 'Roster', 'Engine']) await page.getByText(`${part}: fine`).waitFor();
  const tile = (name: string) => page.locator('.tile').filter({ has: page.getByRole('heading', { name }) });
  const figure = (name: string): Promise<string> => tile(name).locator('.big').innerText();
  await eventually('a rate', async () => (await figure('Awards a second')) !== '–');
  assert.equal(await figure('Awards a second'), '0');
  let reference = 800;
  await eventually('awards are seen', async () => {
    await earn(node, 1, 'complete_quiz', (reference += 1));
    return Number(await figure('Awards a second')) > 0;
  });
  assert.match(await figure('Time of a commit'), /\d ms/);
  assert.match(await figure('Memory'), /MB/);
  await shot(page, 'admin-health');
  await tile('Live connections').getByText('Admin: 1').waitFor();
  // The node goes away, and the page says so and goes on by itself.
  await node.end('SIGKILL');
  await page.getByText('The node cannot be reached just now.').waitFor();
  await node.start();
  await page.getByText('The node cannot be reached just now.').waitFor({ state: 'detached' });
  await page.getByText('Ready', { exact: true }).waitFor();
});

story('when the node is away every tab says so and keeps what it shows', async (node) => {
  await node.setUp();
  await students(node, 2);
  const page = await admin(node, 'Roster');
  await page.getByRole('rowheader', { name: 'Student 1 Example' }).waitFor();
  await node.end('SIGKILL');
  await page.getByText('No connection.').waitFor();
  assert.equal(await page.getByRole('rowheader', { name: 'Student 1 Example' }).count(), 1);
  await page.getByRole('button', { name: 'Add a person' }).click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('Written for nothing');
  await press(page, 'Save');
  await dialog(page).getByText('The node cannot be reached just now.').waitFor();
  assert.equal(await dialog(page).getByLabel('Name', { exact: true }).inputValue(), 'Written for nothing', 'what was typed stays');
  await node.start();
  await page.locator('.line[data-state="open"]').waitFor();
  await press(page, 'Save');
  await gone(page);
  await page.getByRole('rowheader', { name: 'Written for nothing' }).waitFor();
  await node.end('SIGKILL');
  await page.getByText('No connection.').waitFor();
  for (const tab of ['Teams & units', 'Tokens', 'Rules', 'Privacy', 'Backups', 'Health']) {
    await open(page, tab);
    await page.getByRole('alert').filter({ hasText: 'The node cannot be reached just now.' }).first().waitFor();
  }
  await open(page, 'Tokens');
  const again = page.getByRole('button', { name: 'Try now' });
  await again.waitFor();
  await node.start();
  await again.click();
  await page.getByRole('button', { name: 'Make a token' }).waitFor();
});

/** How far a page can be scrolled to the side, which it must not. */
const sideways = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** What lies on top of something else on a page: controls, tags and texts that are not inside of one another. */
function overlaps(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const seen = [...document.querySelectorAll('main :is(a, button, input, select, textarea, .tag, bdi, code, h2, h3, label, legend, small, p, .qr, time)')].flatMap((element) => {
      if (element.closest('.hidden, dialog:not([open])') !== null || !element.checkVisibility()) return [];
      // A text over two lines is two boxes.
      return [...element.getClientRects()].filter(({ width, height }) => width > 1 && height > 1).map((box) => ({ element, box }));
    });
    const found: string[] = [];
    for (const [at, one] of seen.entries()) {
      for (const other of seen.slice(at + 1)) {
        if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
        const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        // What scrolls inside of its box is cut off there, and lies on nothing.
        const boxes = [one, other].map(({ element }) => element.closest('.scroll, .picks, .tabs'));
        if (wide > 3 && high > 3 && boxes[0] === boxes[1]) found.push(`${one.element.outerHTML.slice(0, 80)} on ${other.element.outerHTML.slice(0, 80)}`);
      }
    }
    return found.slice(0, 5);
  });
}

const PRESETS = [
  { rules: 'Calm', boards: 'Only who wants to', leaderboards: 'opt_in' },
  { rules: 'Teamwork', boards: 'Nobody', leaderboards: 'off' },
  { rules: 'Standard', boards: 'Everybody, under an alias', leaderboards: 'opt_out' },
] as const;

for (const { rules, boards, leaderboards } of PRESETS) {
  story(`a class set up with ${rules} and boards of “${boards}” is so`, async (node) => {
    const teacher = await world.person(LAPTOP);
    const { page } = teacher;
    await page.goto(node.link);
    await page.getByLabel('Name of the class').fill('7b');
    await page.getByRole('radio', { name: new RegExp(`^${rules}`) }).check();
    await page.getByRole('radio', { name: new RegExp(`^${boards}`) }).check();
    await page.getByRole('button', { name: 'Open the class' }).click();
    await page.getByRole('heading', { name: 'You are live: 7b' }).waitFor();
    assert.equal((await node.api<{ leaderboards: string }>('GET', '/classroom')).leaderboards, leaderboards);
    await students(node, 2);

    // The points.
    const first = await node.api<{ awarded: boolean }>('POST', '/points/earn', { user_id: 1, action_type: 'read_content', reference_id: 1 });
    const second = await node.api<{ awarded: boolean; reason?: string }>('POST', '/points/earn', { user_id: 1, action_type: 'read_content', reference_id: 2 });
    assert.deepEqual([first.awarded, second.awarded, second.reason], rules === 'Calm' ? [true, false, 'cooldown'] : [true, true, undefined]);
    const { name } = await node.api<{ name: string }>('GET', '/rules');
    assert.equal(name, rules === 'Standard' ? 'shipped' : rules.toLowerCase());
    if (rules === 'Teamwork') {
      // What was earned in a team stays with it.
      await node.api('DELETE', '/teams/2/members/1');
      await node.api('PUT', '/teams/1/members/1', {});
      const left = await node.api<{ points: { sum: number } }>('GET', '/team/2/performance');
      assert.equal(left.points.sum, 20);
    }

    // The boards, on the student's phone and on the wall.
    const ada = await world.person(PHONE);
    await ada.page.goto(await node.signIn('student', 1));
    await ada.page.getByRole('link', { name: 'Boards' }).click();
    const wall = await world.person(WALL);
    await wall.page.goto(await node.signIn('projector'));
    if (leaderboards === 'off') {
      await ada.page.getByText('Your class keeps no boards.').waitFor();
      await wall.page.getByText('This class keeps no boards.').waitFor();
    } else if (leaderboards === 'opt_in') {
      await ada.page.getByText('You are not on the boards.').waitFor();
      await ada.page.getByText('Nobody is on this board yet.').waitFor();
      await ada.page.getByRole('button', { name: 'Show me on boards' }).click();
      await ada.page.getByRole('rowheader', { name: 'Comet 1 you' }).waitFor();
      await wall.page.locator('.wall-row').filter({ hasText: 'Comet 1' }).waitFor();
      assert.equal(await wall.page.locator('.wall-row').filter({ hasText: 'Comet 2' }).count(), 0, 'nobody else is shown');
    } else {
      await ada.page.getByText('You are on the boards under your alias.').waitFor();
      await wall.page.locator('.wall-row').filter({ hasText: 'Comet 2' }).waitFor();
    }
    // The same choice stands on the page of the class, and can be changed there.
    await page.goto(`${node.url}/admin#class`);
    const choice = page.getByLabel('Who is on the leaderboards');
    assert.equal(await choice.inputValue(), leaderboards);
    if (leaderboards === 'off') {
      await choice.selectOption('opt_out');
      await page.getByText('Students can take themselves off').waitFor();
      assert.equal((await node.api<{ leaderboards: string }>('GET', '/classroom')).leaderboards, 'opt_out');
    }
    report({ row: 'F-U1', what: `set-up with ${rules} and boards ${leaderboards}`, happened: 1, outcome: 'rules and boards are so on every screen' });
  });
}

story('what is wrong with the form of the set-up is named at its field, and nothing is made', async (node) => {
  const { page } = await world.person({ ...PHONE, locale: 'de-DE' });
  await page.goto(node.link);
  const name = page.getByLabel('Name der Klasse');
  await name.fill('   ');
  await page.getByLabel('Teams, je Zeile eins').fill(`Rot\n${'x'.repeat(101)}`);
  const send = page.getByRole('button', { name: 'Klasse öffnen' });
  await send.click();
  await page.getByText('Es ist noch nichts angelegt.').waitFor();
  const described = (label: string): Promise<[string | null, string]> =>
    page.getByLabel(label).evaluate((field) => {
      const hint = document.getElementById(field.getAttribute('aria-describedby') ?? '');
      return [field.getAttribute('aria-invalid'), hint?.textContent ?? ''] as [string | null, string];
    });
  assert.deepEqual(await described('Name der Klasse'), ['true', 'Gib der Klasse einen Namen.']);
  assert.deepEqual(await described('Teams, je Zeile eins'), ['true', `„${'x'.repeat(24)}…“ hat 101 Zeichen; höchstens 100 passen.`]);
  assert.equal(await name.evaluate((field) => field === document.activeElement), true, 'the first wrong field has the focus');
  assert.equal(await sideways(page), 0, 'nothing is wider than a phone');
  await shot(page, 'setup-german-faults');
  assert.equal((await node.api<{ is_set_up: boolean }>('GET', '/classroom')).is_set_up, false);
  for (const list of ['/teams', '/units', '/qualifications']) assert.deepEqual((await node.api<{ items: unknown[] }>('GET', list)).items, [], list);
  await name.fill('7b');
  await page.getByLabel('Teams, je Zeile eins').fill('Rot\nRot\n\n Blau ');
  assert.equal(await page.getByRole('radio', { name: 'Standard' }).isChecked(), true);
  await send.click();
  await page.getByRole('heading', { name: /7b/ }).waitFor();
  assert.equal(await sideways(page), 0);
  await shot(page, 'setup-german-live');
  const teams = await node.api<{ items: { name: string }[] }>('GET', '/teams');
  assert.deepEqual(teams.items.map((team) => team.name), ['Rot', 'Blau'], 'each line once');
});

const TABS = ['class', 'roster', 'teams', 'tokens', 'rules', 'privacy', 'backups', 'health'] as const;

story('the page fits a phone, in both languages and both directions of writing', async (node) => {
  await node.setUp({ name: 'The class with a name that is longer than a phone is wide', teams: ['Red', 'A team whose name takes more than one line on a phone'] });
  await students(node, 12);
  await node.api('PATCH', '/users/2', { name: 'Maximiliane Unabbreviated-Longname of Elsewhere', alias: 'Wolpertinger-of-the-seven-mountains' });
  await node.api('PATCH', '/units/1', { skills: ['fractions', 'decimals', 'mental arithmetic without paper'] });
  await node.api('POST', '/backups');
  const page = await admin(node, 'Class', PHONE);
  for (const [language, direction] of [['en', 'ltr'], ['en', 'rtl'], ['de', 'ltr']] as const) {
    await page.evaluate((next) => localStorage.setItem('homeroom.language', next), language);
    await page.reload();
    for (const tab of TABS) {
      await page.evaluate((hash) => void (location.hash = hash), tab);
      await page.locator(`nav a[href="#${tab}"][aria-current]`).waitFor();
      await page.evaluate((dir) => void (document.documentElement.dir = dir), direction);
      await page.locator('main :is(h2, table, form, .card)').first().waitFor();
      await page.waitForLoadState('networkidle');
      assert.ok((await sideways(page)) <= 0, `${tab} ${language} ${direction} scrolls sideways by ${await sideways(page)}`);
      assert.deepEqual(await overlaps(page), [], `${tab} ${language} ${direction}`);
      await shot(page, `admin-phone-${language}-${direction}-${tab}`);
    }
    // Dialogs fit as well.
    await page.evaluate(() => void (location.hash = 'roster'));
    await page.getByRole('row').filter({ hasText: 'Maximiliane' }).getByRole('button').last().click();
    await dialog(page).waitFor();
    const wide = await dialog(page).evaluate((box) => box.scrollWidth - box.clientWidth);
    assert.ok(wide <= 0, `the dialog scrolls sideways by ${wide}`);
    await shot(page, `admin-phone-${language}-${direction}-dialog`);
    await page.keyboard.press('Escape');
    await gone(page);
  }
});

/** A list as a school's program on Windows writes it. `mended` has no errors. */
function classList(mended: boolean): Buffer {
  const rows = Array.from({ length: 300 }, (_, at) => {
    const line = at + 3;
    const team = `7${'abc'[at % 3]}`;
    if (mended || at >= 6) return `Schüler ${line};Näme ${String(line).padStart(3, '0')};${team};Straße ${line};`;
    return [
      // The same name twice, an empty one, a role that is none, a name over two lines, one that is too long, an id that is none.
      `Jörg;Doppelt;${team};;`,
      `Jörg;Doppelt;${team};;`,
      `;;${team};;`,
      `Anna;Rolle;${team};;Hausmeister`,
      `"Ben\njamin";Zeile;${team};;`,
      `${'x'.repeat(201)};Lang;${team};;`,
    ][at];
  });
  const first = `Zoë;"van der ""Große""";7a;"Am Markt 1\r\n12345 Köln";Schülerin`;
  const formula = `=HYPERLINK("http://evil.example");Formel;7b;@SUM(A1);`;
  const text = ['Vorname;Nachname;Klasse;Anschrift;Rolle', first, ...rows, formula].join('\r\n');
  return Buffer.from(text, 'latin1');
}

story('a list of a school: 302 rows in the encoding of Windows, errors named by line, and a second import changes nothing', async (node) => {
  await node.setUp({ teams: [] });
  const page = await admin(node, 'Roster');
  await page.getByRole('button', { name: 'Import a file' }).click();
  const choose = (mended: boolean): Promise<void> =>
    page.getByLabel('File').setInputFiles({ name: 'klassen.csv', mimeType: 'text/csv', buffer: classList(mended) });
  await choose(false);
  await page.getByText('Columns that are left out').waitFor();
  assert.match(await page.getByText('Columns that are left out').innerText(), /Anschrift/);
  await page.getByText('5 rows have errors. Nothing has been sent.', { exact: false }).waitFor();
  const counts = async (): Promise<string[]> => page.getByLabel('Show', { exact: true }).locator('option').allInnerTexts();
  assert.deepEqual(await counts(), ['All (302 rows)', 'New (297)', 'Changed (0)', 'Unchanged (0)', 'Error (5)']);
  // The cell over two lines moves what comes after it by one line.
  const faults = await page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [row.querySelector('td')?.textContent, row.querySelector('.faults')?.textContent]));
  assert.deepEqual(faults, [
    ['5', 'The same name stands in line 4. Give ids, or make the names different.'],
    ['6', 'The name is empty.'],
    ['7', '“Hausmeister” is no role: student, mentor, staff.'],
    ['8', 'There is a line break or another invisible character in the column “Name”.'],
    ['10', 'The name has more than 200 characters.'],
  ]);
  await shot(page, 'admin-import-faults');
  assert.equal((await roster(node)).length, 0, 'nothing is sent for a look');

  // The mended file has the name of the one before.
  await choose(true);
  await page.getByRole('button', { name: 'Import 302 rows' }).click();
  await page.getByText('302 new rows').waitFor();
  const people = await roster(node);
  assert.equal(people.length, 302);
  assert.equal(people[0]?.name, 'Zoë van der "Große"');
  assert.ok(people.some(({ name }) => name === '=HYPERLINK("http://evil.example") Formel'));
  assert.ok(people.some(({ name }) => name === 'Schüler 10 Näme 010'));
  const teams = await node.api<{ items: { id: number; name: string }[] }>('GET', '/teams');
  assert.deepEqual(teams.items.map(({ name }) => name).sort(), ['7a', '7b', '7c']);
  const acts = async (): Promise<number> => (await node.api<{ items: unknown[] }>('GET', '/audit?limit=1000&act=imported')).items.length;
  // The set-up was one, too.
  assert.equal(await acts(), 2);

  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByText('302 people', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Import a file' }).click();
  await choose(true);
  await page.getByText('There is nothing to import.').waitFor();
  assert.deepEqual(await counts(), ['All (302 rows)', 'New (0)', 'Changed (0)', 'Unchanged (302)', 'Error (0)']);
  // And so for what the page itself gives out.
  await page.getByRole('button', { name: 'Back' }).click();
  const exported = await downloaded(page, () => page.getByRole('button', { name: 'Export as CSV' }).click());
  assert.ok(exported.toString('utf8').includes(`"'=HYPERLINK(""http://evil.example"") Formel"`), 'no spreadsheet computes a name');
  await page.getByRole('button', { name: 'Import a file' }).click();
  await page.getByLabel('File').setInputFiles({ name: 'homeroom-roster.csv', mimeType: 'text/csv', buffer: exported });
  await page.getByText('There is nothing to import.').waitFor();
  assert.deepEqual(await roster(node), people);
  assert.equal(await acts(), 2);
  report({ row: 'F-U7', what: 'rows of a class list as schools have them', happened: 302, outcome: 'errors by line; a second import changes nothing' });
});
