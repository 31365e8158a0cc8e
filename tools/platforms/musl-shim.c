// What Debian's libstdc++ and libgcc_s, made for glibc, need beyond musl's libc, so that the CLR for linux-musl-x64 starts on Debian. For tests only: Alpine has libraries of its own.
#include <stddef.h>
struct tm;
extern size_t strftime_l(char *, size_t, const char *, const struct tm *, void *);
extern long getrandom(void *, size_t, unsigned);

size_t __strftime_l(char *to, size_t size, const char *format, const struct tm *time, void *locale) { return strftime_l(to, size, format, time, locale); }

unsigned arc4random(void)
{
    unsigned value;
    getrandom(&value, sizeof value, 0);
    return value;
}

// Destructors of thread-local objects do not run.
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library) { return 0; }

char __libc_single_threaded = 0;

// Not found: libgcc then looks through the list of libraries.
int _dl_find_object(void *address, void *result) { return -1; }

struct { unsigned vendor, type, subtype, features[1]; } __cpu_model;
int __cpu_indicator_init(void) { return 0; }
