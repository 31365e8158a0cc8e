#!/usr/bin/env bash
# Builds the vector programs as WebAssembly with simd128 (checked in) and, with `native`, as native shared libraries into the folder given: build.sh [native OUT].
# Native code is for SSE4.2, the instructions that simd128 was made after, or for the processor at hand with MARCH=native. The vectoriser is on for both sides.
set -euo pipefail
cd "$(dirname "$0")"
c_flags="-O2 -ftree-vectorize -std=gnu11 -Wall -Wno-psabi -fno-math-errno -ffp-contract=off"
rust_flags="-C opt-level=3 -C panic=abort -C codegen-units=1 -C debuginfo=0 --edition 2021 --crate-type cdylib"
rustc=${RUSTC:-/usr/bin/rustc}
native=${1:-}
out=${2:-wasm}
march=${MARCH:-x86-64-v2}
mkdir -p "$out"
for source in src/*.c; do
  name=$(basename "$source" .c)
  if [ "$native" = native ]; then
    clang $c_flags -march="$march" -shared -fPIC -fvisibility=hidden "$source" -o "$out/$name.so"
  else
    clang $c_flags --target=wasm32 -msimd128 -mbulk-memory -mnontrapping-fptoint -msign-ext -nostdlib -Wl,--no-entry -Wl,--strip-debug "$source" -o "$out/$name.wasm"
  fi
done
[ -x "$rustc" ] || { echo "no $rustc: Rust programs are left out" >&2; exit 0; }
for source in rust/*.rs; do
  name=$(basename "$source" .rs)
  if [ "$native" = native ]; then
    "$rustc" $rust_flags -C target-cpu="$march" "$source" -o "$out/$name.so"
  else
    "$rustc" $rust_flags --target wasm32-unknown-unknown -C target-feature=+simd128,+bulk-memory,+nontrapping-fptoint,+sign-ext -C link-arg=--strip-debug "$source" -o "$out/$name.wasm"
  fi
done
