// A product of float matrices in blocks of 4 by 8 that stay in registers: broadcasts, multiplications and additions.
#include "simd.h"
enum { N = 128 };
NOINLINE static void gemm(const float *restrict a, const float *restrict b, float *restrict c) {
  for (int i = 0; i < N; i += 4)
    for (int j = 0; j < N; j += 8) {
      f32x4 s[4][2];
      for (int r = 0; r < 4; r++) s[r][0] = s[r][1] = SPLATF(0.0f);
      for (int k = 0; k < N; k++) {
        f32x4 lo = LOAD(f32x4, b + k * N + j), hi = LOAD(f32x4, b + k * N + j + 4);
        for (int r = 0; r < 4; r++) {
          f32x4 x = SPLATF(a[(i + r) * N + k]);
          s[r][0] += x * lo;
          s[r][1] += x * hi;
        }
      }
      for (int r = 0; r < 4; r++) {
        STORE(c + (i + r) * N + j, s[r][0]);
        STORE(c + (i + r) * N + j + 4, s[r][1]);
      }
    }
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  float *a = arena_take(4 * N * N), *b = arena_take(4 * N * N), *c = arena_take(4 * N * N);
  uint32_t seed = 3;
  for (int i = 0; i < N * N; i++) a[i] = (float)(next_random(&seed) & 255) / 256.0f - 0.5f, b[i] = (float)(next_random(&seed) & 255) / 256.0f - 0.5f;
  for (uint32_t k = 0; k < n; k++) {
    gemm(a, b, c);
    a[k & (N * N - 1)] = c[(k * 17) & (N * N - 1)] * 0.001f;
  }
  return digest(c, 4 * N * N);
}
