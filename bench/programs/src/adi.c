// Alternating directions: recurrences forth and back along rows and columns.
#include "bench.h"
enum { N = 120 };
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  double (*u)[N] = arena_take(sizeof(double[N][N])), (*v)[N] = arena_take(sizeof(double[N][N])), (*p)[N] = arena_take(sizeof(double[N][N])), (*q)[N] = arena_take(sizeof(double[N][N]));
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) u[i][j] = (double)(i + N - j) / N;
  const double a = -0.4, b = 1.8, c = -0.4, d = -0.2, f = -0.2;
  for (uint32_t t = 0; t < n; t++) {
    for (int i = 1; i < N - 1; i++) {
      v[0][i] = 1; p[i][0] = 0; q[i][0] = 1;
      for (int j = 1; j < N - 1; j++) {
        p[i][j] = -c / (a * p[i][j - 1] + b);
        q[i][j] = (-d * u[j][i - 1] + (1 + 2 * d) * u[j][i] - f * u[j][i + 1] - a * q[i][j - 1]) / (a * p[i][j - 1] + b);
      }
      v[N - 1][i] = 1;
      for (int j = N - 2; j >= 1; j--) v[j][i] = p[i][j] * v[j + 1][i] + q[i][j];
    }
    for (int i = 1; i < N - 1; i++) {
      u[i][0] = 1; p[i][0] = 0; q[i][0] = 1;
      for (int j = 1; j < N - 1; j++) {
        p[i][j] = -f / (d * p[i][j - 1] + b);
        q[i][j] = (-a * v[i - 1][j] + (1 + 2 * a) * v[i][j] - c * v[i + 1][j] - d * q[i][j - 1]) / (d * p[i][j - 1] + b);
      }
      u[i][N - 1] = 1;
      for (int j = N - 2; j >= 1; j--) u[i][j] = p[i][j] * u[i][j + 1] + q[i][j];
    }
  }
  double sum = 0;
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) sum += u[i][j];
  return (uint64_t)(int64_t)(sum * 1024);
}
