// Waits for standard input with a time limit again and again; prints what came when.
#include "check.h"
#include <poll.h>
#include <unistd.h>

int main(void) {
    int timeouts = 0;
    char buffer[256];
    for (;;) {
        struct pollfd fds[1] = {{.fd = 0, .events = POLLIN}};
        int ready = poll(fds, 1, 20);
        CHECK(ready >= 0);
        if (ready == 0) {
            timeouts++;
            continue;
        }
        CHECK(fds[0].revents & POLLIN);
        ssize_t n = read(0, buffer, sizeof buffer);
        CHECK(n >= 0);
        if (n == 0)
            break;
        printf("read %.*s\n", (int)n, buffer);
        fflush(stdout);
    }
    printf("timeouts %s\n", timeouts > 0 ? "some" : "none");
    return 0;
}
