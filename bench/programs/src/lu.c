// LU decomposition and a matrix-vector chain in double precision, after PolyBench's kernels.
#include "bench.h"
#define N 100
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  double *a = arena_take(N * N * 8), *x = arena_take(N * 8), *y = arena_take(N * 8);
  double total = 0;
  for (uint32_t round = 0; round < n; round++) {
    for (int i = 0; i < N; i++) { x[i] = 1.0 + i % 5; for (int j = 0; j < N; j++) a[i * N + j] = i == j ? N : ((i * j + (int)round) % 9) * 0.125; }
    for (int k = 0; k < N; k++) {
      for (int j = k + 1; j < N; j++) a[j * N + k] /= a[k * N + k];
      for (int i = k + 1; i < N; i++) for (int j = k + 1; j < N; j++) a[i * N + j] -= a[i * N + k] * a[k * N + j];
    }
    for (int i = 0; i < N; i++) { double s = 0; for (int j = 0; j < N; j++) s += a[i * N + j] * x[j]; y[i] = s; }
    for (int i = 0; i < N; i++) total += y[i];
  }
  return (uint64_t)(int64_t)(total * 100);
}
