// Writes a file of 64 MiB in pieces of odd sizes, reads it back in others, and compares checksums.
#include "check.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned char block[3 << 20];

static uint64_t mix(uint64_t h, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211ull;
    return h;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    const size_t total = 64u << 20;
    uint64_t written = 14695981039346656037ull, read_back = written;
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (x = x * 1664525 + 1013904223) >> 24;
    int fd = open(argv[1], O_CREAT | O_TRUNC | O_RDWR, 0666);
    CHECK(fd >= 0);
    for (size_t done = 0; done < total;) {
        size_t n = 1 + (x = x * 1664525 + 1013904223) % (sizeof block - 1);
        if (n > total - done)
            n = total - done;
        struct iovec parts[3] = {{block, n / 3}, {block + n / 3, n / 3}, {block + n / 3 * 2, n - n / 3 * 2}};
        CHECK(writev(fd, parts, 3) == (ssize_t)n);
        written = mix(written, block, n);
        done += n;
    }
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    size_t got = 0;
    for (ssize_t n; (n = read(fd, block, 1234567)) != 0; got += n) {
        CHECK(n > 0);
        read_back = mix(read_back, block, n);
    }
    CHECK(got == total && written == read_back);
    CHECK(close(fd) == 0);
    puts("large: all well");
    return 0;
}
