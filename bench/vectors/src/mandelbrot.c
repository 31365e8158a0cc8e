// The Mandelbrot set, two points at a time in double precision, until both have left.
#include "simd.h"
EXPORT uint64_t run(uint32_t n) {
  uint64_t total = 0;
  for (uint32_t y = 0; y < n; y++)
    for (uint32_t x = 0; x < n; x += 2) {
      f64x2 cr = (f64x2){(double)x, (double)x + 1} * SPLATD(3.0 / n) - SPLATD(2.0), ci = SPLATD((double)y * 2.0 / n - 1.0), zr = cr, zi = ci;
      i64x2 count = {0, 0};
      for (int i = 0; i < 200; i++) {
        f64x2 r2 = zr * zr, i2 = zi * zi;
        i64x2 inside = (i64x2)(r2 + i2 <= SPLATD(4.0));
        if (!any8((u8x16)inside)) break;
        count -= inside;
        f64x2 t = zr * zi;
        zr = r2 - i2 + cr, zi = t + t + ci;
      }
      total += (uint64_t)(count[0] + count[1]);
    }
  return total;
}
