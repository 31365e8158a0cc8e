// Edit distance by dynamic programming: dependent minima over a row.
#include "bench.h"
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  const int size = 500;
  uint8_t *a = arena_take(size), *b = arena_take(size);
  uint32_t *row = arena_take((size + 1) * 4), seed = 21;
  uint64_t sum = 0;
  for (uint32_t round = 0; round < n; round++) {
    for (int i = 0; i < size; i++) { a[i] = next_random(&seed) % 4; b[i] = next_random(&seed) % 4; }
    for (int j = 0; j <= size; j++) row[j] = (uint32_t)j;
    for (int i = 1; i <= size; i++) {
      uint32_t diagonal = row[0];
      row[0] = (uint32_t)i;
      for (int j = 1; j <= size; j++) {
        uint32_t best = diagonal + (a[i - 1] != b[j - 1]);
        diagonal = row[j];
        if (row[j] + 1 < best) best = row[j] + 1;
        if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
        row[j] = best;
      }
    }
    sum += row[size];
  }
  return sum;
}
