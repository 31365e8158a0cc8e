// Nine-point stencil in place: each point waits for the one before.
#include "bench.h"
enum { N = 200 };
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  double (*a)[N] = arena_take(sizeof(double[N][N]));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) a[i][j] = ((double)i * (j + 2) + 2) / N;
  for (uint32_t t = 0; t < n; t++)
    for (int i = 1; i < N - 1; i++)
      for (int j = 1; j < N - 1; j++)
        a[i][j] = (a[i - 1][j - 1] + a[i - 1][j] + a[i - 1][j + 1] + a[i][j - 1] + a[i][j] + a[i][j + 1] + a[i + 1][j - 1] + a[i + 1][j] + a[i + 1][j + 1]) / 9.0;
  double sum = 0;
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) sum += a[i][j];
  return (uint64_t)(int64_t)(sum * 16);
}
