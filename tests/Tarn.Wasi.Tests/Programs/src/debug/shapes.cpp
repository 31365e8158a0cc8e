// Names of C++ in a backtrace: namespaces, templates, methods, a lambda.
namespace shapes {
template <typename T, int N> struct Box {
  T content[N];
  __attribute__((noinline)) T take(int at, const T *other) const {
    if (at > N)
      __builtin_trap(); // take
    return content[at & (N - 1)] + *other;
  }
};
static Box<int, 4> box;
__attribute__((noinline)) int visit(int (*function)(int), int at) {
  return function(at) + 1; // visit
}
}
extern "C" __attribute__((export_name("run"))) int run(int at) {
  static int other;
  return shapes::visit([](int inner) { return shapes::box.take(inner, &other) + 2; }, at) + 3; // run
}
