// YUV to RGB in 16-bit fixed point: widening, multiplication, saturating narrowing, interleaving stores.
#include "simd.h"
NOINLINE static void convert(const uint8_t *restrict yp, const uint8_t *restrict up, const uint8_t *restrict vp, uint8_t *restrict out, int n) {
  for (int i = 0; i < n; i += 16) {
    u8x16 y8 = LOAD(u8x16, yp + i), u8 = LOAD(u8x16, up + i), v8 = LOAD(u8x16, vp + i);
    i16x8 r[2], g[2], b[2];
    for (int h = 0; h < 2; h++) {
      i16x8 y = (h ? widen_high8(y8) : widen_low8(y8)) * SPLAT16(74), u = (h ? widen_high8(u8) : widen_low8(u8)) - SPLAT16(128), v = (h ? widen_high8(v8) : widen_low8(v8)) - SPLAT16(128);
      r[h] = (y + v * SPLAT16(102)) >> 6;
      g[h] = (y - u * SPLAT16(25) - v * SPLAT16(52)) >> 6;
      b[h] = (y + u * SPLAT16(129)) >> 6;
    }
    u8x16 red = narrow16u(r[0], r[1]), green = narrow16u(g[0], g[1]), blue = narrow16u(b[0], b[1]), alpha = SPLAT8(255);
    u8x16 rgl = SHUFFLE(red, green, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), rgh = SHUFFLE(red, green, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    u8x16 bal = SHUFFLE(blue, alpha, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), bah = SHUFFLE(blue, alpha, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    STORE(out + 4 * i, (u8x16)SHUFFLE((i16x8)rgl, (i16x8)bal, 0, 8, 1, 9, 2, 10, 3, 11));
    STORE(out + 4 * i + 16, (u8x16)SHUFFLE((i16x8)rgl, (i16x8)bal, 4, 12, 5, 13, 6, 14, 7, 15));
    STORE(out + 4 * i + 32, (u8x16)SHUFFLE((i16x8)rgh, (i16x8)bah, 0, 8, 1, 9, 2, 10, 3, 11));
    STORE(out + 4 * i + 48, (u8x16)SHUFFLE((i16x8)rgh, (i16x8)bah, 4, 12, 5, 13, 6, 14, 7, 15));
  }
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { PIXELS = 65536 };
  uint8_t *y = arena_take(PIXELS), *u = arena_take(PIXELS), *v = arena_take(PIXELS), *out = arena_take(4 * PIXELS);
  uint32_t seed = 8;
  for (int i = 0; i < PIXELS; i++) y[i] = (uint8_t)next_random(&seed), u[i] = (uint8_t)next_random(&seed), v[i] = (uint8_t)next_random(&seed);
  for (uint32_t k = 0; k < n; k++) {
    convert(y, u, v, out, PIXELS);
    y[(k * 11) & (PIXELS - 1)] ^= out[k & 0x3FFFF];
  }
  return digest(out, 4 * PIXELS);
}
