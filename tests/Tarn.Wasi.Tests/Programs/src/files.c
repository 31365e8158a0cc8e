// Files in the directory given: made, written, read, moved about, with all that stdio and unistd offer for it.
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    CHECK(argc == 2 && chdir(argv[1]) == 0);

    // stdio
    FILE *file = fopen("a.txt", "w+");
    CHECK(file);
    CHECK(fprintf(file, "first\nsecond %d\n", 2) == 15);
    CHECK(fseek(file, 6, SEEK_SET) == 0);
    char line[64];
    CHECK(fgets(line, sizeof line, file) && strcmp(line, "second 2\n") == 0);
    CHECK(fseek(file, -3, SEEK_END) == 0 && ftell(file) == 12);
    CHECK(fclose(file) == 0);

    // exclusive, append, truncate
    CHECK(open("a.txt", O_CREAT | O_EXCL | O_WRONLY, 0666) < 0 && errno == EEXIST);
    CHECK(open("missing", O_RDONLY) < 0 && errno == ENOENT);
    int fd = open("a.txt", O_WRONLY | O_APPEND);
    CHECK(fd >= 0 && write(fd, "third\n", 6) == 6);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "fourth\n", 7) == 7);
    CHECK(close(fd) == 0);
    struct stat st;
    CHECK(stat("a.txt", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 28);
    CHECK(close(fd) < 0 && errno == EBADF);

    // gather, scatter, positions
    fd = open("b.bin", O_CREAT | O_RDWR | O_TRUNC, 0666);
    CHECK(fd >= 0);
    struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defgh", 5}};
    CHECK(writev(fd, out, 3) == 8);
    CHECK(pwrite(fd, "X", 1, 4) == 1);
    char left[4] = {0}, right[8] = {0};
    struct iovec in[2] = {{left, 3}, {right, 7}};
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 2) == 8);
    CHECK(strcmp(left, "abc") == 0 && strcmp(right, "dXfgh") == 0);
    CHECK(pread(fd, left, 2, 6) == 2 && memcmp(left, "gh", 2) == 0 && lseek(fd, 0, SEEK_CUR) == 8);
    CHECK(pwrite(fd, "end", 3, 100) == 3 && fstat(fd, &st) == 0 && st.st_size == 103);
    char gap = 1;
    CHECK(pread(fd, &gap, 1, 50) == 1 && gap == 0);
    CHECK(ftruncate(fd, 5) == 0 && lseek(fd, 0, SEEK_END) == 5);
    CHECK(ftruncate(fd, 20) == 0 && fstat(fd, &st) == 0 && st.st_size == 20);
    CHECK(posix_fallocate(fd, 0, 40) == 0 && fstat(fd, &st) == 0 && st.st_size == 40);
    CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0);
    CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
    CHECK(lseek(fd, -1, SEEK_SET) < 0 && errno == EINVAL);
    CHECK(close(fd) == 0);

    // times
    struct timespec times[2] = {{1000000000, 5}, {1234567890, 987654321}};
    CHECK(utimensat(AT_FDCWD, "b.bin", times, 0) == 0 && stat("b.bin", &st) == 0);
    CHECK(st.st_mtim.tv_sec == 1234567890 && st.st_mtim.tv_nsec / 100 == 9876543 && st.st_atim.tv_sec == 1000000000);

    // names
    CHECK(rename("b.bin", "c.bin") == 0 && access("b.bin", F_OK) < 0 && errno == ENOENT);
    CHECK(link("c.bin", "d.bin") == 0 && stat("d.bin", &st) == 0 && st.st_nlink == 2);
    CHECK(symlink("c.bin", "l") == 0);
    char target[16] = {0};
    CHECK(readlink("l", target, sizeof target) == 5 && strcmp(target, "c.bin") == 0);
    CHECK(lstat("l", &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(stat("l", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 40);
    fd = open("l", O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(open("l", O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP);
    CHECK(symlink("loop", "loop") == 0 && open("loop", O_RDONLY) < 0 && errno == ELOOP);
    CHECK(unlink("l") == 0 && unlink("loop") == 0 && unlink("c.bin") == 0);
    CHECK(stat("d.bin", &st) == 0 && st.st_nlink == 1);

    // an open file outlives its name
    fd = open("d.bin", O_RDWR);
    CHECK(fd >= 0 && unlink("d.bin") == 0 && write(fd, "still", 5) == 5 && pread(fd, target, 5, 0) == 5 && memcmp(target, "still", 5) == 0);
    CHECK(close(fd) == 0);

    // things that are not files
    CHECK(mkdir("dir", 0777) == 0 && open("dir", O_WRONLY) < 0);
    CHECK(open("a.txt/", O_RDONLY) < 0 && errno == ENOTDIR);
    CHECK(unlink("dir") < 0 && (errno == EISDIR || errno == EPERM));
    CHECK(rmdir("a.txt") < 0 && errno == ENOTDIR);
    CHECK(rmdir("dir") == 0);
    puts("files: all well");
    return 0;
}
