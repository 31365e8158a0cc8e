#!/usr/bin/env bash
# Builds every benchmark program as freestanding WebAssembly (checked in, so that nobody needs clang to run the benchmarks) and, with
# `native`, as native shared libraries into the folder given: build.sh [native OUT]. Same flags for both: clang -O2.
set -euo pipefail
cd "$(dirname "$0")"
flags="-O2 -std=c11 -Wall -fno-math-errno -ffp-contract=off"
for source in src/*.c; do
  name=$(basename "$source" .c)
  if [ "${1:-}" = native ]; then
    mkdir -p "$2"
    clang $flags -fno-vectorize -fno-slp-vectorize -march=x86-64-v3 -shared -fPIC -fvisibility=hidden "$source" -o "$2/$name.so"
  else
    mkdir -p wasm
    clang $flags --target=wasm32 -mbulk-memory -mnontrapping-fptoint -msign-ext -nostdlib -Wl,--no-entry -Wl,--strip-debug "$source" -o "wasm/$name.wasm"
  fi
done
