// Ends badly in the way its argument says.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int deeper(int n) {
    char room[64];
    memset(room, n, sizeof room);
    return n == 0 ? 0 : deeper(n + 1) + room[n & 63];
}

int divide(int a, int b) { return a / b; }

int outside(int address) { return *(volatile int *)address; }

void fail(void) { abort(); }

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    puts("before");
    fflush(stdout);
    if (!strcmp(how, "abort"))
        fail();
    if (!strcmp(how, "stack"))
        printf("%d\n", deeper(1));
    if (!strcmp(how, "divide"))
        printf("%d\n", divide(argc, argc - 2));
    if (!strcmp(how, "outside"))
        printf("%d\n", outside(-16));
    if (!strcmp(how, "spin"))
        for (volatile int i = 0;; i++) {}
    if (!strcmp(how, "exit"))
        exit(argc > 2 ? atoi(argv[2]) : 1);
    return 0;
}
