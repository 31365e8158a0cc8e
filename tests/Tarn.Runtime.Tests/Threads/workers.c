// Threads in C without a library: work is handed out by an atomic counter, results are collected under a mutex, and the last one to finish wakes the thread that waits. Compiled by
//   clang --target=wasm32 -O2 -matomics -mbulk-memory -mmutable-globals -nostdlib -Wl,--no-entry,--import-memory,--shared-memory,--max-memory=1048576,--export=__stack_pointer -o workers.wasm workers.c
// The linker adds a start function that copies the data once, with an atomic flag that later instances wait on.

#define EXPORT(name) __attribute__((export_name(name)))

static int next_block;
static int mutex;
static int finished;
static unsigned long long sum;
static unsigned primes;
static unsigned char blocks[4096];
static const char greeting[] = "initialised once";

static void lock(void)
{
    int expected = 0;
    if (__atomic_compare_exchange_n(&mutex, &expected, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    while (__atomic_exchange_n(&mutex, 2, __ATOMIC_SEQ_CST) != 0)
        __builtin_wasm_memory_atomic_wait32(&mutex, 2, -1);
}

static void unlock(void)
{
    if (__atomic_exchange_n(&mutex, 0, __ATOMIC_SEQ_CST) == 2)
        __builtin_wasm_memory_atomic_notify(&mutex, 1);
}

static int is_prime(unsigned n)
{
    if (n < 2)
        return 0;
    for (unsigned d = 2; d * d <= n; d++) {
        if (n % d == 0)
            return 0;
    }
    return 1;
}

EXPORT("work") int work(int count, int size)
{
    // On the thread's own stack, which the host has chosen.
    volatile unsigned found[64];
    int done = 0;
    for (;;) {
        int block = __atomic_fetch_add(&next_block, 1, __ATOMIC_SEQ_CST);
        if (block >= count)
            break;
        unsigned n = 0;
        unsigned long long s = 0;
        for (unsigned i = block * size; i < (unsigned)(block + 1) * size; i++) {
            if (is_prime(i)) {
                found[n++ % 64] = i;
                s += found[(n - 1) % 64];
            }
        }
        lock();
        sum += s;
        primes += n;
        blocks[block % 4096]++;
        unlock();
        done++;
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
    __builtin_wasm_memory_atomic_notify(&finished, -1);
    return done;
}

EXPORT("await") void await(int workers)
{
    int seen;
    while ((seen = __atomic_load_n(&finished, __ATOMIC_SEQ_CST)) != workers)
        __builtin_wasm_memory_atomic_wait32(&finished, seen, -1);
}

EXPORT("sum") unsigned long long get_sum(void) { return sum; }
EXPORT("primes") unsigned get_primes(void) { return primes; }
EXPORT("once") int once(int count)
{
    for (int i = 0; i < count; i++) {
        if (blocks[i] != 1)
            return 0;
    }
    return 1;
}
EXPORT("greeting") const char *get_greeting(void) { return greeting; }
