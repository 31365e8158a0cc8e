// What the test programs share: a check that names its line and ends the program with status 99.
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s failed, errno %d (%s)\n", __FILE__, __LINE__, #condition, errno, strerror(errno)); \
            exit(99); \
        } \
    } while (0)
