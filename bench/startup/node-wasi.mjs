// Runs a WASI program in Node's node:wasi: node node-wasi.mjs MODULE DIRECTORY|- ARGUMENTS…; the directory is the guest's root.
import { WASI } from 'node:wasi';
import { readFileSync } from 'node:fs';

const [file, directory, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [file, ...args], env: {}, preopens: directory === '-' ? {} : { '/': directory } });
const module = await WebAssembly.compile(readFileSync(file));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
