// Base64, 12 bytes to 16 characters at a time: shuffles, shifts by multiplication, ranges by saturating subtraction and a table look-up.
#include "simd.h"
NOINLINE static void encode(const uint8_t *restrict in, uint8_t *restrict out, int n) {
  const u8x16 spread = {1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10};
  const u8x16 offsets = {'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, (uint8_t)('+' - 62), (uint8_t)('/' - 63), 'A', 0, 0};
  for (int i = 0, o = 0; i + 16 <= n; i += 12, o += 16) {
    u32x4 v = (u32x4)swizzle(LOAD(u8x16, in + i), spread);
    u32x4 a = (v & SPLAT32(0x0FC0FC00u)), b = (v & SPLAT32(0x003F03F0u));
    u32x4 hi = ((a >> 10) & SPLAT32(0x3Fu)) | ((a >> 6) & SPLAT32(0x003F0000u)), lo = ((b << 4) & SPLAT32(0x3F00u)) | ((b << 8) & SPLAT32(0x3F000000u));
    u8x16 six = (u8x16)(hi | lo);
    u8x16 class = sub_sat8(six, SPLAT8(51));
    class |= (u8x16)(six < SPLAT8(26)) & SPLAT8(13);
    STORE(out + o, six + swizzle(offsets, class));
  }
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { BYTES = 49152 };
  uint8_t *in = arena_take(BYTES + 16), *out = arena_take(BYTES / 12 * 16 + 16);
  uint32_t seed = 2;
  for (int i = 0; i < BYTES + 16; i++) in[i] = (uint8_t)next_random(&seed);
  for (uint32_t k = 0; k < n; k++) {
    encode(in, out, BYTES);
    in[(k * 11) % BYTES] ^= out[k & 0x7FFF];
  }
  return digest(out, BYTES);
}
