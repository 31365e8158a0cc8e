// Clocks and sleeping. Prints the calendar time it sees, so that an injected clock can be told from the system's.
#include "check.h"
#include <sched.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    struct timespec now, before, after, resolution;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec >= 1);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    struct timespec pause = {0, 30 * 1000 * 1000};
    CHECK(nanosleep(&pause, NULL) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    long long slept = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
    CHECK(slept >= 30 * 1000 * 1000);
    CHECK(sched_yield() == 0);
    unsigned char random[1000] = {0};
    CHECK(getentropy(random, 256) == 0);
    struct tm *utc = gmtime(&now.tv_sec);
    printf("%04d-%02d-%02d %02d:%02d:%02d\n", utc->tm_year + 1900, utc->tm_mon + 1, utc->tm_mday, utc->tm_hour, utc->tm_min, utc->tm_sec);
    printf("random %02x%02x%02x%02x\n", random[0], random[1], random[2], random[255]);
    return 0;
}
