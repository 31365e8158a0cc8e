// Dense matrix product in double precision, the plain triple loop.
#include "bench.h"
#define N 120
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  double *a = arena_take(N * N * 8), *b = arena_take(N * N * 8), *c = arena_take(N * N * 8);
  for (int i = 0; i < N * N; i++) { a[i] = (i % 17) * 0.25; b[i] = (i % 13) * 0.5; c[i] = 0; }
  for (uint32_t round = 0; round < n; round++)
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        double s = 0;
        for (int k = 0; k < N; k++) s += a[i * N + k] * b[k * N + j];
        c[i * N + j] += s;
      }
  double t = 0;
  for (int i = 0; i < N * N; i++) t += c[i];
  return (uint64_t)t;
}
