#!/usr/bin/env bash
# Translates src/*.wat to wasm/*.wasm with this repository's own tool. The modules are checked in, so the benchmarks do not need it.
set -euo pipefail
cd "$(dirname "$0")"
for source in src/*.wat; do
  name=$(basename "$source" .wat)
  dotnet run --project ../../src/Tarn.Cli -- parse "$source" -o "wasm/$name.wasm"
done
