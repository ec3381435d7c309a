// Reads an AsyncAPI document with the public parser and names everything that it finds: asyncapi.cjs PARSER FILE.
const { readFileSync } = require('node:fs');

const [parser, file] = process.argv.slice(2);
const { Parser } = require(parser);
// There is a newer version of AsyncAPI always, sooner or later.
const EXPECTED = ['asyncapi-latest-version'];

new Parser().parse(readFileSync(file, 'utf8')).then(({ document, diagnostics }) => {
  const findings = diagnostics.filter(({ code }) => !EXPECTED.includes(code));
  for (const { code, path, message } of findings) console.log(`${code} at ${path.join('/')}: ${message}`);
  console.log(`${document ? 'valid' : 'not valid'}, ${findings.length} findings`);
  process.exitCode = document && findings.length === 0 ? 0 : 1;
});
