// The pure parts of the admin's page: CSV in and out, the plan of an import, seasons in a document of rules, figures of /metrics.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { parse, separatorOf, format, decode, OpenQuote, fused } from '../../src/admin/csv.ts';
import { plan } from '../../src/admin/plan.ts';
import { order, freeIds, lineOf } from '../../src/admin/order.ts';
import { seasons, withSeason, withoutSeason, isInline } from '../../src/admin/seasons.ts';
import { faultsOf, fieldOf, linesOf } from '../../src/setup/check.ts';
import { parse as prom, total, rate, mean } from '../../src/admin/prometheus.ts';
const P = (id: number, name: string, o = {}) => ({ id, name, alias: null, role: 'student', archived_at: null, ...o });
const known = {
  people: [P(7, 'Ada'), P(8, 'Bo', { alias: 'Comet' }), P(9, 'Old', { archived_at: 'x' })],
  teams: [
    { id: 1, name: 'Red', mentor_id: null, archived_at: null },
    { id: 2, name: 'Gone', mentor_id: null, archived_at: 'x' },
  ],
  teamsOf: new Map([[7, [1]]]),
  courses: [],
} as any;

test('a file of any make is read, and what is written is read again without formulas', () => {
  assert.deepEqual(parse('\uFEFFa;b\r\n"x;""y""\r\nz";2\r\n\r\n;;\nlast;3'), [
    { line: 1, cells: ['a', 'b'] },
    { line: 2, cells: ['x;"y"\r\nz', '2'] },
    { line: 6, cells: ['last', '3'] },
  ]);
  assert.equal(separatorOf('a\tb\tc,d'), '\t');
  assert.equal(separatorOf('"a;b;c",d'), ',');
  assert.equal(separatorOf('name'), ',');
  assert.throws(
    () => parse('a,b\nc,"d\ne'),
    (e) => e instanceof OpenQuote && e.line === 2,
  );
  assert.deepEqual(
    parse('a\rb\r').map((r) => [r.line, ...r.cells]),
    [
      [1, 'a'],
      [2, 'b'],
    ],
  );
  const rows = [
    ['id', 'name'],
    [1, '=1+1'],
    [2, 'say "hi", \n you'],
    [3, ' x '],
    [4, "'=x"],
    [5, '@a'],
  ];
  const back = parse(format(rows)).map((r) => r.cells.map(fused));
  assert.deepEqual(
    back.map((r) => r[1]),
    ['name', '=1+1', 'say "hi", \n you', ' x ', '=x', '@a'],
  );
  assert.equal(decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), 'a');
  assert.equal(decode(new Uint8Array([0xfc])), 'ü');
  assert.deepEqual(parse(''), []);
});
const go = (text: string) => plan(parse(text), known);

test('rows are planned against the roster, and every fault is named', () => {
  let p = go(
    'Name;Klasse;Geburtstag;ID;Rolle\nZoe;Blau;1.1.;;Schülerin\nAda;Red;;7;\nBo;Red;;8;\nAda;;;;\nQ;;;0;boss\n;;;;student\nOld;;;9;\nZoe;;;;\nBo;red;;8;mentor',
  );
  assert.deepEqual(p.ignored, ['Geburtstag']);
  assert.deepEqual(
    p.rows.map((r) => [r.line, r.status, ...r.faults.map((f) => f.code)]),
    [
      [2, 'new'],
      [3, 'unchanged'],
      [4, 'changed'],
      [5, 'error', 'twiceInFile'],
      [6, 'error', 'badId', 'unknownRole'],
      [7, 'error', 'emptyName'],
      [8, 'changed'],
      [9, 'error', 'twiceInFile'],
      [10, 'error', 'contradiction'],
    ],
  );
  const o = order(p.rows, known);
  assert.deepEqual(o.body, {
    users: [
      { id: 10, name: 'Zoe', role: 'student', create: true },
      { id: 9, name: 'Old' },
    ],
    teams: [{ id: 3, name: 'Blau', create: true }],
    qualifications: [],
    team_members: [
      { team_id: 3, user_id: 10 },
      { team_id: 1, user_id: 8 },
    ],
    enrolments: [],
  });
  assert.equal(lineOf('team_members[1].team_id', o), 4);
  assert.equal(lineOf('body', o), undefined);
  assert.equal(lineOf('users[9].id', o), undefined);
  assert.equal(order(p.rows, known, 5).body.users[0]?.id, 15);
  assert.equal(go('foo,bar\n1,2').hasNames, false);
  assert.equal(plan([], known).hasNames, false);
  const apart = plan(parse('Nachname;Vorname;Name\nExample;Zoë;\n;Ben;\nx;y;Whole Name\n;;'), known);
  assert.deepEqual(apart.rows.map((r) => r.name), ['Zoë Example', 'Ben', 'Whole Name'], 'a name may be in two columns');
  const long = go(`name,team,course\n${'x'.repeat(201)},${'y'.repeat(101)},c\n😀${'x'.repeat(199)},,\n"a\nb",,`);
  assert.deepEqual(
    long.rows.map((r) => r.faults.map((f) => f.code)),
    [['longName', 'longTeam'], [], ['control']],
  );
  const two = go('id,name,team,course\n50,Xi,A,Mathe\n50,Xi,B,mathe\n,New,a,');
  assert.deepEqual(order(two.rows, known).body, {
    users: [
      { id: 50, name: 'Xi' },
      { id: 51, name: 'New', create: true },
    ],
    teams: [
      { id: 3, name: 'A', create: true },
      { id: 4, name: 'B', create: true },
    ],
    qualifications: [{ id: 1, name: 'Mathe', create: true }],
    team_members: [
      { team_id: 3, user_id: 50 },
      { team_id: 4, user_id: 50 },
      { team_id: 3, user_id: 51 },
    ],
    enrolments: [
      { qualification_id: 1, user_id: 50 },
      { qualification_id: 1, user_id: 50 },
    ],
  });
  const it = freeIds([Number.MAX_SAFE_INTEGER, 1, 2]);
  assert.deepEqual([it.next().value, it.next().value], [3, 4]);
});

test('without an id a row is about whoever has its name, if that is one person', () => {
  const people = [P(7, 'Ada'), P(8, 'Bo'), P(9, 'Bo'), P(10, 'Mo', { role: 'mentor' }), P(11, 'Old', { archived_at: 'x' })];
  const school = { ...known, people } as any;
  const rows = (text: string) => plan(parse(text), school).rows.map((r) => [r.line, r.id, r.status, ...r.faults.map((f) => f.code)]);
  assert.deepEqual(rows('name,team,role,alias\nada,,,\n Ada  ,Red,student,\nBo,,,\nMo,,student,\nOld,,,\nNew,,,'), [
    [2, 7, 'changed'],
    [3, 7, 'error', 'twiceInFile'],
    [4, 8, 'error', 'ambiguousName'],
    [5, 10, 'error', 'otherRole'],
    [6, undefined, 'new'],
    [7, undefined, 'new'],
  ]);
  assert.deepEqual(rows('name,team,alias\nAda,Red,'), [[2, 7, 'unchanged']]);
  assert.deepEqual(rows('id,name\n7,Eve\n,Ada'), [
    [2, 7, 'changed'],
    [3, 7, 'error', 'contradiction'],
  ]);
  const planned = plan(parse('name,alias,team\nAda,Comet,Blue'), school).rows;
  assert.deepEqual(order(planned, school).body.users, [{ id: 7, name: 'Ada', alias: 'Comet' }], 'nobody new is made of a known name');
});

test('seasons are read, added and removed in the text of a document', () => {
  const d =
    'name = "x"\n\n# s\n[[seasons]]\nname = "Herbst \\"1\\"" # c\nfrom = 2026-09-01\nto = 2027-01-01 # end\n\n# After\n[preferences]\nlocked_for = "24h"\n';
  assert.deepEqual(seasons(d), [{ name: 'Herbst "1"', from: '2026-09-01', to: '2027-01-01' }]);
  const e = withSeason(d, { name: 'Früh\\ling"', from: '2027-01-01', to: '2027-04-01' });
  assert.deepEqual(seasons(e).length, 2);
  assert.equal(seasons(e)[1]?.name, 'Früh\\ling"');
  assert.ok(e.includes('# After\n[preferences]'));
  assert.equal(withoutSeason(withoutSeason(e, 1), 0).includes('seasons'), false);
  assert.ok(withoutSeason(e, 0).includes('locked_for'));
  assert.deepEqual(seasons(withSeason('', { name: 'a', from: 'b', to: 'c' })), [{ name: 'a', from: 'b', to: 'c' }]);
  assert.equal(isInline('seasons = []'), true);
  assert.equal(isInline(d), false);
});
test('figures of the node are read from its metrics', () => {
  const a = prom('# HELP x\nx_total{route="/a\\"b",m="1"} 5\nx_total{route="c"} 7 123\nh_count 2\nh_sum 1\ng +Inf\n', 0),
    b = prom('x_total{route="c"} 22\nh_count 4\nh_sum 4\n', 2000);
  assert.equal(total(a, 'x_total'), 12);
  assert.equal(total(a, 'x_total', { route: '/a"b' }), 5);
  assert.equal(total(a, 'nope'), undefined);
  assert.equal(total(a, 'g'), Infinity);
  assert.equal(rate(a, b, 'x_total'), 5);
  assert.equal(mean(a, b, 'h'), 1.5);
  assert.equal(mean(b, prom('h_count 4\nh_sum 4', 4000), 'h'), undefined);
  assert.equal(rate(b, prom('h_count 1', 4000), 'h_count'), 0.5);
});

test('the form of the set-up names what is wrong field by field, as the node would', () => {
  const wish = { name: '7b', teams: ['Red'], course: null, units: [] };
  assert.deepEqual(faultsOf(wish), {});
  assert.deepEqual(linesOf(' Red \n\nBlue\r\nRed'), ['Red', 'Blue']);
  assert.equal(faultsOf({ ...wish, name: ' ' }).name?.code, 'empty');
  assert.equal(faultsOf({ ...wish, course: 'x'.repeat(201) }).course?.code, 'long');
  assert.equal(faultsOf({ ...wish, teams: ['😀'.repeat(100)] }).teams, undefined, 'characters count, not what they are made of');
  assert.deepEqual(faultsOf({ ...wish, teams: ['Red', 'x'.repeat(101)] }).teams, {
    code: 'longLine',
    values: { text: `${'x'.repeat(24)}…`, n: 101, max: 100 },
  });
  assert.equal(faultsOf({ ...wish, units: Array.from({ length: 201 }, (_, at) => String(at)) }).units?.code, 'many');
  assert.equal(faultsOf({ ...wish, units: ['a\tb'] }).units?.code, 'control');
  assert.equal(fieldOf('teams[3]'), 'teams');
  assert.equal(fieldOf('rules'), undefined);
});
