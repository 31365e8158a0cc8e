// Building, walking and discarding binary trees: allocation and pointer chasing.
#include "bench.h"
typedef struct node { struct node *left, *right; uint32_t key; } node;
static node *free_list;
static node *take(void) { if (free_list) { node *x = free_list; free_list = x->left; return x; } return arena_take(sizeof(node)); }
NOINLINE static node *build(uint32_t depth, uint32_t key) {
  node *x = take();
  x->key = key;
  if (depth) { x->left = build(depth - 1, key * 2); x->right = build(depth - 1, key * 2 + 1); } else x->left = x->right = 0;
  return x;
}
NOINLINE static uint64_t walk(const node *x) { return x ? x->key + walk(x->left) - walk(x->right) * 3 : 0; }
NOINLINE static void drop(node *x) { if (!x) return; drop(x->left); drop(x->right); x->left = free_list; free_list = x; }
EXPORT uint64_t run(uint32_t n) {
  arena_reset();
  free_list = 0;
  uint64_t sum = 0;
  node *keep = build(14, 1);
  for (uint32_t i = 0; i < n; i++) { node *t = build(10 + i % 4, i); sum += walk(t); drop(t); if (i % 16 == 0) sum += walk(keep); }
  return sum;
}
