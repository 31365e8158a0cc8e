// The cosine transform of a codec over 8 by 8 blocks of 16-bit numbers: butterflies, fixed-point products, a transposition.
#include "simd.h"
static inline i16x8 scale(i16x8 x, int16_t c) { return ((x >> 2) * SPLAT16(c)) >> 6; }
static inline void pass(i16x8 *v) {
  i16x8 a0 = v[0] + v[7], a1 = v[1] + v[6], a2 = v[2] + v[5], a3 = v[3] + v[4], b0 = v[0] - v[7], b1 = v[1] - v[6], b2 = v[2] - v[5], b3 = v[3] - v[4];
  i16x8 c0 = a0 + a3, c1 = a1 + a2, c2 = a1 - a2, c3 = a0 - a3;
  v[0] = c0 + c1, v[4] = c0 - c1, v[2] = c3 + scale(c2, 106), v[6] = scale(c3, 106) - c2;
  i16x8 d0 = b3 + b2, d1 = b2 + b1, d2 = b1 + b0, e = scale(d1, 181), f = b0 + e, g = b0 - e, h = scale(d0 - d2, 98), k = scale(d0, 139) + h, l = scale(d2, 334) + h;
  v[5] = g + k, v[3] = g - k, v[1] = f + l, v[7] = f - l;
}
static inline void transpose(i16x8 *v) {
  i16x8 a[8], b[8];
  for (int i = 0; i < 4; i++) a[2 * i] = SHUFFLE(v[i], v[i + 4], 0, 8, 1, 9, 2, 10, 3, 11), a[2 * i + 1] = SHUFFLE(v[i], v[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
  for (int i = 0; i < 4; i++) b[2 * i] = SHUFFLE(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11), b[2 * i + 1] = SHUFFLE(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
  for (int i = 0; i < 4; i++) v[2 * i] = SHUFFLE(b[i], b[i + 4], 0, 8, 1, 9, 2, 10, 3, 11), v[2 * i + 1] = SHUFFLE(b[i], b[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
}
NOINLINE static void dct(int16_t *p) {
  i16x8 v[8];
  for (int i = 0; i < 8; i++) v[i] = LOAD(i16x8, p + 8 * i);
  pass(v);
  transpose(v);
  pass(v);
  transpose(v);
  for (int i = 0; i < 8; i++) STORE(p + 8 * i, v[i]);
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { BLOCKS = 512 };
  int16_t *data = arena_take(128 * BLOCKS);
  uint32_t seed = 4;
  for (int i = 0; i < 64 * BLOCKS; i++) data[i] = (int16_t)(next_random(&seed) & 255) - 128;
  for (uint32_t k = 0; k < n; k++) {
    for (int i = 0; i < BLOCKS; i++) dct(data + 64 * i);
    for (int i = 0; i < 64 * BLOCKS; i++) data[i] = (int16_t)((data[i] & 255) - 128 + (int)(k & 3));
  }
  return digest(data, 128 * BLOCKS);
}
