// A product of 8-bit matrices as inference has it: bytes widened to 16 bits, pairs multiplied and summed to 32.
#include "simd.h"
enum { N = 128 };
static inline i16x8 widen(i16x8 x) { return x >> 8; }
NOINLINE static void gemm(const int8_t *restrict a, const int8_t *restrict bt, int32_t *restrict c) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j += 4) {
      i32x4 s[4] = {{0}, {0}, {0}, {0}};
      for (int k = 0; k < N; k += 16) {
        u8x16 x = LOAD(u8x16, a + i * N + k), zero = SPLAT8(0);
        i16x8 xl = widen((i16x8)SHUFFLE(zero, x, 0, 16, 0, 17, 0, 18, 0, 19, 0, 20, 0, 21, 0, 22, 0, 23)), xh = widen((i16x8)SHUFFLE(zero, x, 0, 24, 0, 25, 0, 26, 0, 27, 0, 28, 0, 29, 0, 30, 0, 31));
        for (int r = 0; r < 4; r++) {
          u8x16 y = LOAD(u8x16, bt + (j + r) * N + k);
          i16x8 yl = widen((i16x8)SHUFFLE(zero, y, 0, 16, 0, 17, 0, 18, 0, 19, 0, 20, 0, 21, 0, 22, 0, 23)), yh = widen((i16x8)SHUFFLE(zero, y, 0, 24, 0, 25, 0, 26, 0, 27, 0, 28, 0, 29, 0, 30, 0, 31));
          s[r] += dot16(xl, yl) + dot16(xh, yh);
        }
      }
      for (int r = 0; r < 4; r++) c[i * N + j + r] = s[r][0] + s[r][1] + s[r][2] + s[r][3];
    }
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  int8_t *a = arena_take(N * N), *b = arena_take(N * N);
  int32_t *c = arena_take(4 * N * N);
  uint32_t seed = 5;
  for (int i = 0; i < N * N; i++) a[i] = (int8_t)next_random(&seed), b[i] = (int8_t)next_random(&seed);
  for (uint32_t k = 0; k < n; k++) {
    gemm(a, b, c);
    a[k & (N * N - 1)] = (int8_t)c[(k * 17) & (N * N - 1)];
  }
  return digest(c, 4 * N * N);
}
