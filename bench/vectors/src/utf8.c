// Whether bytes are UTF-8: three table look-ups by nibbles for each byte and its predecessor, 16 at a time.
#include "simd.h"
enum { SHORT = 1, LONG = 2, OVERLONG3 = 4, LARGE = 8, SURROGATE = 16, OVERLONG2 = 32, LARGE1000 = 64, OVERLONG4 = 64, TWO = 128, CARRY = SHORT | LONG | TWO };
static const uint8_t high1[16] __attribute__((aligned(16))) = {LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, TWO, TWO, TWO, TWO, SHORT | OVERLONG2, SHORT,
  SHORT | OVERLONG3 | SURROGATE, SHORT | LARGE | LARGE1000 | OVERLONG4};
static const uint8_t low1[16] __attribute__((aligned(16))) = {CARRY | OVERLONG3 | OVERLONG2 | OVERLONG4, CARRY | OVERLONG2, CARRY, CARRY, CARRY | LARGE, CARRY | LARGE | LARGE1000,
  CARRY | LARGE | LARGE1000, CARRY | LARGE | LARGE1000, CARRY | LARGE | LARGE1000, CARRY | LARGE | LARGE1000, CARRY | LARGE | LARGE1000, CARRY | LARGE | LARGE1000,
  CARRY | LARGE | LARGE1000, CARRY | LARGE | LARGE1000 | SURROGATE, CARRY | LARGE | LARGE1000, CARRY | LARGE | LARGE1000};
static const uint8_t high2[16] __attribute__((aligned(16))) = {SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, LONG | OVERLONG2 | TWO | OVERLONG3 | LARGE1000 | OVERLONG4,
  LONG | OVERLONG2 | TWO | OVERLONG3 | LARGE, LONG | OVERLONG2 | TWO | SURROGATE | LARGE, LONG | OVERLONG2 | TWO | SURROGATE | LARGE, SHORT, SHORT, SHORT, SHORT};
NOINLINE static int is_utf8(const uint8_t *p, int n) {
  u8x16 error = SPLAT8(0), before = SPLAT8(0), h1 = LOAD(u8x16, high1), l1 = LOAD(u8x16, low1), h2 = LOAD(u8x16, high2);
  for (int i = 0; i < n; i += 16) {
    u8x16 in = LOAD(u8x16, p + i);
    if (bitmask8(in) || bitmask8(before)) {
      u8x16 one = SHUFFLE(before, in, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
      u8x16 special = swizzle(h1, one >> 4) & swizzle(l1, one & SPLAT8(15)) & swizzle(h2, in >> 4);
      u8x16 two = SHUFFLE(before, in, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29), three = SHUFFLE(before, in, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
      u8x16 must = (sub_sat8(two, SPLAT8(0xE0 - 0x80)) | sub_sat8(three, SPLAT8(0xF0 - 0x80))) & SPLAT8(0x80);
      error |= must ^ special;
    }
    before = in;
  }
  return !any8(error);
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { BYTES = 65536 };
  uint8_t *text = arena_take(BYTES + 64);
  uint32_t seed = 21;
  int at = 0;
  while (at < BYTES - 4) {
    uint32_t r = next_random(&seed);
    if (at % 4096 < 2048 || (r & 3) == 0) text[at++] = 32 + (r >> 8) % 90;
    else if ((r & 3) == 1) text[at++] = 0xC3, text[at++] = 0x80 | ((r >> 8) & 63);
    else if ((r & 3) == 2) text[at++] = 0xE4, text[at++] = 0x80 | ((r >> 8) & 63), text[at++] = 0x80 | ((r >> 16) & 63);
    else text[at++] = 0xF0, text[at++] = 0x9F, text[at++] = 0x80 | ((r >> 8) & 63), text[at++] = 0x80 | ((r >> 16) & 63);
  }
  while (at < BYTES + 64) text[at++] = 'x';
  uint64_t sum = 0;
  for (uint32_t k = 0; k < n; k++) {
    uint8_t kept = text[(k * 97) & 0xFFFF];
    if (k & 1) text[(k * 97) & 0xFFFF] = 0xFF;
    sum = sum * 3 + (uint64_t)is_utf8(text, BYTES);
    text[(k * 97) & 0xFFFF] = kept;
  }
  return sum ^ digest(text, BYTES);
}
