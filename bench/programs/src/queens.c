// Backtracking over bit masks: recursion with integer bit tricks.
#include "bench.h"
NOINLINE static uint32_t place(uint32_t all, uint32_t cols, uint32_t left, uint32_t right) {
  if (cols == all) return 1;
  uint32_t count = 0, free = all & ~(cols | left | right);
  while (free) { uint32_t bit = free & (0 - free); free ^= bit; count += place(all, cols | bit, (left | bit) << 1, (right | bit) >> 1); }
  return count;
}
EXPORT uint64_t run(uint32_t n) { return place((1u << n) - 1, 0, 0, 0); }
