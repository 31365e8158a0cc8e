// Dynamic programming over intervals: maxima with data-dependent conditions.
#include "bench.h"
enum { N = 160 };
static inline int larger(int a, int b) { return a > b ? a : b; }
EXPORT uint64_t run(uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t t = 0; t < n; t++) {
    arena_reset();
    uint8_t *base = arena_take(N);
    int (*table)[N] = arena_take(sizeof(int[N][N]));
    for (int i = 0; i < N; i++) { base[i] = (uint8_t)((i + 1 + (int)(t & 1)) % 4); for (int j = 0; j < N; j++) table[i][j] = 0; }
    for (int i = N - 1; i >= 0; i--)
      for (int j = i + 1; j < N; j++) {
        table[i][j] = larger(table[i][j], table[i][j - 1]);
        if (i + 1 < N) {
          table[i][j] = larger(table[i][j], table[i + 1][j]);
          table[i][j] = larger(table[i][j], table[i + 1][j - 1] + (i < j - 1 && base[i] + base[j] == 3));
        }
        for (int k = i + 1; k < j; k++) table[i][j] = larger(table[i][j], table[i][k] + table[k + 1][j]);
      }
    sum += (uint64_t)table[0][N - 1];
  }
  return sum;
}
