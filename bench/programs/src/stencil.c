// Five-point Jacobi iteration on a grid of doubles.
#include "bench.h"
#define N 200
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  double *a = arena_take(N * N * 8), *b = arena_take(N * N * 8);
  for (int i = 0; i < N * N; i++) a[i] = b[i] = (i * 7 % 101) / 8.0;
  for (uint32_t t = 0; t < n; t++) {
    for (int i = 1; i < N - 1; i++)
      for (int j = 1; j < N - 1; j++)
        b[i * N + j] = 0.2 * (a[i * N + j] + a[i * N + j - 1] + a[i * N + j + 1] + a[(i - 1) * N + j] + a[(i + 1) * N + j]);
    double *s = a; a = b; b = s;
  }
  double t = 0;
  for (int i = 0; i < N * N; i++) t += a[i];
  return (uint64_t)(t * 1000);
}
