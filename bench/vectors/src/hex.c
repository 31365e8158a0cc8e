// Bytes to hexadecimal digits and back, with a check of the digits.
#include "simd.h"
NOINLINE static void encode(const uint8_t *restrict in, uint8_t *restrict out, int n) {
  const u8x16 digits = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  for (int i = 0; i < n; i += 16) {
    u8x16 v = LOAD(u8x16, in + i), hi = swizzle(digits, v >> 4), lo = swizzle(digits, v & SPLAT8(15));
    STORE(out + 2 * i, SHUFFLE(hi, lo, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    STORE(out + 2 * i + 16, SHUFFLE(hi, lo, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
  }
}
NOINLINE static int decode(const uint8_t *restrict in, uint8_t *restrict out, int n) {
  u8x16 bad = SPLAT8(0);
  for (int i = 0; i < n; i += 16) {
    u8x16 nibble[2];
    for (int k = 0; k < 2; k++) {
      u8x16 c = LOAD(u8x16, in + 2 * i + 16 * k), digit = c - SPLAT8('0'), letter = (c | SPLAT8(0x20)) - SPLAT8('a');
      u8x16 is_digit = (u8x16)(digit < SPLAT8(10)), is_letter = (u8x16)(letter < SPLAT8(6));
      bad |= ~(is_digit | is_letter);
      nibble[k] = SELECT(is_digit, digit, letter + SPLAT8(10));
    }
    u8x16 hi = SHUFFLE(nibble[0], nibble[1], 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), lo = SHUFFLE(nibble[0], nibble[1], 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    STORE(out + i, (hi << 4) | lo);
  }
  return any8(bad);
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { BYTES = 32768 };
  uint8_t *in = arena_take(BYTES), *out = arena_take(2 * BYTES);
  uint32_t seed = 2;
  for (int i = 0; i < BYTES; i++) in[i] = (uint8_t)next_random(&seed);
  uint64_t sum = 0;
  for (uint32_t k = 0; k < n; k++) {
    encode(in, out, BYTES);
    sum += (uint64_t)decode(out, in, BYTES);
    in[(k * 11) & (BYTES - 1)] ^= out[k & 0x7FFF];
  }
  return sum ^ digest(out, 2 * BYTES);
}
