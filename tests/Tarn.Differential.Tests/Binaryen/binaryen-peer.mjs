// A process that makes random modules with Binaryen's wasm-opt (--translate-to-fuzz) and runs them in V8. One line of JSON in, one out:
//   { "seed": n, "flags": [...] }                        → { "module": base64 }
//   { "exports": [...], "imports": [...], "calls": n }   → { "seen": transcript } of the last module in V8, or { "unsupported": why }
// wasm-opt is a script with its WebAssembly inside; starting it takes a second, so it is read and compiled once here and instantiated afresh for each module.
// Arguments: the script, a folder for its files.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import vm from 'node:vm';

const [tool, folder] = process.argv.slice(2), require = createRequire(tool);
const script = new vm.Script(`(function (Module, require, __filename, __dirname, process) {${readFileSync(tool, 'utf8').replace(/^#!.*/, '')}\n})`, { filename: 'wasm-opt' });
let compiled, current;

// The first instance goes the script's own way; what it compiles is kept for the others.
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (bytes, imports) => {
  WebAssembly.instantiate = instantiate;
  compiled = new WebAssembly.Module(bytes);
  return { module: compiled, instance: new WebAssembly.Instance(compiled, imports) };
};

function wasmOpt(args) {
  return new Promise((resolve, reject) => {
    let complaints = '';
    const own = Object.create(process), module = {
      arguments: args, thisProgram: 'wasm-opt', print() {}, printErr(line) { complaints += line + '\n'; },
      postRun() { resolve(complaints); }, onAbort(what) { reject(new Error(`${what} ${complaints}`)); },
    };
    if (compiled) module.instantiateWasm = (imports, done) => done(new WebAssembly.Instance(compiled, imports));
    script.runInThisContext()(module, require, tool, folder, own);
  });
}

async function generate({ seed, flags }) {
  let state = seed >>> 0;
  const next = () => { state = state + 0x9e3779b9 >>> 0; let x = state; x = Math.imul(x ^ x >>> 16, 0x21f0aaad); x = Math.imul(x ^ x >>> 15, 0x735a2d97); return (x ^ x >>> 15) >>> 0; };
  const input = Buffer.alloc(500 + next() % 6000);
  for (let i = 0; i < input.length; i++) input[i] = next();
  const from = join(folder, 'seed'), to = join(folder, 'module.wasm');
  writeFileSync(from, input);
  writeFileSync(to, '');
  const complaints = await wasmOpt([from, '-ttf', ...flags, '-o', to]);
  current = readFileSync(to);
  if (current.length === 0) throw new Error(`wasm-opt wrote nothing: ${complaints}`);
  return { module: current.toString('base64') };
}

// ---- V8's side. Traps are told coarsely: V8's words do not separate all that other engines do.

const bits = new DataView(new ArrayBuffer(8));
const hex = (digits, value) => BigInt.asUintN(digits * 4, BigInt(value)).toString(16).padStart(digits, '0');

function print(type, value) {
  switch (type) {
    case 'I32': return hex(8, value);
    case 'I64': return hex(16, value);
    case 'F32': bits.setFloat32(0, value); return hex(8, bits.getUint32(0));
    case 'F64': bits.setFloat64(0, value); return hex(16, bits.getBigUint64(0));
    default: return value === null ? 'null' : 'reference';
  }
}

function argument(type, raw) {
  const integer = BigInt.asIntN(64, BigInt(raw)), small = Number(BigInt.asIntN(32, integer));
  switch (type) {
    case 'I32': return small;
    case 'I64': return integer;
    case 'F32': return Math.fround(small);
    case 'F64': return Number(integer);
    default: return null;
  }
}

function trapName(e) {
  if (e instanceof WebAssembly.Exception) return 'Exception';
  if (e instanceof RangeError && /call stack/.test(e.message)) return 'StackOverflow';
  if (!(e instanceof WebAssembly.RuntimeError)) throw e;
  if (/unreachable/.test(e.message)) return 'Unreachable';
  if (/null function|function signature mismatch|dereferencing a null|rethrowing null value/.test(e.message)) return 'IndirectCall';
  if (/out of bounds/.test(e.message)) return 'OutOfBounds';
  if (/by zero/.test(e.message)) return 'DivisionByZero';
  if (/unrepresentable/.test(e.message)) return 'Unrepresentable';
  if (/illegal cast/.test(e.message)) return 'CastFailure';
  if (/too large/.test(e.message)) return 'AllocationTooLarge';
  return e.message;
}

function run({ exports, imports, importedGlobals, tags, globals, calls }) {
  const lines = [], object = {};
  const zero = type => type === 'I64' ? 0n : type.endsWith('Ref') ? null : 0;
  for (const { module, name, parameters, results } of imports) {
    (object[module] ??= {})[name] = (...given) => {
      if (lines.length < 10000) lines.push(`${name}(${parameters.map((t, i) => print(t, given[i])).join(' ')})`);
      return results.length === 0 ? undefined : results.length === 1 ? zero(results[0]) : results.map(zero);
    };
  }
  const names = { FuncRef: 'anyfunc', ExternRef: 'externref' };
  for (const { module, name, type, mutable } of importedGlobals) (object[module] ??= {})[name] = type === 'Extern' ? {} : new WebAssembly.Global({ value: names[type] ?? type.toLowerCase(), mutable }, zero(type));
  for (const { module, name, parameters } of tags) (object[module] ??= {})[name] = new WebAssembly.Tag({ parameters: parameters.map(type => names[type] ?? type.toLowerCase()) });
  let instance;
  try {
    const module = new WebAssembly.Module(current);
    try { instance = new WebAssembly.Instance(module, object); } catch (e) { lines.push(`start: trap ${trapName(e)}`); }
  } catch (e) { return { unsupported: `${e}` }; }
  for (let call = 0; instance && call < calls; call++) {
    for (const { name, parameters, results, arguments: given } of exports) {
      let outcome;
      try {
        const result = instance.exports[name](...parameters.map((t, i) => argument(t, given[call][i])));
        outcome = results.length < 2 ? results.map(t => print(t, result)).join('') : [...result].map((v, i) => print(results[i], v)).join(' ');
      } catch (e) { outcome = `trap ${trapName(e)}`; }
      lines.push(`${name}: ${outcome}`);
    }
  }
  for (const { name, type } of instance ? globals : []) lines.push(`${name} = ${print(type, instance.exports[name].value)}`);
  return { seen: lines.map(line => line + '\n').join('') };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    const request = JSON.parse(line);
    reply = request.flags ? await generate(request) : run(request);
  } catch (e) { reply = { error: `${e.stack ?? e}` }; }
  console.log(JSON.stringify(reply));
}
