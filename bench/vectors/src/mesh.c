// Vertices of a mesh through a matrix, and their normals brought to length one: float arithmetic, a square root and a division.
#include "simd.h"
NOINLINE static void transform(const float *m, const float *in, float *out, int n) {
  f32x4 c0 = LOAD(f32x4, m), c1 = LOAD(f32x4, m + 4), c2 = LOAD(f32x4, m + 8), c3 = LOAD(f32x4, m + 12);
  for (int i = 0; i < n; i++) {
    f32x4 v = LOAD(f32x4, in + 8 * i), w = LOAD(f32x4, in + 8 * i + 4);
    f32x4 p = c0 * SHUFFLE(v, v, 0, 0, 0, 0) + c1 * SHUFFLE(v, v, 1, 1, 1, 1) + c2 * SHUFFLE(v, v, 2, 2, 2, 2) + c3;
    f32x4 q = c0 * SHUFFLE(w, w, 0, 0, 0, 0) + c1 * SHUFFLE(w, w, 1, 1, 1, 1) + c2 * SHUFFLE(w, w, 2, 2, 2, 2);
    f32x4 square = q * q, sum = square + SHUFFLE(square, square, 1, 0, 3, 2);
    sum = sum + SHUFFLE(sum, sum, 2, 3, 0, 1);
    STORE(out + 8 * i, p / SHUFFLE(p, p, 3, 3, 3, 3));
    STORE(out + 8 * i + 4, q / sqrtf4(sum));
  }
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { COUNT = 4096 };
  float *in = arena_take(32 * COUNT), *out = arena_take(32 * COUNT), m[16];
  uint32_t seed = 51;
  for (int i = 0; i < 8 * COUNT; i++) in[i] = (float)(next_random(&seed) & 1023) / 512.0f - 1.0f;
  for (int i = 0; i < 16; i++) m[i] = (float)(i * 7 % 5) * 0.25f + 0.125f;
  m[15] = 4.0f;
  for (uint32_t k = 0; k < n; k++) {
    transform(m, in, out, COUNT);
    in[(k * 13) & (8 * COUNT - 1)] = out[k & (8 * COUNT - 1)] * 0.5f;
  }
  return digest(out, 32 * COUNT);
}
