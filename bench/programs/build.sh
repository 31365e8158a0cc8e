#!/usr/bin/env bash
# Builds the benchmark programs as WebAssembly (checked in, so that nobody needs clang or rustc to run the benchmarks) and, with `native`, as native
# shared libraries into the folder given: build.sh [native OUT]. Each language has the same flags for both. No SIMD on either side: automatic vectorisation
# is off for native code too, and the instruction set is that of x86-64-v3, which is what the engines find on the same processor.
#
# Rust needs a standard library for wasm32-unknown-unknown; RUSTC names the compiler (Debian: packages rustc and libstd-rust-dev-wasm32, /usr/bin/rustc).
set -euo pipefail
cd "$(dirname "$0")"
c_flags="-O2 -std=c11 -Wall -fno-math-errno -ffp-contract=off"
rust_flags="-C opt-level=2 -C panic=abort -C codegen-units=1 -C debuginfo=0 --edition 2021 --crate-type cdylib"
rustc=${RUSTC:-/usr/bin/rustc}
native=${1:-}
out=${2:-wasm}
mkdir -p "$out"
for source in src/*.c; do
  name=$(basename "$source" .c)
  if [ "$native" = native ]; then
    [ "$out/$name.so" -nt "$source" ] && continue
    clang $c_flags -fno-vectorize -fno-slp-vectorize -march=x86-64-v3 -shared -fPIC -fvisibility=hidden "$source" -o "$out/$name.so"
  else
    clang $c_flags --target=wasm32 -mbulk-memory -mnontrapping-fptoint -msign-ext -nostdlib -Wl,--no-entry -Wl,--strip-debug "$source" -o "$out/$name.wasm"
  fi
done
[ -x "$rustc" ] || { echo "no $rustc: Rust programs are left out" >&2; exit 0; }
for source in rust/*.rs; do
  name=$(basename "$source" .rs)
  if [ "$native" = native ]; then
    [ "$out/$name.so" -nt "$source" ] && continue
    "$rustc" $rust_flags -C target-cpu=x86-64-v3 -C no-vectorize-loops -C no-vectorize-slp "$source" -o "$out/$name.so"
  else
    "$rustc" $rust_flags --target wasm32-unknown-unknown -C target-feature=+bulk-memory,+nontrapping-fptoint,+sign-ext -C link-arg=--strip-debug "$source" -o "$out/$name.wasm"
  fi
done
