// Scanning text byte by byte: count words, lines, vowels, and find a needle.
#include "bench.h"
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  const uint32_t size = 1u << 18;
  uint8_t *text = arena_take(size + 1);
  uint32_t seed = 7;
  for (uint32_t i = 0; i < size; i++) { uint32_t r = next_random(&seed) % 32; text[i] = r < 26 ? 'a' + r : r < 30 ? ' ' : r == 30 ? '\n' : '.'; }
  text[size] = 0;
  uint64_t sum = 0;
  for (uint32_t round = 0; round < n; round++) {
    uint32_t words = 0, lines = 0, vowels = 0, found = 0;
    int in_word = 0;
    for (const uint8_t *p = text; *p; p++) {
      uint8_t c = *p;
      if (c == '\n') lines++;
      if (c >= 'a' && c <= 'z') { if (!in_word) { words++; in_word = 1; } } else in_word = 0;
      switch (c) { case 'a': case 'e': case 'i': case 'o': case 'u': vowels++; }
      if (c == 't' && p[1] == 'a' && p[2] == 'r') found++;
    }
    text[round % size] = 'a' + round % 26;
    sum = sum * 33 + words + lines * 3 + vowels * 5 + found * 7;
  }
  return sum;
}
