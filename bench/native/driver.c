// Runs one benchmark program, `run(n)`, outside of any managed process, so that valgrind can count its instructions and perf can sample them:
//
//   driver native  program.so    n   the same source as native code
//   driver tarn    program.image n   code of Tarn's compiler with an instance around it, as `GuestImage` writes it
//   driver wasmtime program.wasm n   Wasmtime through its C interface (libwasmtime.so from TARN_BENCH_LIBWASMTIME)
//
// Prints the checksum and the nanoseconds of run(n). Counting is switched on around that call alone, so neither loading nor compiling is in the count.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <valgrind/callgrind.h>

static void fail(const char *what) {
  fprintf(stderr, "driver: %s\n", what);
  exit(2);
}

static uint8_t *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*length + 1);
  if (fread(bytes, 1, *length, file) != *length) fail("cannot read");
  fclose(file);
  return bytes;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// ---- Tarn: "TARNIMG1", entry, context, slots of builtins, number of segments; then for each: address, bytes reserved, bytes that follow.

static void *copy_bytes(void *to, const void *from, size_t n) { return memmove(to, from, n); }
static void *fill_bytes(void *to, int byte, size_t n) { return memset(to, byte, n); }

static uint64_t tarn_entry, tarn_context;

// Memories are reserved to their full size and writable, so growing one is a matter of its length alone (docs/abi.md: 16 bytes each, behind the header).
static uint64_t grow_memory(uint64_t memory, uint64_t pages) {
  uint64_t *length = (uint64_t *)(tarn_context + 0x40 + 16 * memory + 8), before = *length >> 16;
  if (before + pages > 65536) return (uint64_t)-1;
  *length += pages << 16;
  return before;
}

// Guest code keeps rbx, rbp, r12, r13 and r15, as C does; r14 it expects to be the VM context.
static uint64_t tarn_run(uint64_t n) {
  uint64_t result;
  register uint64_t context __asm__("r14") = tarn_context;
  __asm__ volatile("call *%[entry]" : "=a"(result), "+D"(n), "+r"(context) : [entry] "r"(tarn_entry) :
                   "rsi", "rdx", "rcx", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  return result;
}

static void load_tarn(const char *path) {
  size_t length;
  uint8_t *bytes = read_file(path, &length);
  if (length < 40 || memcmp(bytes, "TARNIMG1", 8)) fail("not an image");
  uint64_t *words = (uint64_t *)bytes, slots = words[3], count = words[4];
  tarn_entry = words[1];
  tarn_context = words[2];
  uint8_t *at = bytes + 40;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t header[3];
    memcpy(header, at, sizeof header);
    at += sizeof header;
    void *mapped = mmap((void *)header[0], header[1], PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (mapped != (void *)header[0]) fail("mmap");
    memcpy(mapped, at, header[2]);
    at += header[2];
  }
  ((void **)slots)[0] = (void *)grow_memory;
  ((void **)slots)[2] = (void *)copy_bytes;
  ((void **)slots)[3] = (void *)fill_bytes;
}

// ---- Wasmtime: only what is needed of its C interface.

typedef struct { uint8_t kind; union { int32_t i32; int64_t i64; uint64_t words[4]; } of; } wasmtime_value;
static struct { void *(*engine_new)(void), *(*store_new)(void *, void *, void *), *(*store_context)(void *);
  void *(*module_new)(void *, const uint8_t *, size_t, void **), *(*instance_new)(void *, void *, void *, size_t, void *, void **);
  uint8_t (*export_get)(void *, void *, const char *, size_t, void *);
  void *(*func_call)(void *, void *, const wasmtime_value *, size_t, wasmtime_value *, size_t, void **); } w;
static void *w_context;
static uint64_t w_export[8];

static uint64_t wasmtime_run(uint64_t n) {
  wasmtime_value argument = {0}, result = {0};
  argument.of.i32 = (int32_t)n;
  void *trap = NULL;
  if (w.func_call(w_context, &w_export[1], &argument, 1, &result, 1, &trap) || trap) fail("wasmtime: the call failed");
  return (uint64_t)result.of.i64;
}

static void load_wasmtime(const char *path) {
  const char *library = getenv("TARN_BENCH_LIBWASMTIME");
  void *handle = dlopen(library ? library : "libwasmtime.so", RTLD_NOW);
  if (!handle) fail(dlerror());
#define GET(field, name) if (!(*(void **)&w.field = dlsym(handle, name))) fail(name)
  GET(engine_new, "wasm_engine_new"); GET(store_new, "wasmtime_store_new"); GET(store_context, "wasmtime_store_context");
  GET(module_new, "wasmtime_module_new"); GET(instance_new, "wasmtime_instance_new"); GET(export_get, "wasmtime_instance_export_get");
  GET(func_call, "wasmtime_func_call");
  void *engine = w.engine_new(), *module = NULL, *trap = NULL;
  w_context = w.store_context(w.store_new(engine, NULL, NULL));
  size_t length;
  uint8_t *bytes = read_file(path, &length);
  uint64_t instance[8] = {0};
  if (w.module_new(engine, bytes, length, &module)) fail("wasmtime: does not compile");
  if (w.instance_new(w_context, module, NULL, 0, instance, &trap) || trap) fail("wasmtime: does not instantiate");
  if (!w.export_get(w_context, instance, "run", 3, w_export)) fail("wasmtime: exports no run");
}

int main(int argc, char **argv) {
  if (argc != 4) fail("usage: driver native|tarn|wasmtime FILE N");
  uint64_t (*run)(uint64_t) = NULL, n = strtoull(argv[3], NULL, 10);
  if (!strcmp(argv[1], "native")) {
    void *handle = dlopen(argv[2], RTLD_NOW);
    if (!handle) fail(dlerror());
    *(void **)&run = dlsym(handle, "run");
    if (!run) fail("exports no run");
  } else if (!strcmp(argv[1], "tarn")) {
    load_tarn(argv[2]);
    run = tarn_run;
  } else {
    load_wasmtime(argv[2]);
    run = wasmtime_run;
  }
  CALLGRIND_START_INSTRUMENTATION;
  uint64_t start = now(), sum = run(n), end = now();
  CALLGRIND_STOP_INSTRUMENTATION;
  printf("%llu %llu\n", (unsigned long long)sum, (unsigned long long)(end - start));
  return 0;
}
