// Calls through a table of functions chosen by data.
#include "bench.h"
typedef uint32_t (*op)(uint32_t, uint32_t);
#define F(name, e) NOINLINE static uint32_t name(uint32_t a, uint32_t b) { return e; }
F(f0, a + b) F(f1, a - b) F(f2, a ^ b) F(f3, a * 3 + b) F(f4, (a << 3) ^ b) F(f5, (a >> 2) + b) F(f6, a | (b & 0xff)) F(f7, ~a + b)
static op volatile table[8] = {f0, f1, f2, f3, f4, f5, f6, f7};
EXPORT uint64_t run(uint32_t n) {
  uint32_t seed = 17, a = 1;
  for (uint32_t i = 0; i < n * 1000; i++) a = table[(i * 5 + (a & 1)) & 7](a, i);
  return a + seed;
}
