// Cholesky decomposition of a symmetric positive definite matrix.
#include "bench.h"
enum { N = 180 };
EXPORT uint64_t run(uint32_t n) {
  double sum = 0;
  for (uint32_t r = 0; r < n; r++) {
    arena_reset();
    double (*a)[N] = arena_take(sizeof(double[N][N]));
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) a[i][j] = 1.0 / (double)(1 + i + j + (r & 3));
      a[i][i] += N;
    }
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < i; j++) {
        for (int k = 0; k < j; k++) a[i][j] -= a[i][k] * a[j][k];
        a[i][j] /= a[j][j];
      }
      for (int k = 0; k < i; k++) a[i][i] -= a[i][k] * a[i][k];
      a[i][i] = __builtin_sqrt(a[i][i]);
    }
    for (int i = 0; i < N; i++) sum += a[i][i] + a[i][i / 2];
  }
  return (uint64_t)(int64_t)(sum * 4096);
}
