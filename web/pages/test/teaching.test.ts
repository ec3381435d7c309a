// The stories of those who teach: a class list with errors, the door, cards, doubles, rules, backups.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LAPTOP, Node, PHONE, WALL, World, earn, eventually, report, students } from './world.ts';

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

test('a mentor gives, takes back and gives again, and every screen follows', async () => {
  const node = await Node.start();
  try {
    await node.setUp();
    await students(node, 6);
    await node.api('PUT', '/users/90', { name: 'Mo Mentor', role: 'mentor' });
    await node.api('PATCH', '/teams/2', { mentor_id: 90 });
    const mentor = await world.person(LAPTOP);
    await mentor.page.goto(await node.signIn('mentor', 90));
    const ada = await world.person(PHONE);
    await ada.page.goto(await node.signIn('student', 1));
    const wall = await world.person(WALL);
    await wall.page.goto(await node.signIn('projector'));
    await wall.page.locator('.wall-row').first().waitFor();
    /** The same total on the student's phone, in the mentor's grid and on the wall. */
    const everywhere = async (total: number): Promise<void> => {
      await ada.page.locator(`[data-points="${total}"]`).first().waitFor();
      await mentor.page.locator(`tr[data-learner="1"] [data-points="${total}"]`).waitFor();
      await wall.page.locator('.wall-row', { hasText: 'Comet 1' }).locator(`xpath=self::*[@data-points="${total}"]`).waitFor();
    };
    await mentor.page.getByText('1 here').waitFor();
    await mentor.page.getByRole('button', { name: 'Award Student 1 Example' }).click();
    await mentor.page.getByLabel('What for').selectOption({ label: 'Quiz' });
    await mentor.page.getByLabel('Score in percent').fill('80');
    await mentor.page.getByRole('button', { name: 'Give', exact: true }).click();
    await mentor.page.getByText('Student 1 Example: +50').waitFor();
    await everywhere(50);
    await mentor.page.getByRole('link', { name: 'Student 1 Example' }).click();
    await mentor.page.getByRole('button', { name: 'Take back' }).click();
    await mentor.page.getByLabel('Reason').fill('the wrong quiz');
    await mentor.page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await mentor.page.getByText('Taken back: Quiz Fractions. the wrong quiz').waitFor();
    await ada.page.getByText('50 points were taken back: the wrong quiz').waitFor();
    // Undo.
    await mentor.page.getByRole('button', { name: 'Undo' }).last().click();
    await mentor.page.getByText('Given back.', { exact: true }).waitFor();
    await mentor.page.getByRole('link', { name: 'Back to the class' }).click();
    await everywhere(50);
    // Points by hand, with what is left of the week's.
    await mentor.page.getByRole('button', { name: 'Award Student 1 Example' }).click();
    await mentor.page.getByLabel('What for').selectOption({ label: 'Points by hand' });
    await mentor.page.getByText('500 of 500 points by hand are left this week.').waitFor();
    await mentor.page.getByLabel('Points', { exact: true }).fill('20');
    await mentor.page.getByLabel('Reason').fill('helped the others');
    await mentor.page.getByRole('button', { name: 'Give', exact: true }).click();
    await everywhere(70);
    // An announcement, and the board with names, which only the mentor sees.
    await mentor.page.getByRole('link', { name: 'Announcements' }).click();
    await mentor.page.getByLabel('Text').fill('We begin at ten.');
    await mentor.page.getByRole('button', { name: 'Announce' }).click();
    await ada.page.getByText('Announcement: We begin at ten.').waitFor();
    await mentor.page.getByRole('link', { name: 'Boards' }).click();
    await mentor.page.getByRole('rowheader', { name: 'Student 1 Example' }).waitFor();
    assert.equal(await wall.page.getByText('Student 1').count(), 0);
    await ada.page.getByRole('link', { name: 'Boards' }).click();
    await ada.page.getByRole('rowheader', { name: 'Comet 1 you' }).waitFor();
    assert.equal(await ada.page.getByText('Student 2').count(), 0, 'peers are aliases');
    assert.deepEqual(world.errors(), []);
    report({ row: 'F-U8', what: 'award, reversal, undo and points by hand, on the screens of mentor, student and wall', happened: 4, outcome: 'the same total everywhere' });
  } finally {
    await node.remove();
  }
});
