// Five-point stencil between two grids.
#include "bench.h"
enum { N = 250 };
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  double (*a)[N] = arena_take(sizeof(double[N][N])), (*b)[N] = arena_take(sizeof(double[N][N]));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) { a[i][j] = (double)i * (j + 2) / N; b[i][j] = (double)i * (j + 3) / N; }
  for (uint32_t t = 0; t < n; t++) {
    for (int i = 1; i < N - 1; i++)
      for (int j = 1; j < N - 1; j++) b[i][j] = 0.2 * (a[i][j] + a[i][j - 1] + a[i][j + 1] + a[i + 1][j] + a[i - 1][j]);
    for (int i = 1; i < N - 1; i++)
      for (int j = 1; j < N - 1; j++) a[i][j] = 0.2 * (b[i][j] + b[i][j - 1] + b[i][j + 1] + b[i + 1][j] + b[i - 1][j]);
  }
  double sum = 0;
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) sum += a[i][j];
  return (uint64_t)(int64_t)(sum * 16);
}
