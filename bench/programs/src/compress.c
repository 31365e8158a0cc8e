// LZ-style compression and decompression: hash chains, match copies, literals.
#include "bench.h"
NOINLINE static uint32_t compress(const uint8_t *in, uint32_t size, uint8_t *out, uint32_t *table) {
  for (int i = 0; i < 4096; i++) table[i] = 0;
  uint32_t o = 0, i = 0;
  while (i + 4 < size) {
    uint32_t v = in[i] | in[i + 1] << 8 | in[i + 2] << 16 | (uint32_t)in[i + 3] << 24;
    uint32_t h = (v * 2654435761u) >> 20, candidate = table[h];
    table[h] = i + 1;
    uint32_t length = 0;
    if (candidate && i + 1 - candidate < 65535) {
      const uint8_t *p = in + candidate - 1, *q = in + i;
      while (length < 255 && i + length < size && p[length] == q[length]) length++;
    }
    if (length >= 4) { uint32_t d = i + 1 - candidate; out[o++] = 255; out[o++] = length; out[o++] = d; out[o++] = d >> 8; i += length; }
    else { uint8_t c = in[i++]; if (c == 255) out[o++] = 255, out[o++] = 0; else out[o++] = c; }
  }
  while (i < size) { uint8_t c = in[i++]; if (c == 255) out[o++] = 255, out[o++] = 0; else out[o++] = c; }
  return o;
}
NOINLINE static uint32_t expand(const uint8_t *in, uint32_t size, uint8_t *out) {
  uint32_t o = 0;
  for (uint32_t i = 0; i < size;) {
    uint8_t c = in[i++];
    if (c != 255) { out[o++] = c; continue; }
    uint32_t length = in[i++];
    if (!length) { out[o++] = 255; continue; }
    uint32_t d = in[i] | in[i + 1] << 8;
    i += 2;
    for (uint32_t k = 0; k < length; k++, o++) out[o] = out[o - d];
  }
  return o;
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  const uint32_t size = 1u << 17;
  uint8_t *text = arena_take(size), *packed = arena_take(size * 2 + 16), *back = arena_take(size + 256);
  uint32_t *table = arena_take(4096 * 4), seed = 5;
  for (uint32_t i = 0; i < size; i++) text[i] = (i & 64) && i > 300 ? text[i - 1 - (i * 7 % 251)] : next_random(&seed) >> 24;
  uint64_t sum = 0;
  for (uint32_t round = 0; round < n; round++) {
    uint32_t packed_size = compress(text, size, packed, table), unpacked = expand(packed, packed_size, back);
    sum += packed_size * 3 + unpacked;
    for (uint32_t i = 0; i < size; i += 101) sum += text[i] ^ back[i];
    text[round % size] ^= 1;
  }
  return sum;
}
