// Colours to grey levels, vectorised by the compiler: narrow integers widened, multiplied, shifted, narrowed.
#include "simd.h"
NOINLINE static void convert(const uint8_t *restrict rgba, uint8_t *restrict gray, int n) {
  for (int i = 0; i < n; i++) gray[i] = (uint8_t)((rgba[4 * i] * 77 + rgba[4 * i + 1] * 150 + rgba[4 * i + 2] * 29) >> 8);
}
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  enum { PIXELS = 65536 };
  uint8_t *rgba = arena_take(4 * PIXELS), *gray = arena_take(PIXELS);
  uint32_t seed = 7;
  for (int i = 0; i < 4 * PIXELS; i++) rgba[i] = (uint8_t)next_random(&seed);
  for (uint32_t k = 0; k < n; k++) {
    convert(rgba, gray, PIXELS);
    rgba[k & 0xFFFF] ^= gray[(k * 7) & 0xFFFF];
  }
  return digest(gray, PIXELS);
}
