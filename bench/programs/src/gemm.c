// C ← αAB + βC.
#include "bench.h"
enum { N = 160 };
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  double (*a)[N] = arena_take(sizeof(double[N][N])), (*b)[N] = arena_take(sizeof(double[N][N])), (*c)[N] = arena_take(sizeof(double[N][N]));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = (double)((i * j + 1) % N) / N;
      b[i][j] = (double)((i * (j + 2)) % N) / N;
      c[i][j] = (double)((i * (j + 3)) % N) / N;
    }
  for (uint32_t r = 0; r < n; r++)
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) c[i][j] *= 0.5;
      for (int k = 0; k < N; k++)
        for (int j = 0; j < N; j++) c[i][j] += 0.75 * a[i][k] * b[k][j];
    }
  double sum = 0;
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) sum += c[i][j];
  return (uint64_t)(int64_t)(sum * 1000);
}
