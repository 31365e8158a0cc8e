// 64-bit hashing of a buffer: rotates, multiplies, wide loads.
#include "bench.h"
static inline uint64_t rotl(uint64_t x, int r) { return (x << r) | (x >> (64 - r)); }
#define P1 0x9E3779B185EBCA87ull
#define P2 0xC2B2AE3D27D4EB4Full
#define P3 0x165667B19E3779F9ull
static inline uint64_t lane(uint64_t acc, uint64_t in) { return rotl(acc + in * P2, 31) * P1; }
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  const uint32_t words = 1u << 15;
  uint64_t *data = arena_take(words * 8);
  uint32_t seed = 1;
  for (uint32_t i = 0; i < words; i++) data[i] = ((uint64_t)next_random(&seed) << 32) | next_random(&seed);
  uint64_t h = 0;
  for (uint32_t round = 0; round < n; round++) {
    uint64_t a = P1 + P2 + round, b = P2, c = 0, d = (uint64_t)0 - P1;
    for (uint32_t i = 0; i < words; i += 4) {
      a = lane(a, data[i]); b = lane(b, data[i + 1]); c = lane(c, data[i + 2]); d = lane(d, data[i + 3]);
    }
    uint64_t x = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    x ^= x >> 33; x *= P2; x ^= x >> 29; x *= P3; x ^= x >> 32;
    h += x;
  }
  return h;
}
