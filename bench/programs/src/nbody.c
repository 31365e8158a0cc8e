// Gravitation of five bodies: square roots, divisions, dependent floating point.
#include "bench.h"
typedef struct { double x, y, z, vx, vy, vz, m; } body;
static body bodies[5];
EXPORT uint64_t run(uint32_t n) {
  for (int i = 0; i < 5; i++) {
    body *b = &bodies[i];
    b->x = i * 1.7 - 3; b->y = i * i * 0.3; b->z = 0.1 * i; b->vx = 0.01 * i; b->vy = 0.02 * (4 - i); b->vz = 0.005; b->m = 1.0 / (i + 1);
  }
  for (uint32_t t = 0; t < n; t++) {
    for (int i = 0; i < 5; i++) {
      body *a = &bodies[i];
      for (int j = i + 1; j < 5; j++) {
        body *b = &bodies[j];
        double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
        double d2 = dx * dx + dy * dy + dz * dz;
        double mag = 0.001 / (d2 * __builtin_sqrt(d2));
        a->vx -= dx * b->m * mag; a->vy -= dy * b->m * mag; a->vz -= dz * b->m * mag;
        b->vx += dx * a->m * mag; b->vy += dy * a->m * mag; b->vz += dz * a->m * mag;
      }
    }
    for (int i = 0; i < 5; i++) { body *b = &bodies[i]; b->x += 0.001 * b->vx; b->y += 0.001 * b->vy; b->z += 0.001 * b->vz; }
  }
  double s = 0;
  for (int i = 0; i < 5; i++) s += bodies[i].x * 3 + bodies[i].y * 5 + bodies[i].vz;
  return (uint64_t)(int64_t)(s * 1e6);
}
