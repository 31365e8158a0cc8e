// Quicksort with an insertion sort at the leaves, then a heap sort of the same numbers.
#include "bench.h"
NOINLINE static void quick(int32_t *a, int lo, int hi) {
  while (hi - lo > 16) {
    int32_t p = a[lo + (hi - lo) / 2];
    int i = lo, j = hi;
    while (i <= j) {
      while (a[i] < p) i++;
      while (a[j] > p) j--;
      if (i <= j) { int32_t t = a[i]; a[i] = a[j]; a[j] = t; i++; j--; }
    }
    if (j - lo < hi - i) { quick(a, lo, j); lo = i; } else { quick(a, i, hi); hi = j; }
  }
  for (int i = lo + 1; i <= hi; i++) {
    int32_t x = a[i];
    int j = i - 1;
    while (j >= lo && a[j] > x) { a[j + 1] = a[j]; j--; }
    a[j + 1] = x;
  }
}
static void sift(int32_t *a, int root, int count) {
  for (;;) {
    int child = 2 * root + 1;
    if (child >= count) return;
    if (child + 1 < count && a[child] < a[child + 1]) child++;
    if (a[root] >= a[child]) return;
    int32_t t = a[root]; a[root] = a[child]; a[child] = t;
    root = child;
  }
}
EXPORT uint64_t run(uint32_t n) {
  const int count = 50000;
  uint64_t sum = 0;
  uint32_t seed = 2463534242u;
  arena_reset();
  int32_t *a = arena_take(count * 4), *b = arena_take(count * 4);
  for (uint32_t round = 0; round < n; round++) {
    for (int i = 0; i < count; i++) a[i] = b[i] = (int32_t)next_random(&seed);
    quick(a, 0, count - 1);
    for (int i = count / 2 - 1; i >= 0; i--) sift(b, i, count);
    for (int i = count - 1; i > 0; i--) { int32_t t = b[0]; b[0] = b[i]; b[i] = t; sift(b, 0, i); }
    for (int i = 0; i < count; i += 97) sum = sum * 31 + (uint32_t)a[i] + (a[i] == b[i]);
  }
  return sum;
}
