// What every benchmark program shares: one exported function `run(n)` that does work in proportion to n and returns a checksum,
// so that engines can be held against each other and nothing can be optimised away. No libc: the same source is built as
// freestanding WebAssembly and as a native shared library. Memory comes from a bump allocator that each run resets.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(__wasm__)
#define EXPORT __attribute__((export_name("run")))
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define NOINLINE __attribute__((noinline))

static uint8_t arena[4u << 20] __attribute__((aligned(16)));
static size_t arena_used;

static inline void arena_reset(void) { arena_used = 0; }

static inline void *arena_take(size_t bytes) {
  void *at = arena + arena_used;
  arena_used = (arena_used + bytes + 15) & ~(size_t)15;
  return at;
}

static inline uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}
