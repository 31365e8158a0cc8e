// Levinson-Durbin recursion: sums over vectors that run against each other.
#include "bench.h"
enum { N = 400 };
EXPORT uint64_t run(uint32_t n) {
  double total = 0;
  for (uint32_t q = 0; q < n; q++) {
    arena_reset();
    double *r = arena_take(N * 8), *y = arena_take(N * 8), *z = arena_take(N * 8);
    for (int i = 0; i < N; i++) r[i] = (double)(N + 1 - i + (int)(q & 7)) / (2 * N);
    y[0] = -r[0];
    double beta = 1, alpha = -r[0];
    for (int k = 1; k < N; k++) {
      beta = (1 - alpha * alpha) * beta;
      double sum = 0;
      for (int i = 0; i < k; i++) sum += r[k - i - 1] * y[i];
      alpha = -(r[k] + sum) / beta;
      for (int i = 0; i < k; i++) z[i] = y[i] + alpha * y[k - i - 1];
      for (int i = 0; i < k; i++) y[i] = z[i];
      y[k] = alpha;
    }
    for (int i = 0; i < N; i++) total += y[i];
  }
  return (uint64_t)(int64_t)(total * 1024);
}
