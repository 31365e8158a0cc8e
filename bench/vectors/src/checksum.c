// Adler-32 and a histogram of bits, vectorised by the compiler: sums of widened bytes and weighted sums.
#include "simd.h"
NOINLINE static uint32_t adler(const uint8_t *p, int n) {
  uint32_t a = 1, b = 0;
  for (int i = 0; i < n; i += 2048) {
    uint32_t s = 0, w = 0;
    for (int k = 0; k < 2048; k++) s += p[i + k], w += (uint32_t)(2048 - k) * p[i + k];
    b = (b + 2048 * a + w) % 65521;
    a = (a + s) % 65521;
  }
  return b << 16 | a;
}
NOINLINE static uint32_t ones(const uint8_t *p, int n) {
  uint32_t s = 0;
  for (int i = 0; i < n; i++) {
    uint8_t x = p[i];
    x = (uint8_t)(x - ((x >> 1) & 0x55));
    x = (uint8_t)((x & 0x33) + ((x >> 2) & 0x33));
    s += (uint8_t)((x + (x >> 4)) & 15);
  }
  return s;
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { BYTES = 65536 };
  uint8_t *data = arena_take(BYTES);
  uint32_t seed = 15;
  for (int i = 0; i < BYTES; i++) data[i] = (uint8_t)next_random(&seed);
  uint64_t sum = 0;
  for (uint32_t k = 0; k < n; k++) {
    sum = sum * 31 + ((uint64_t)adler(data, BYTES) << 32 | ones(data, BYTES));
    data[(k * 11) & (BYTES - 1)] ^= (uint8_t)sum;
  }
  return sum;
}
