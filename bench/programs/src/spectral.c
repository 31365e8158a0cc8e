// Spectral norm: divisions and integer-to-float conversions.
#include "bench.h"
#define N 160
static inline double entry(uint32_t i, uint32_t j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }
NOINLINE static void times(const double *v, double *out) { for (uint32_t i = 0; i < N; i++) { double s = 0; for (uint32_t j = 0; j < N; j++) s += entry(i, j) * v[j]; out[i] = s; } }
NOINLINE static void times_transposed(const double *v, double *out) { for (uint32_t i = 0; i < N; i++) { double s = 0; for (uint32_t j = 0; j < N; j++) s += entry(j, i) * v[j]; out[i] = s; } }
EXPORT uint64_t run(uint32_t n) {
  double u[N], v[N], t[N];
  for (int i = 0; i < N; i++) u[i] = 1;
  for (uint32_t k = 0; k < n; k++) { times(u, t); times_transposed(t, v); times(v, t); times_transposed(t, u); if (k % 8 == 7) for (int i = 0; i < N; i++) u[i] *= 0.01; }
  double a = 0, b = 0;
  for (int i = 0; i < N; i++) { a += u[i] * v[i]; b += v[i] * v[i]; }
  return (uint64_t)(__builtin_sqrt(a / b) * 1e9);
}
