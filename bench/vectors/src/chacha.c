// ChaCha20, four blocks side by side: additions, exclusive ors, rotations by shifts and by shuffles.
#include "simd.h"
static inline u32x4 rot(u32x4 x, int n) { return (x << n) | (x >> (32 - n)); }
#define QUARTER(a, b, c, d) a += b, d = rot(d ^ a, 16), c += d, b = rot(b ^ c, 12), a += b, d = rot(d ^ a, 8), c += d, b = rot(b ^ c, 7)
NOINLINE static void blocks(const uint32_t *key, uint32_t counter, uint32_t *out) {
  u32x4 s[16], v[16];
  for (int i = 0; i < 16; i++) v[i] = s[i] = SPLAT32(key[i]);
  v[12] = s[12] = SPLAT32(counter) + (u32x4){0, 1, 2, 3};
  for (int r = 0; r < 10; r++) {
    QUARTER(v[0], v[4], v[8], v[12]); QUARTER(v[1], v[5], v[9], v[13]); QUARTER(v[2], v[6], v[10], v[14]); QUARTER(v[3], v[7], v[11], v[15]);
    QUARTER(v[0], v[5], v[10], v[15]); QUARTER(v[1], v[6], v[11], v[12]); QUARTER(v[2], v[7], v[8], v[13]); QUARTER(v[3], v[4], v[9], v[14]);
  }
  for (int i = 0; i < 16; i++) STORE(out + 4 * i, v[i] + s[i]);
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  uint32_t *out = arena_take(65536), key[16];
  for (int i = 0; i < 16; i++) key[i] = 0x61707865u * (uint32_t)(i + 1);
  for (uint32_t k = 0; k < n; k++)
    for (int i = 0; i < 64; i++) blocks(key, k * 256 + 4 * (uint32_t)i, out + 64 * i);
  return digest(out, 16384);
}
