// Integer loops over bytes: the sieve of Eratosthenes.
#include "bench.h"
EXPORT uint64_t run(uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t round = 0; round < n; round++) {
    arena_reset();
    const uint32_t limit = 400000 + round;
    uint8_t *composite = arena_take(limit + 1);
    for (uint32_t i = 0; i <= limit; i++) composite[i] = 0;
    for (uint32_t i = 2; i * i <= limit; i++)
      if (!composite[i]) for (uint32_t j = i * i; j <= limit; j += i) composite[j] = 1;
    for (uint32_t i = 2; i <= limit; i++) sum += !composite[i];
  }
  return sum;
}
