// Builds the pages into `dist`: one HTML file a page, scripts and styles under names that hold their content's hash, and what a page needs first.
// `node build.mjs [OUT]`; `--tests OUT` checks all tests, and builds those of pure parts, which need no browser. The compilers are those of web/sdk, the libraries those of this lock file, both installed by `make tools`;
// the same sources always give the same bytes.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';

const here = import.meta.dirname;
const tools = join(here, '../../target/tools');
const { buildSync } = createRequire(join(tools, 'sdk/package.json'))('esbuild');
const PAGES = ['welcome', 'setup', 'student', 'mentor', 'projector', 'admin'];

/** Checks the types of a folder: the pages, or their tests. */
function check(folder) {
  const tsc = join(tools, 'sdk/node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', folder], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Compiles all pages at once, so that what they share is loaded once. */
function compile(out) {
  const { metafile } = buildSync({
    absWorkingDir: here,
    entryPoints: PAGES.map((page) => ({ in: `src/${page}/main.tsx`, out: page })),
    outdir: join(out, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    alias: { 'homeroom-sdk': join(here, '../sdk/src/index.ts') },
    nodePaths: [join(tools, 'pages/node_modules')],
    charset: 'utf8',
    legalComments: 'linked',
    logLevel: 'warning',
  });
  return metafile;
}

/** The scripts that a script cannot start without. */
function needed(metafile, output, seen = new Set()) {
  for (const { path, kind } of metafile.outputs[output].imports) {
    if (kind !== 'import-statement' || seen.has(path)) continue;
    seen.add(path);
    needed(metafile, path, seen);
  }
  return seen;
}

function html(metafile, out, page) {
  const [script, { cssBundle }] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === `src/${page}/main.tsx`);
  const address = (file) => `/assets/${basename(file)}`;
  const preloads = [...needed(metafile, script)].map((file) => `<link rel="modulepreload" href="${address(file)}">\n`).join('');
  const text = readFileSync(join(here, 'src/page.html'), 'utf8')
    .replaceAll('{page}', page)
    .replace('{style}', address(cssBundle))
    .replace('{preloads}', preloads)
    .replace('{script}', address(script));
  writeFileSync(join(out, `${page}.html`), text);
}

/** Whose work is in the scripts, and under which licences: they have to be named with every copy. */
function licences(out) {
  const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  const names = [...Object.keys(dependencies), '@preact/signals-core'].sort();
  const text = (name) => readFileSync(join(tools, 'pages/node_modules', name, 'LICENSE'), 'utf8').trim();
  writeFileSync(join(out, 'assets/licences.txt'), names.map((name) => `${name}\n\n${text(name)}\n`).join(`\n${'-'.repeat(80)}\n\n`));
}

/** The tests of pure parts, made runnable. */
function tests(out) {
  buildSync({
    absWorkingDir: here,
    entryPoints: ['test/unit/*.test.ts'],
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    alias: { 'homeroom-sdk': join(here, '../sdk/src/index.ts') },
    nodePaths: [join(tools, 'pages/node_modules')],
    charset: 'utf8',
    logLevel: 'warning',
  });
}

if (process.argv[2] === '--tests') {
  check(join(here, 'test'));
  tests(resolve(process.argv[3]));
  process.exit();
}
const out = resolve(process.argv[2] ?? join(here, 'dist'));
check(here);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const metafile = compile(out);
cpSync(join(here, 'static'), join(out, 'assets'), { recursive: true });
licences(out);
for (const page of PAGES) html(metafile, out, page);
