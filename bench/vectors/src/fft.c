// A Fourier transform of 1024 complex numbers, real and imaginary parts apart: float butterflies, with shuffles in the last two passes.
#include "simd.h"
enum { N = 1024, LOG = 10 };
static float cosines[N / 2], sines[N / 2];
static void prepare(void) {
  // e^(-2 pi i k / N) by repeated multiplication in double precision.
  double cr = 0.99998117528260111, ci = -0.0061358846491544753, r = 1, i = 0;
  for (int k = 0; k < N / 2; k++) {
    cosines[k] = (float)r, sines[k] = (float)i;
    double t = r * cr - i * ci;
    i = r * ci + i * cr, r = t;
  }
}
NOINLINE static void fft(float *restrict re, float *restrict im, float *restrict tr, float *restrict ti) {
  // Stockham's order: no bit reversal, each pass reads and writes in sequence.
  for (int half = N / 2, step = 1; half >= 1; half >>= 1, step <<= 1) {
    for (int p = 0; p < half; p++) {
      float wr = cosines[p * step], wi = sines[p * step];
      const float *ar = re + step * p, *ai = im + step * p, *br = re + step * (p + half), *bi = im + step * (p + half);
      float *xr = tr + 2 * step * p, *xi = ti + 2 * step * p, *yr = xr + step, *yi = xi + step;
      int q = 0;
      for (; q + 4 <= step; q += 4) {
        f32x4 a = LOAD(f32x4, ar + q), b = LOAD(f32x4, ai + q), c = LOAD(f32x4, br + q), d = LOAD(f32x4, bi + q), s = a - c, t = b - d;
        STORE(xr + q, a + c);
        STORE(xi + q, b + d);
        STORE(yr + q, s * SPLATF(wr) - t * SPLATF(wi));
        STORE(yi + q, s * SPLATF(wi) + t * SPLATF(wr));
      }
      for (; q < step; q++) {
        float s = ar[q] - br[q], t = ai[q] - bi[q];
        xr[q] = ar[q] + br[q], xi[q] = ai[q] + bi[q];
        yr[q] = s * wr - t * wi, yi[q] = s * wi + t * wr;
      }
    }
    float *swap = re; re = tr, tr = swap;
    swap = im, im = ti, ti = swap;
  }
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  prepare();
  float *re = arena_take(4 * N), *im = arena_take(4 * N), *tr = arena_take(4 * N), *ti = arena_take(4 * N);
  uint32_t seed = 9;
  for (int i = 0; i < N; i++) re[i] = (float)(next_random(&seed) & 0xFFFF) / 65536.0f, im[i] = 0;
  for (uint32_t k = 0; k < n; k++) {
    fft(re, im, tr, ti);
    for (int i = 0; i < N; i++) re[i] *= 0.03125f, im[i] *= 0.03125f;
  }
  return digest(re, 4 * N) ^ digest(im, 4 * N);
}
