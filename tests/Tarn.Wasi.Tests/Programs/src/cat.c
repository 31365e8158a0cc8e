// Copies standard input to standard output in large pieces and says on standard error how much it was.
#include "check.h"
#include <unistd.h>

static char buffer[1 << 20];

int main(void) {
    unsigned long long total = 0;
    for (ssize_t n; (n = read(0, buffer, sizeof buffer)) != 0; total += n) {
        CHECK(n > 0);
        for (ssize_t done = 0, w; done < n; done += w)
            CHECK((w = write(1, buffer + done, n - done)) > 0);
    }
    fprintf(stderr, "%llu bytes\n", total);
    return 0;
}
