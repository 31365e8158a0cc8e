// The V8 side of the execution benchmark: reads "path n" lines, runs the module's exported run(n) and answers "nanoseconds checksum".
// Modules are compiled once and run by TurboFan after the warm-up rounds of the harness; only run() is timed.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const instances = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const [path, n] = line.split(' ');
  if (!instances.has(path)) {
    const module = new WebAssembly.Module(readFileSync(path));
    instances.set(path, new WebAssembly.Instance(module, {}));
  }
  const { run } = instances.get(path).exports;
  const start = process.hrtime.bigint();
  const sum = run(Number(n));
  const end = process.hrtime.bigint();
  console.log(`${end - start} ${BigInt.asUintN(64, sum)}`);
}
