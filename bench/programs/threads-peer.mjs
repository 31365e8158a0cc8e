// The V8 side of the benchmark of threads: "N PATH" is answered by the time that N round trips between two threads take, each a wait and a notification. The module's memory is imported and shared,
// the second thread is a worker.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

if (!isMainThread) {
  const { exports } = new WebAssembly.Instance(workerData.module, { e: { m: workerData.memory } });
  parentPort.on('message', (n) => { exports.pong(1, n); });
} else {
  let peer;
  for await (const line of createInterface({ input: process.stdin })) {
    let reply;
    try {
      const [n, path] = line.split(/ (.*)/s);
      if (!peer) {
        const module = new WebAssembly.Module(readFileSync(path));
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const worker = new Worker(new URL(import.meta.url), { workerData: { module, memory } });
        peer = { worker, exports: new WebAssembly.Instance(module, { e: { m: memory } }).exports };
        worker.unref();
        await new Promise((done) => worker.once('online', done));
      }
      peer.worker.postMessage(Number(n));
      // The worker has to have begun: the first turn waits for it.
      peer.exports.pong(0, 1);
      peer.worker.postMessage(Number(n));
      const start = process.hrtime.bigint();
      peer.exports.pong(0, Number(n) - 1);
      const ns = Number(process.hrtime.bigint() - start);
      peer.exports.pong(0, Number(n));
      reply = { ns };
    } catch (e) { reply = { error: `${e}` }; }
    console.log(JSON.stringify(reply));
  }
  process.exit(0);
}
