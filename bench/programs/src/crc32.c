// Table-driven CRC-32: a load that depends on the last result in each step.
#include "bench.h"
EXPORT uint64_t run(uint32_t n) {
  static uint32_t table[256];
  for (uint32_t i = 0; i < 256; i++) { uint32_t c = i; for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1; table[i] = c; }
  arena_reset();
  uint8_t *data = arena_take(65536);
  for (int i = 0; i < 65536; i++) data[i] = (uint8_t)(i * 131 + (i >> 7));
  uint32_t c = 0xffffffff;
  for (uint32_t round = 0; round < n; round++) for (int i = 0; i < 65536; i++) c = table[(c ^ data[i]) & 255] ^ c >> 8;
  return c;
}
