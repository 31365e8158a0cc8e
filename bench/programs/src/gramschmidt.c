// QR decomposition by Gram and Schmidt: columns of row-major matrices.
#include "bench.h"
enum { M = 120, N = 100 };
EXPORT uint64_t run(uint32_t n) {
  double total = 0;
  for (uint32_t t = 0; t < n; t++) {
    arena_reset();
    double (*a)[N] = arena_take(sizeof(double[M][N])), (*r)[N] = arena_take(sizeof(double[N][N])), (*q)[N] = arena_take(sizeof(double[M][N]));
    for (int i = 0; i < M; i++)
      for (int j = 0; j < N; j++) a[i][j] = (double)((i * (j + 1) + (int)(t & 3)) % M) / M * 100 + 10 + (i == j ? 50 : 0);
    for (int k = 0; k < N; k++) {
      double norm = 0;
      for (int i = 0; i < M; i++) norm += a[i][k] * a[i][k];
      r[k][k] = __builtin_sqrt(norm);
      for (int i = 0; i < M; i++) q[i][k] = a[i][k] / r[k][k];
      for (int j = k + 1; j < N; j++) {
        r[k][j] = 0;
        for (int i = 0; i < M; i++) r[k][j] += q[i][k] * a[i][j];
        for (int i = 0; i < M; i++) a[i][j] = a[i][j] - q[i][k] * r[k][j];
      }
    }
    for (int k = 0; k < N; k++) total += r[k][k];
  }
  return (uint64_t)(int64_t)(total);
}
