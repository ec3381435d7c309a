// The pure parts of the admin's page: CSV in and out, the plan of an import, seasons in a document of rules, figures of /metrics.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { parse, separatorOf, format, decode, OpenQuote, defused, fused } from '../../src/admin/csv.ts';
import { plan } from '../../src/admin/plan.ts';
import { order, freeIds, lineOf } from '../../src/admin/order.ts';
import { seasons, withSeason, withoutSeason, isInline } from '../../src/admin/seasons.ts';
import { parse as prom, total, rate, mean } from '../../src/admin/prometheus.ts';
const P = (id, name, o = {}) => ({ id, name, alias: null, role: 'student', archived_at: null, ...o });
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
const go = (text) => plan(parse(text), known);

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
      [5, 'error', 'twiceInFile', 'onRoster'],
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
  assert.equal(order(p.rows, known, 5).body.users[0].id, 15);
  assert.equal(go('foo,bar\n1,2').hasNames, false);
  assert.equal(plan([], known).hasNames, false);
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

test('seasons are read, added and removed in the text of a document', () => {
  const d =
    'name = "x"\n\n# s\n[[seasons]]\nname = "Herbst \\"1\\"" # c\nfrom = 2026-09-01\nto = 2027-01-01 # end\n\n# After\n[preferences]\nlocked_for = "24h"\n';
  assert.deepEqual(seasons(d), [{ name: 'Herbst "1"', from: '2026-09-01', to: '2027-01-01' }]);
  const e = withSeason(d, { name: 'Früh\\ling"', from: '2027-01-01', to: '2027-04-01' });
  assert.deepEqual(seasons(e).length, 2);
  assert.equal(seasons(e)[1].name, 'Früh\\ling"');
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
