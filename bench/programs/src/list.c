// Pointer chasing through a shuffled linked list: latency of dependent loads.
#include "bench.h"
typedef struct cell { struct cell *next; uint32_t value; } cell;
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  const uint32_t count = 4096;
  cell *cells = arena_take(count * sizeof(cell));
  uint32_t *order = arena_take(count * 4), seed = 3;
  for (uint32_t i = 0; i < count; i++) order[i] = i;
  for (uint32_t i = count - 1; i > 0; i--) { uint32_t j = next_random(&seed) % (i + 1), t = order[i]; order[i] = order[j]; order[j] = t; }
  for (uint32_t i = 0; i < count; i++) { cells[order[i]].next = &cells[order[(i + 1) % count]]; cells[order[i]].value = i; }
  uint64_t sum = 0;
  cell *c = cells;
  for (uint32_t i = 0; i < n * count; i++) { sum += c->value; c->value ^= i; c = c->next; }
  return sum;
}
