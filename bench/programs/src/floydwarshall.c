// All shortest paths: minima of integer sums.
#include "bench.h"
enum { N = 180 };
EXPORT uint64_t run(uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t r = 0; r < n; r++) {
    arena_reset();
    int (*path)[N] = arena_take(sizeof(int[N][N]));
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        path[i][j] = i * j % 7 + 1 + (int)(r & 1);
        if ((i + j) % 13 == 0 || (i + j) % 7 == 0 || (i + j) % 11 == 0) path[i][j] = 999;
      }
    for (int k = 0; k < N; k++)
      for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
          int through = path[i][k] + path[k][j];
          path[i][j] = path[i][j] < through ? path[i][j] : through;
        }
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) sum += (uint64_t)path[i][j];
  }
  return sum;
}
