#!/usr/bin/env bash
# Builds the guests of the WASI tests; their .wasm is checked in, so nobody needs these compilers to run the tests.
# Debian: apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32 rustc libstd-rust-dev-wasm32
# Nothing here turns on vector instructions.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p wasm
for source in src/*.c; do
  clang --target=wasm32-wasi -O2 -std=gnu11 -Wall -Wno-format -Wno-unused-result -Wl,--strip-all "$source" -o "wasm/$(basename "$source" .c).wasm"
done
# Traps are to be told with names.
clang --target=wasm32-wasi -O1 -fno-inline -std=gnu11 -Wall -Wno-unknown-warning-option -Wno-infinite-recursion -Wl,--strip-debug src/crash.c -o wasm/crash.wasm
for source in src/*.rs; do
  "${RUSTC:-/usr/bin/rustc}" --target wasm32-wasi -O -C strip=symbols -C panic=abort "$source" -o "wasm/$(basename "$source" .rs).wasm"
done
# Debug information, in two versions, and names of C++. No libraries: what is in the files is ours.
debug=(--target=wasm32 -nostdlib -Wl,--no-entry "-fdebug-prefix-map=$PWD=." -O1)
clang "${debug[@]}" -gdwarf-4 src/debug/places.c -o wasm/places-4.wasm
clang "${debug[@]}" -gdwarf-5 src/debug/places.c -o wasm/places-5.wasm
clang++ "${debug[@]}" -gdwarf-4 -fno-exceptions src/debug/shapes.cpp -o wasm/shapes.wasm
rust=("${RUSTC:-/usr/bin/rustc}" --edition 2021 --target wasm32-unknown-unknown --crate-type cdylib "--remap-path-prefix=$PWD=." -C opt-level=1 -C debuginfo=2 -C panic=abort -C lto=fat)
"${rust[@]}" src/debug/places.rs -o wasm/rust-legacy.wasm
"${rust[@]}" -C symbol-mangling-version=v0 src/debug/places.rs -o wasm/rust-v0.wasm
# Guests of WASI 0.2 without a library: the tests make components of them.
clang --target=wasm32 -nostdlib -O2 -Wall -Wl,--no-entry -Wl,--strip-all src/components/sockets.c -o wasm/sockets.wasm
