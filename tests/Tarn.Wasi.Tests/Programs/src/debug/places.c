// Where it traps is written behind the line: the tests look for these places.
static volatile int zero;
static int values[4];
__attribute__((always_inline)) static inline int divide(int by) {
  return 100 / by; // divide
}
__attribute__((always_inline)) static inline int twice(int by) {
  int once = by + 1;
  return divide(once - 1) + once; // twice
}
__attribute__((noinline)) static int outer(int by) {
  values[by & 3] = twice(by); // outer
  return values[1];
}
__attribute__((export_name("inlined"))) int inlined(int by) {
  return outer(by) + 1; // inlined
}
__attribute__((export_name("loop"))) int loop(int count) {
  int sum = zero;
  for (int i = 0; i < count; i++)
    sum += i / (count - 3 - i); // loop
  return sum;
}
