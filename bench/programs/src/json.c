// Parsing JSON by recursive descent, summing numbers and string lengths.
#include "bench.h"
static const char *p;
static uint64_t total;
NOINLINE static void value(void);
static void space(void) { while (*p == ' ' || *p == '\n') p++; }
static void string(void) {
  p++;
  while (*p != '"') { if (*p == '\\') p++; p++; total++; }
  p++;
}
NOINLINE static void value(void) {
  space();
  switch (*p) {
    case '{':
      p++; space();
      while (*p != '}') { string(); space(); p++; value(); space(); if (*p == ',') { p++; space(); } }
      p++; break;
    case '[':
      p++; space();
      while (*p != ']') { value(); space(); if (*p == ',') p++; space(); }
      p++; break;
    case '"': string(); break;
    case 't': case 'n': p += 4; total += 2; break;
    case 'f': p += 5; total += 3; break;
    default: {
      int64_t v = 0, neg = 0, scale = 1;
      if (*p == '-') { neg = 1; p++; }
      while (*p >= '0' && *p <= '9') v = v * 10 + (*p++ - '0');
      if (*p == '.') { p++; while (*p >= '0' && *p <= '9') { v = v * 10 + (*p++ - '0'); scale *= 10; } }
      double d = (double)v / (double)scale;
      total += (uint64_t)(int64_t)(neg ? d - 2 * d + 1000000 : d);
    }
  }
}
static char *put(char *o, const char *s) { while (*s) *o++ = *s++; return o; }
static char *number(char *o, uint32_t v) { char t[12]; int k = 0; do { t[k++] = '0' + v % 10; v /= 10; } while (v); while (k) *o++ = t[--k]; return o; }
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  char *text = arena_take(1 << 19), *o = text;
  uint32_t seed = 11;
  *o++ = '[';
  for (int i = 0; i < 2000; i++) {
    if (i) *o++ = ',';
    o = put(o, "{\"id\": "); o = number(o, next_random(&seed) % 100000); o = put(o, ", \"name\": \"user \\\"x\\\" name\", \"score\": -");
    o = number(o, next_random(&seed) % 1000); *o++ = '.'; o = number(o, next_random(&seed) % 1000);
    o = put(o, ", \"tags\": [\"a\", \"bc\", true, false, null], \"at\": {\"x\": 1, \"y\": [2, 3]}}\n");
  }
  *o++ = ']'; *o = 0;
  total = 0;
  for (uint32_t round = 0; round < n; round++) { p = text; value(); }
  return total;
}
