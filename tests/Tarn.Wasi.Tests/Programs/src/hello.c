// The smallest program that is one: start-up is measured with it.
#include <stdio.h>

int main(void) {
    puts("Hello, world!");
    return 0;
}
