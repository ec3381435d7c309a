// The stories of those who teach: a class list with errors, the door, cards, doubles, rules, backups.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LAPTOP, Node, World, earn, eventually, report, students } from './world.ts';

let world: World;
before(async () => void (world = await World.open()));
after(() => world.close());

const CSV = [
  'Name;Klasse;Alias;Lieblingsfarbe',
  'Ada Example;Blue;Comet;red',
  '"Ben ""the Bolt"" Example";Green;;blue',
  ';Blue;Nobody;',
  `${'x'.repeat(201)};Blue;;`,
  'Cleo;Blue;=SUM(A1);',
].join('\r\n');

test('an admin imports a class list with errors', async () => {
  const node = await Node.start();
  try {
    await node.setUp();
    const { page } = await world.person(LAPTOP);
    await page.goto(await node.signIn('admin'));
    await page.getByRole('link', { name: 'Roster' }).click();
    await page.getByRole('button', { name: 'Import a file' }).click();
    // As spreadsheets of old write it: not in UTF-8.
    await page.getByLabel('File').setInputFiles({ name: 'class.csv', mimeType: 'text/csv', buffer: Buffer.from(CSV, 'latin1') });
    await page.getByText('Lieblingsfarbe').waitFor();
    assert.equal(await page.getByRole('row').filter({ hasText: 'Error' }).count(), 2, 'two rows cannot be kept');
    assert.equal((await node.api<{ items: object[] }>('GET', '/users')).items.length, 0, 'nothing is sent for a look');
    await page.getByRole('button', { name: 'Import the 3 rows without errors' }).click();
    await page.getByText('2 rows with errors were left out').waitFor();
    const { items } = await node.api<{ items: { name: string }[] }>('GET', '/users');
    assert.deepEqual(items.map(({ name }) => name), ['Ada Example', 'Ben "the Bolt" Example', 'Cleo']);
    const teams = await node.api<{ items: { name: string }[] }>('GET', '/teams');
    assert.deepEqual(teams.items.map(({ name }) => name), ['Red', 'Blue', 'Green']);

    // Out again: what would be a formula is none.
    await page.getByRole('button', { name: 'Back' }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export as CSV' }).click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    assert.match(text, /'=SUM\(A1\)/);
    assert.match(text, /"Ben ""the Bolt"" Example"/);
    assert.deepEqual(world.errors(), []);
    report({ row: 'F-U7', what: 'rows of a class list, two of them wrong', happened: 5, outcome: '3 kept in one request, 2 named by line' });
  } finally {
    await node.remove();
  }
});

test('the teacher locks the door, prints cards and merges a double', async () => {
  const node = await Node.start();
  try {
    const code = await node.setUp();
    await students(node, 2);
    const { page } = await world.person(LAPTOP);
    await page.goto(await node.signIn('admin'));
    await page.getByRole('button', { name: 'Lock the door' }).click();
    const late = await world.person();
    await late.page.goto(`${node.url}/#code=${code}`);
    await late.page.getByRole('button', { name: 'Next' }).click();
    await late.page.getByText('The door is locked').waitFor();

    await page.getByRole('link', { name: 'Roster' }).click();
    await page.getByRole('button', { name: 'Print join cards' }).click();
    await page.getByRole('button', { name: 'Make 2 cards' }).click();
    const card = page.locator('text=Student 1 Example').first();
    await card.waitFor();
    const pin = await eventually('a PIN on a card', async () => /\b\d{4}\b/.exec((await page.locator('main').innerText()).split('Student 1 Example')[1] ?? '')?.[0]);
    await late.page.getByLabel('Your name').fill('Student 1 Example');
    await late.page.getByLabel('Your PIN').fill(pin);
    await late.page.getByRole('button', { name: 'Come back' }).click();
    await late.page.locator('[data-points="0"]').waitFor();

    await node.api('PUT', '/users/9', { name: 'Student 1 again' });
    await earn(node, 9, 'complete_quiz', 77);
    await node.api('POST', '/users/9/merge', { into_user_id: 1 });
    await late.page.locator('[data-points="50"]').waitFor();
    assert.deepEqual(world.errors(), []);
  } finally {
    await node.remove();
  }
});
