// The V8 side of the execution benchmark. Reads "run N PATH" and answers {"ns", "sum"} of the module's exported run(N), of which only the call is timed, or
// "cpu N PATH" for the process's time on a processor instead of the wall's; reads "compile 0 PATH" and answers {"ns"} of compiling it once more. A fault is answered as {"error"}.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const bytes = new Map(), instances = new Map();
let compiled = 0;

const wallTime = () => Number(process.hrtime.bigint());
const processorTime = () => { const { user, system } = process.cpuUsage(); return (user + system) * 1000; };

function load(path) {
  if (!bytes.has(path)) bytes.set(path, readFileSync(path));
  return bytes.get(path);
}

function answer(line) {
  const [verb, n, path] = line.split(/ (\S+) (.*)/s);
  if (verb === 'compile') {
    // V8 remembers what it has compiled by its bytes: a custom section that differs each time makes it compile again.
    const section = [0, 9, 8, ...Buffer.from(String(10000000 + compiled++))], module = Buffer.concat([load(path), Buffer.from(section)]);
    const start = process.hrtime.bigint();
    new WebAssembly.Module(module);
    return { ns: Number(process.hrtime.bigint() - start) };
  }
  if (!instances.has(path)) instances.set(path, new WebAssembly.Instance(new WebAssembly.Module(load(path)), {}));
  const { run } = instances.get(path).exports;
  const now = verb === 'cpu' ? processorTime : wallTime, start = now();
  const sum = run(Number(n));
  const ns = now() - start;
  return { ns, sum: `${BigInt.asUintN(64, sum)}` };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try { reply = answer(line); } catch (e) { reply = { error: `${e}` }; }
  console.log(JSON.stringify(reply));
}
