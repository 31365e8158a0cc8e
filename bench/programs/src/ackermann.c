// Deep recursion with little work in each frame.
#include "bench.h"
NOINLINE static uint32_t ack(uint32_t m, uint32_t n) { return m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)); }
EXPORT uint64_t run(uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += ack(2, 200 + (i & 63)) + ack(3, 5);
  return sum;
}
