// The V8 side of the real programs: "run PATH-OF-RECIPE" (or "cpu …": processor time) answers {"ns", "sum"}; the steps are those of prepare.mjs.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';

const guests = new Map();
const wallTime = () => Number(process.hrtime.bigint());
const processorTime = () => { const { user, system } = process.cpuUsage(); return (user + system) * 1000; };

function steps(guest, list) {
  const { exports, values, files } = guest;
  for (const step of list) {
    if (step.call) {
      const result = exports[step.call](...step.args.map(a => typeof a === 'string' ? values[a.slice(1)] : a));
      if (step.into) values[step.into] = Number(result) >>> 0;
    } else if (step.write) {
      new Uint8Array(exports.memory.buffer).set(files.get(step.write), values[step.at.slice(1)]);
    } else if (values[step.of] !== step.expect) {
      throw new Error(`${step.of} is ${values[step.of]}, not ${step.expect}`);
    }
  }
}

function load(path) {
  const recipe = JSON.parse(readFileSync(path, 'utf8')), folder = dirname(path), files = new Map();
  for (const step of [...recipe.setup, ...recipe.run]) if (step.write) files.set(step.write, readFileSync(join(folder, step.write)));
  const module = new WebAssembly.Module(readFileSync(join(folder, recipe.module))), imports = {};
  for (const { module: m, name } of WebAssembly.Module.imports(module)) (imports[m] ??= {})[name] = () => 0;
  const { exports } = new WebAssembly.Instance(module, imports);
  if (recipe.pages) exports.memory.grow(recipe.pages);
  const guest = { recipe, exports, files, values: {} };
  steps(guest, recipe.setup);
  return guest;
}

function fold(guest) {
  let sum = 0xcbf29ce484222325n;
  const mix = byte => { sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n); };
  for (const name of guest.recipe.results ?? []) mix(guest.values[name]);
  if (guest.recipe.hash) {
    const [at, length] = guest.recipe.hash;
    for (const byte of new Uint8Array(guest.exports.memory.buffer, guest.values[at.slice(1)], length)) mix(byte);
  }
  return sum;
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    const path = line.slice(4);
    if (!guests.has(path)) guests.set(path, load(path));
    const guest = guests.get(path), now = line.startsWith('cpu') ? processorTime : wallTime, start = now();
    steps(guest, guest.recipe.run);
    const ns = now() - start;
    reply = { ns, sum: `${fold(guest)}` };
  } catch (e) { reply = { error: `${e}` }; }
  console.log(JSON.stringify(reply));
}
