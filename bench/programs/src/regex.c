// A backtracking matcher for a small regular-expression language: recursion over pointers.
#include "bench.h"
static int match_here(const char *re, const char *s, const char *end);
NOINLINE static int match_star(int c, const char *re, const char *s, const char *end) {
  const char *t = s;
  while (t < end && (*t == c || c == '.')) t++;
  for (;; t--) { if (match_here(re, t, end)) return 1; if (t == s) return 0; }
}
NOINLINE static int match_here(const char *re, const char *s, const char *end) {
  for (;;) {
    if (re[0] == 0) return 1;
    if (re[1] == '*') return match_star(re[0], re + 2, s, end);
    if (re[1] == '?') { if (s < end && (re[0] == '.' || re[0] == *s) && match_here(re + 2, s + 1, end)) return 1; re += 2; continue; }
    if (re[0] == '$' && re[1] == 0) return s == end;
    if (s < end && (re[0] == '.' || re[0] == *s)) { re++; s++; continue; }
    return 0;
  }
}
EXPORT uint64_t run(uint32_t n) {
  static const char *patterns[] = {"a.*b.*c", "ab?c?d*e", "x*y*z", "hello", "a.b.c.d", "q.*u.*ick$"};
  arena_reset();
  const uint32_t size = 4096;
  char *text = arena_take(size);
  uint32_t seed = 99;
  for (uint32_t i = 0; i < size; i++) text[i] = 'a' + next_random(&seed) % 26;
  uint64_t sum = 0;
  for (uint32_t round = 0; round < n; round++)
    for (int p = 0; p < 6; p++)
      for (uint32_t at = 0; at + 64 <= size; at += 3) sum += match_here(patterns[p], text + at, text + at + 64);
  return sum;
}
