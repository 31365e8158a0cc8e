// Escape times of the Mandelbrot set: a tight floating-point loop with an exit test.
#include "bench.h"
EXPORT uint64_t run(uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t y = 0; y < n; y++)
    for (uint32_t x = 0; x < n; x++) {
      double cr = 3.0 * x / n - 2.25, ci = 2.0 * y / n - 1.0, zr = 0, zi = 0;
      int i = 0;
      while (i < 200) {
        double r2 = zr * zr, i2 = zi * zi;
        if (r2 + i2 > 4.0) break;
        zi = 2 * zr * zi + ci;
        zr = r2 - i2 + cr;
        i++;
      }
      sum += (uint64_t)i;
    }
  return sum;
}
