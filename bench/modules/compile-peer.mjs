// The V8 side of the compile benchmark: reads the path of a module, answers {"ns", "cpu"} of compiling it, time on the clock and of all processors. Which of its
// compilers works, and on how many threads, is up to Node's options. With an argument it compiles that file once and ends: a process for a single compilation.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

let compiled = 0;
const files = new Map();

function answer(path) {
  // V8 remembers what it has compiled by its bytes: a custom section that differs each time makes it compile again.
  if (!files.has(path)) files.set(path, readFileSync(path));
  const module = Buffer.concat([files.get(path), Buffer.from([0, 9, 8, ...Buffer.from(String(10000000 + compiled++))])]);
  const before = process.cpuUsage(), start = process.hrtime.bigint();
  new WebAssembly.Module(module);
  const ns = Number(process.hrtime.bigint() - start), { user, system } = process.cpuUsage(before);
  globalThis.gc?.(); // the code of the module before goes, outside of what is timed
  return { ns, cpu: (user + system) * 1000 };
}

if (process.argv[2]) {
  new WebAssembly.Module(readFileSync(process.argv[2]));
} else {
  for await (const path of createInterface({ input: process.stdin })) {
    let reply;
    try { reply = answer(path); } catch (e) { reply = { error: `${e}` }; }
    console.log(JSON.stringify(reply));
  }
}
