// Prints its arguments and environment, and exits with the status given as its last argument.
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    for (char **e = environ; *e; e++)
        printf("variable: %s\n", *e);
    return argc > 1 ? atoi(argv[argc - 1]) : 0;
}
