// Open-addressing hash table: multiply, mask, probe.
#include "bench.h"
EXPORT uint64_t run(uint32_t n) {
  const uint32_t mask = (1u << 16) - 1;
  uint64_t sum = 0;
  uint32_t seed = 88172645;
  arena_reset();
  uint64_t *keys = arena_take((mask + 1) * sizeof *keys);
  uint32_t *values = arena_take((mask + 1) * sizeof *values);
  for (uint32_t round = 0; round < n; round++) {
    for (uint32_t i = 0; i <= mask; i++) keys[i] = 0;
    for (uint32_t i = 0; i < 40000; i++) {
      uint64_t key = ((uint64_t)next_random(&seed) % 30000) + 1;
      uint32_t slot = (uint32_t)((key * 0x9E3779B97F4A7C15ull) >> 48) & mask;
      while (keys[slot] != 0 && keys[slot] != key) slot = (slot + 1) & mask;
      if (keys[slot] == 0) { keys[slot] = key; values[slot] = 0; }
      values[slot] += i;
    }
    for (uint32_t i = 0; i <= mask; i++) if (keys[i]) sum += keys[i] ^ values[i];
  }
  return sum;
}
