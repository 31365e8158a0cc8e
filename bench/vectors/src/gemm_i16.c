// A product of 16-bit matrices, vectorised by the compiler from plain loops.
#include "simd.h"
enum { N = 128 };
NOINLINE static void gemm(const int16_t *restrict a, const int16_t *restrict bt, int32_t *restrict c) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      int32_t s = 0;
      for (int k = 0; k < N; k++) s += a[i * N + k] * bt[j * N + k];
      c[i * N + j] = s;
    }
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  int16_t *a = arena_take(2 * N * N), *b = arena_take(2 * N * N);
  int32_t *c = arena_take(4 * N * N);
  uint32_t seed = 5;
  for (int i = 0; i < N * N; i++) a[i] = (int16_t)(next_random(&seed) & 1023), b[i] = (int16_t)(next_random(&seed) & 1023);
  for (uint32_t k = 0; k < n; k++) {
    gemm(a, b, c);
    a[k & (N * N - 1)] = (int16_t)(c[(k * 17) & (N * N - 1)] & 1023);
  }
  return digest(c, 4 * N * N);
}
