// Directories in the directory given: deep ones, full ones, moved ones.
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int count(const char *path) {
    DIR *dir = opendir(path);
    CHECK(dir);
    int n = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            n++;
    CHECK(closedir(dir) == 0);
    return n;
}

int main(int argc, char **argv) {
    CHECK(argc == 2 && chdir(argv[1]) == 0);
    CHECK(mkdir("full", 0777) == 0 && mkdir("full", 0777) < 0 && errno == EEXIST);
    char name[300];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "full/entry-with-a-name-of-some-length-%03d", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0666);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    CHECK(count("full") == 500);
    CHECK(rmdir("full") < 0 && errno == ENOTEMPTY);

    // each name once, removed while listing
    DIR *dir = opendir("full");
    CHECK(dir);
    int removed = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        CHECK(e->d_type == DT_REG);
        snprintf(name, sizeof name, "full/%s", e->d_name);
        CHECK(unlink(name) == 0);
        removed++;
    }
    CHECK(closedir(dir) == 0 && removed == 500 && count("full") == 0);

    // a name longer than a directory's buffer has room for at once
    memset(name, 'n', sizeof name);
    memcpy(name, "full/", 5);
    name[5 + 255] = 0;
    int fd = open(name, O_CREAT | O_WRONLY, 0666);
    CHECK(fd >= 0 && close(fd) == 0 && count("full") == 1 && unlink(name) == 0);
    name[5 + 255] = 'n';
    name[5 + 256] = 0;
    CHECK(open(name, O_CREAT | O_WRONLY, 0666) < 0 && errno == ENAMETOOLONG);

    // deep, with ways back up
    CHECK(mkdir("deep", 0777) == 0);
    strcpy(name, "deep");
    for (int i = 0; i < 40; i++) {
        strcat(name, "/d");
        CHECK(mkdir(name, 0777) == 0);
    }
    struct stat st;
    CHECK(stat("deep/d/../d/./d//d/../../d", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK(stat("deep/d/../../../outside", &st) < 0);
    CHECK(rename("deep/d", "moved") == 0 && count("deep") == 0 && count("moved") == 1);
    CHECK(rename("moved", "moved/d/x") < 0 && errno == EINVAL);
    CHECK(rename("moved", "deep") == 0 && count("deep") == 1);
    for (int i = 40; i >= 0; i--) {
        strcpy(name, "deep");
        for (int j = 1; j < i; j++)
            strcat(name, "/d");
        CHECK(i == 0 || rmdir(name) == 0);
    }

    // relative to a directory held open
    CHECK(mkdir("base", 0777) == 0);
    int base = open("base", O_RDONLY | O_DIRECTORY);
    CHECK(base >= 0 && mkdirat(base, "inner", 0777) == 0 && rename("base", "renamed") == 0);
    CHECK(fstatat(base, "inner", &st, 0) == 0 && S_ISDIR(st.st_mode));
    CHECK(unlinkat(base, "inner", AT_REMOVEDIR) == 0 && close(base) == 0 && rmdir("renamed") == 0);

    // through a link to a directory
    CHECK(symlink("full", "alias") == 0);
    fd = open("alias/file", O_CREAT | O_WRONLY, 0666);
    CHECK(fd >= 0 && close(fd) == 0 && stat("full/file", &st) == 0);
    CHECK(stat("alias/", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK(unlink("full/file") == 0 && unlink("alias") == 0 && rmdir("full") == 0 && count(".") == 0);
    puts("directories: all well");
    return 0;
}
