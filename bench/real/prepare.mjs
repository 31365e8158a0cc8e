// Takes the modules out of the packages and makes their inputs and recipes, once: prepare.mjs OUT (node_modules beside this file, or where NODE_PATH says).
// A recipe is a list of steps that every engine's runner executes alike:
//   { "call": export, "args": [number or "$name"], "into": "name" }     { "write": file, "at": "$name" }     { "expect": number, "of": "name" }
// "setup" runs once after instantiation, "run" is timed, "hash" names a piece of memory whose contents must be the same in all engines after a run.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const out = process.argv[2], require = createRequire(join(process.argv[3] ?? import.meta.dirname, 'package.json'));
mkdirSync(out, { recursive: true });
const programs = [];

// The longest WebAssembly binaries that a script embeds in base64, in order.
function embedded(path) {
  const found = readFileSync(path, 'utf8').matchAll(/AGFzbQ[A-Za-z0-9+/]{200,}=*/g);
  return [...found].map(m => Buffer.from(m[0], 'base64')).filter(b => WebAssembly.validate(b));
}

function exportsOf(bytes) { return WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(e => e.name); }

function add(name, what, bytes, files, recipe) {
  writeFileSync(join(out, name + '.wasm'), bytes);
  for (const [file, contents] of Object.entries(files)) writeFileSync(join(out, file), contents);
  writeFileSync(join(out, name + '.json'), JSON.stringify({ name, what, module: name + '.wasm', ...recipe }));
  programs.push(name);
}

// es-module-lexer: where a large script imports and exports. Its text is that of these packages, several times over.
{
  const [bytes] = embedded(require.resolve('es-module-lexer'));
  const text = readFileSync(require.resolve('hash-wasm').replace(/index\.umd\.js$/, 'index.esm.js'), 'utf8').replace(/'[A-Za-z0-9+/=]{300,}'/g, "''").replace(/"[A-Za-z0-9+/=]{300,}"/g, '""');
  let source = '';
  while (source.length < 1_500_000) source += text + `\nimport { x${source.length} } from './m${source.length}.js';\n`;
  add('es-module-lexer', 'scanning JavaScript for imports', bytes, { 'lexer.input': Buffer.from(source, 'utf16le') }, {
    pages: 160,
    setup: [{ call: 'sa', args: [source.length], into: 'p' }, { write: 'lexer.input', at: '$p' }],
    run: [{ call: 'sa', args: [source.length], into: 'p' }, { call: 'parse', args: [], into: 'ok' }, { expect: 1, of: 'ok' }, { call: 'e', args: [], into: 'end' }, { call: 'ri', args: [], into: 'more' }, { call: 'is', args: [], into: 'from' }],
    results: ['end', 'more', 'from'],
  });
}

// hash-wasm: checksums of a few MB, piece by piece as its users feed it.
for (const [file, what, init, final, pieces] of [['sha3', 'hashing, 64-bit rotates', [512], [1], 300], ['whirlpool', 'hashing, table look-ups', [], [], 100], ['md5', 'hashing, a chain of 32-bit additions', [], [], 500]]) {
  const [bytes] = embedded(join(dirname(require.resolve('hash-wasm')), file + '.umd.min.js'));
  const run = [{ call: 'Hash_Init', args: init }];
  for (let k = 0; k < pieces; k++) run.push({ call: 'Hash_Update', args: [16384] });
  const input = Buffer.alloc(16384).map((_, i) => (i * 31) ^ (i >> 7));
  add('hash-' + file, what, bytes, { [file + '.input']: input }, {
    setup: [{ call: 'Hash_GetBuffer', args: [], into: 'p' }],
    run: [{ write: file + '.input', at: '$p' }, ...run, { call: 'Hash_Final', args: final }],
    hash: ['$p', 16],
  });
}

// source-map: parsing and sorting the mappings of a large generated file.
{
  const bytes = readFileSync(join(dirname(require.resolve('source-map/package.json')), 'lib', 'mappings.wasm'));
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const vlq = n => { let v = n < 0 ? (-n << 1) | 1 : n << 1, s = ''; do { const d = v & 31; v >>>= 5; s += digits[v ? d | 32 : d]; } while (v); return s; };
  let text = '', state = 12345;
  const random = n => (state = (state * 1103515245 + 12345) & 0x7fffffff) % n;
  for (let line = 0; line < 4000; line++) {
    const segments = [];
    for (let k = 0; k < 30; k++) segments.push(vlq(1 + random(40)) + vlq(0) + vlq(k ? random(2) : 1) + vlq(random(40)));
    text += segments.join(',') + ';';
  }
  add('source-map', 'parsing and sorting source map mappings', bytes, { 'mappings.input': text }, {
    setup: [],
    run: [{ call: 'allocate_mappings', args: [text.length], into: 'p' }, { write: 'mappings.input', at: '$p' }, { call: 'parse_mappings', args: ['$p'], into: 'm' },
      { call: 'get_last_error', args: [], into: 'error' }, { expect: 0, of: 'error' }, { call: 'compute_column_spans', args: ['$m'] }, { call: 'free_mappings', args: ['$m'] }],
    results: ['error'],
  });
}

writeFileSync(join(out, 'programs.json'), JSON.stringify(programs));
console.log(programs.join(' '));
