// Builds the library into one ESM file and its types: `node build.mjs [OUT]`, by default into `dist`; `--tests OUT` builds its tests.
// The compilers are those of the lock file, installed by `make tools`; the same sources always give the same bytes.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const here = import.meta.dirname;
const tools = join(here, '../../target/tools/sdk');
const { buildSync } = createRequire(join(tools, 'package.json'))('esbuild');
const tsc = join(tools, 'node_modules/typescript/bin/tsc');

const BANNER = `/*! Homeroom's client library: web/sdk, built by build.mjs. SPDX-License-Identifier: Apache-2.0 */`;

function compile(...args) {
  execFileSync(process.execPath, [tsc, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The library, readable: nobody needs a source map. */
function library(out) {
  buildSync({
    absWorkingDir: here,
    entryPoints: ['src/index.ts'],
    outfile: join(out, 'homeroom.js'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    charset: 'utf8',
    banner: { js: BANNER },
    logLevel: 'warning',
  });
}

/** All declarations as one module: every file's without its imports, then the names that `index.ts` gives. */
function declarations(out) {
  const folder = mkdtempSync(join(tmpdir(), 'homeroom-sdk-'));
  compile('-p', here, '--emitDeclarationOnly', '--outDir', folder);
  const index = readFileSync(join(folder, 'index.d.ts'), 'utf8');
  const files = readdirSync(folder).filter((name) => name.endsWith('.d.ts') && name !== 'index.d.ts').sort();
  const seen = new Map();
  const texts = files.map((name) => {
    const text = readFileSync(join(folder, name), 'utf8')
      .replace(/^import [^;]*;\n/gm, '')
      .replace(/^export \{\};\n/gm, '')
      .replace(/^\/\/.*\n/gm, '')
      .replace(/^export (declare |interface |type |class |function |const |abstract )/gm, '$1');
    for (const [, what] of text.matchAll(/^(?:declare )?(?:class|interface|type|const|function) (\w+)/gm)) {
      if (seen.has(what)) throw new Error(`${what} is in ${seen.get(what)} and in ${name}: one module needs one of each`);
      seen.set(what, name);
    }
    return text.trim();
  });
  rmSync(folder, { recursive: true });
  const names = [...index.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, type, list]) =>
    list.split(',').map((name) => name.trim()).filter(Boolean).map((name) => (type ? `type ${name}` : name)),
  );
  const shown = `export { ${names.join(', ')} };`;
  writeFileSync(join(out, 'homeroom.d.ts'), `${[BANNER, ...texts, shown].join('\n\n')}\n`);
}

/** The tests, checked against the types that are published and made runnable. They use the library as it is in `dist`. */
function tests(out) {
  compile('-p', join(here, 'test'), '--typeRoots', join(tools, 'node_modules/@types'));
  buildSync({
    absWorkingDir: here,
    entryPoints: readdirSync(join(here, 'test')).filter((name) => name.endsWith('.test.ts')).map((name) => `test/${name}`),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    logLevel: 'warning',
  });
}

const place = process.argv.indexOf('--tests');
if (place > 0) {
  tests(resolve(process.argv[place + 1]));
} else {
  const out = resolve(process.argv[2] ?? join(here, 'dist'));
  mkdirSync(out, { recursive: true });
  library(out);
  declarations(out);
}
