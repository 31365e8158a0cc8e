// A hash in the manner of XXH3: 64-bit lanes accumulate products of their 32-bit halves.
#include "simd.h"
NOINLINE static uint64_t hash(const uint8_t *p, int n, const uint64_t *key) {
  u64x2 acc[4] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
  for (int i = 0; i < n; i += 64)
    for (int k = 0; k < 4; k++) {
      u64x2 data = LOAD(u64x2, p + i + 16 * k), mixed = data ^ LOAD(u64x2, key + 2 * k);
      u64x2 high = (u64x2)SHUFFLE((u32x4)mixed, (u32x4)mixed, 1, 0, 3, 2);
      acc[k] += (u64x2){data[1], data[0]} + mul_even32(mixed, high);
      if ((i & 1023) == 960) {
        acc[k] = (acc[k] ^ (acc[k] >> 47) ^ LOAD(u64x2, key + 2 * k));
        u64x2 upper = acc[k] >> 32;
        acc[k] = mul_even32(acc[k], (u64x2){0x9E3779B1, 0x9E3779B1}) + (mul_even32(upper, (u64x2){0x9E3779B1, 0x9E3779B1}) << 32);
      }
    }
  uint64_t h = (uint64_t)n * 0x9E3779B185EBCA87u;
  for (int k = 0; k < 4; k++) h = (h ^ acc[k][0]) * 0xC2B2AE3D27D4EB4Fu + acc[k][1];
  return h ^ (h >> 32);
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { BYTES = 65536 };
  uint8_t *data = arena_take(BYTES);
  uint64_t *key = arena_take(64);
  uint32_t seed = 77;
  for (int i = 0; i < BYTES; i++) data[i] = (uint8_t)next_random(&seed);
  for (int i = 0; i < 8; i++) key[i] = (uint64_t)next_random(&seed) << 32 | next_random(&seed);
  uint64_t sum = 0;
  for (uint32_t k = 0; k < n; k++) {
    sum ^= hash(data, BYTES, key);
    data[(k * 11) & (BYTES - 1)] = (uint8_t)sum;
  }
  return sum;
}
