// Permutations and pancake flips: short loops over a small array.
#include "bench.h"
EXPORT uint64_t run(uint32_t n) {
  int perm[12], perm1[12], count[12], max_flips = 0, checksum = 0, r = (int)n, index = 0;
  for (int i = 0; i < (int)n; i++) perm1[i] = i;
  for (;;) {
    for (; r != 1; r--) count[r - 1] = r;
    for (int i = 0; i < (int)n; i++) perm[i] = perm1[i];
    int flips = 0, k;
    while ((k = perm[0]) != 0) {
      for (int i = 0, j = k; i < j; i++, j--) { int t = perm[i]; perm[i] = perm[j]; perm[j] = t; }
      flips++;
    }
    if (flips > max_flips) max_flips = flips;
    checksum += index & 1 ? -flips : flips;
    for (;; r++) {
      if (r == (int)n) return (uint64_t)(uint32_t)checksum << 8 | (uint32_t)max_flips;
      int first = perm1[0];
      for (int i = 0; i < r; i++) perm1[i] = perm1[i + 1];
      perm1[r] = first;
      if (--count[r] > 0) break;
    }
    index++;
  }
}
