// Wasmtime's side of the benchmark of cold compilation: what `tarn compile IN -o OUT` does, done by Wasmtime through its C interface in a process that does nothing
// else: read a module, compile it with default options, write the compiled form. libwasmtime.so comes from TARN_BENCH_LIBWASMTIME, out of the NuGet package.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  size_t size;
  char *data;
} bytes_t;

static void fail(const char *what) {
  fprintf(stderr, "wasmtime-compile: %s\n", what);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc != 3) fail("usage: wasmtime-compile IN OUT");
  const char *library = getenv("TARN_BENCH_LIBWASMTIME");
  void *handle = dlopen(library ? library : "libwasmtime.so", RTLD_NOW);
  if (!handle) fail(dlerror());
  void *(*engine_new)(void) = (void *(*)(void))dlsym(handle, "wasm_engine_new");
  void *(*module_new)(void *, const char *, size_t, void **) = (void *(*)(void *, const char *, size_t, void **))dlsym(handle, "wasmtime_module_new");
  void *(*serialize)(void *, bytes_t *) = (void *(*)(void *, bytes_t *))dlsym(handle, "wasmtime_module_serialize");
  if (!engine_new || !module_new || !serialize) fail("the library lacks a function");

  FILE *in = fopen(argv[1], "rb");
  if (!in) fail("cannot open the module");
  fseek(in, 0, SEEK_END);
  size_t length = (size_t)ftell(in);
  rewind(in);
  char *wasm = malloc(length);
  if (!wasm || fread(wasm, 1, length, in) != length) fail("cannot read the module");

  void *module = NULL;
  bytes_t compiled;
  if (module_new(engine_new(), wasm, length, &module)) fail("does not compile");
  if (serialize(module, &compiled)) fail("does not serialize");
  FILE *out = fopen(argv[2], "wb");
  if (!out || fwrite(compiled.data, 1, compiled.size, out) != compiled.size || fclose(out)) fail("cannot write");
  return 0;
}
