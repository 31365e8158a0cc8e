// The first step of a fast JSON parser: bit masks of quotes, backslashes and structural characters, 64 bytes at a time.
#include "simd.h"
static inline uint64_t mask4(u8x16 a, u8x16 b, u8x16 c, u8x16 d) {
  return (uint64_t)bitmask8(a) | (uint64_t)bitmask8(b) << 16 | (uint64_t)bitmask8(c) << 32 | (uint64_t)bitmask8(d) << 48;
}
#define EQ(v, c) ((u8x16)((v) == SPLAT8(c)))
static inline uint64_t prefix_xor(uint64_t x) {
  for (int s = 1; s < 64; s <<= 1) x ^= x << s;
  return x;
}
NOINLINE static uint32_t scan(const uint8_t *p, int n, uint32_t *out) {
  uint64_t inside = 0, escape = 0;
  uint32_t count = 0;
  for (int i = 0; i < n; i += 64) {
    u8x16 v[4], q[4], b[4], s[4];
    for (int k = 0; k < 4; k++) {
      v[k] = LOAD(u8x16, p + i + 16 * k);
      q[k] = EQ(v[k], '"');
      b[k] = EQ(v[k], '\\');
      u8x16 lower = v[k] | SPLAT8(0x20);
      s[k] = EQ(lower, '{') | EQ(lower, '}') | EQ(v[k], ':') | EQ(v[k], ',');
    }
    uint64_t backslash = mask4(b[0], b[1], b[2], b[3]), quote = mask4(q[0], q[1], q[2], q[3]), structural = mask4(s[0], s[1], s[2], s[3]);
    uint64_t escaped = 0;
    for (uint64_t left = backslash; left || escape; ) {
      if (escape) { escaped |= 1; escape = 0; left &= ~1ull; if (!left) break; continue; }
      uint64_t bit = left & -left;
      if (!(escaped & bit)) { if (bit >> 63) escape = 1; else escaped |= bit << 1; }
      left ^= bit;
      if (bit >> 63) break;
    }
    quote &= ~escaped;
    uint64_t string = prefix_xor(quote) ^ inside;
    inside = (uint64_t)((int64_t)string >> 63);
    uint64_t found = (structural & ~string) | quote;
    while (found) {
      out[count++ & 0xFFFF] = (uint32_t)(i + __builtin_ctzll(found));
      found &= found - 1;
    }
  }
  return count;
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { BYTES = 65536 };
  static const char sample[] = "{\"name\": \"a \\\"quoted\\\" word\", \"items\": [1, 2, 3.25, true], \"nested\": {\"x\": null, \"long\": \"some longer text without any structure in it at all\"}},";
  uint8_t *text = arena_take(BYTES);
  uint32_t *out = arena_take(4 * 65536);
  for (int i = 0; i < BYTES; i++) text[i] = (uint8_t)sample[i % (int)(sizeof sample - 1)];
  uint64_t sum = 0;
  for (uint32_t k = 0; k < n; k++) {
    sum = sum * 31 + scan(text, BYTES, out);
    text[(k * 13) & 0xFFFF] ^= 1;
  }
  return sum ^ digest(out, 65536);
}
