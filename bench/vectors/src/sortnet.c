// Sorting networks: columns of sixteen vectors by minima and maxima, a transposition, and merges within vectors.
#include "simd.h"
#define SWAP(i, j) do { i32x4 lo_ = min32(v[i], v[j]), hi_ = max32(v[i], v[j]); v[i] = lo_, v[j] = hi_; } while (0)
NOINLINE static void columns(int32_t *p) {
  i32x4 v[8];
  for (int i = 0; i < 8; i++) v[i] = LOAD(i32x4, p + 4 * i);
  SWAP(0, 2); SWAP(1, 3); SWAP(4, 6); SWAP(5, 7); SWAP(0, 4); SWAP(1, 5); SWAP(2, 6); SWAP(3, 7); SWAP(0, 1); SWAP(2, 3);
  SWAP(4, 5); SWAP(6, 7); SWAP(2, 4); SWAP(3, 5); SWAP(1, 4); SWAP(3, 6); SWAP(1, 2); SWAP(3, 4); SWAP(5, 6);
  for (int h = 0; h < 8; h += 4) {
    i32x4 a = SHUFFLE(v[h], v[h + 1], 0, 4, 1, 5), b = SHUFFLE(v[h], v[h + 1], 2, 6, 3, 7), c = SHUFFLE(v[h + 2], v[h + 3], 0, 4, 1, 5), d = SHUFFLE(v[h + 2], v[h + 3], 2, 6, 3, 7);
    STORE(p + h, SHUFFLE(a, c, 0, 1, 4, 5));
    STORE(p + 8 + h, SHUFFLE(a, c, 2, 3, 6, 7));
    STORE(p + 16 + h, SHUFFLE(b, d, 0, 1, 4, 5));
    STORE(p + 24 + h, SHUFFLE(b, d, 2, 3, 6, 7));
  }
}
// Two sorted rows of eight to one of sixteen, as a bitonic merge.
NOINLINE static void merge(int32_t *p) {
  i32x4 v[4] = {LOAD(i32x4, p), LOAD(i32x4, p + 4), SHUFFLE(LOAD(i32x4, p + 12), LOAD(i32x4, p + 12), 3, 2, 1, 0), SHUFFLE(LOAD(i32x4, p + 8), LOAD(i32x4, p + 8), 3, 2, 1, 0)};
  SWAP(0, 2); SWAP(1, 3); SWAP(0, 1); SWAP(2, 3);
  for (int i = 0; i < 4; i++) {
    i32x4 x = v[i], y = SHUFFLE(x, x, 2, 3, 0, 1), lo = min32(x, y), hi = max32(x, y);
    x = SHUFFLE(lo, hi, 0, 1, 6, 7), y = SHUFFLE(x, x, 1, 0, 3, 2), lo = min32(x, y), hi = max32(x, y);
    v[i] = SHUFFLE(lo, hi, 0, 5, 2, 7);
  }
  for (int i = 0; i < 4; i++) STORE(p + 4 * i, v[i]);
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { COUNT = 16384 };
  int32_t *data = arena_take(4 * COUNT);
  uint32_t seed = 31;
  for (int i = 0; i < COUNT; i++) data[i] = (int32_t)next_random(&seed);
  for (uint32_t k = 0; k < n; k++) {
    for (int i = 0; i < COUNT; i += 32) {
      columns(data + i);
      merge(data + i);
      merge(data + i + 16);
    }
    for (int i = 0; i < COUNT; i++) data[i] = data[i] * 1664525 + (int32_t)k;
  }
  return digest(data, 4 * COUNT);
}
