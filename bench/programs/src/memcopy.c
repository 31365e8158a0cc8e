// Bulk and small copies: the memory.copy and memory.fill instructions, and copies of known small size.
#include "bench.h"
typedef struct { uint64_t a, b, c; uint32_t d; } record;
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  uint8_t *a = arena_take(1 << 18), *b = arena_take(1 << 18);
  record *r = (record *)a, *s = (record *)b;
  __builtin_memset(a, 7, 1 << 18);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    __builtin_memcpy(b, a, 1 << 16);
    __builtin_memset(a + (i & 1023), (int)i, 777);
    for (uint32_t k = 0; k < 512; k++) s[k * 3 % 512] = r[k];
    for (uint32_t k = 1; k < 200; k++) __builtin_memmove(a + k * 64, b + k * 61, k);
    sum += b[i & 65535] + s[i & 511].a;
  }
  return sum;
}
