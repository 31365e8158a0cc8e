// the kind of wasmtime#13429: what a program sees that opens a file for writing in a directory for reading only
#include "cases.h"
static void how(const char *what, int f) {
  int e = errno; printf("%-28s ", what);
  if (f < 0) { printf("open: %s (%d)\n", strerror(e), e); return; }
  errno = 0; int w = write(f, "X", 1); printf("open succeeds, write: %s (%d)", w < 0 ? strerror(errno) : "done", errno);
  errno = 0; int t = ftruncate(f, 0); printf(", ftruncate: %s (%d)", t < 0 ? strerror(errno) : "done", errno);
  printf(", mode %x\n", fcntl(f, F_GETFL)); close(f);
}
int main(void) {
  how("O_RDWR", open("keep", O_RDWR)); how("O_WRONLY", open("keep", O_WRONLY)); how("O_WRONLY|O_APPEND", open("keep", O_WRONLY | O_APPEND));
  how("O_RDWR|O_CREAT existing", open("keep", O_RDWR | O_CREAT, 0600)); how("O_RDWR|O_TRUNC", open("keep", O_RDWR | O_TRUNC)); how("O_WRONLY|O_CREAT new", open("new", O_WRONLY | O_CREAT, 0600));
  errno = 0; FILE *f = fopen("keep", "r+"); printf("fopen r+: %s\n", f ? "succeeds" : strerror(errno)); if (f) { fputs("text", f); errno = 0; int r = fclose(f); printf("  fclose: %d %s\n", r, strerror(errno)); }
  errno = 0; f = fopen("keep", "a"); printf("fopen a: %s\n", f ? "succeeds" : strerror(errno)); if (f) { fputs("text", f); errno = 0; int r = fclose(f); printf("  fclose: %d %s\n", r, strerror(errno)); }
  errno = 0; printf("access W_OK: %d %s\n", access("keep", W_OK), strerror(errno));
  __wasi_fdstat_t s; __wasi_fd_fdstat_get(3, &s); printf("rights of the directory: base %llx inheriting %llx (write %d)\n", (unsigned long long)s.fs_rights_base, (unsigned long long)s.fs_rights_inheriting, !!(s.fs_rights_inheriting & __WASI_RIGHTS_FD_WRITE));
  unsigned long long all[] = {__WASI_RIGHTS_FD_WRITE, __WASI_RIGHTS_FD_ALLOCATE, __WASI_RIGHTS_FD_FILESTAT_SET_SIZE, __WASI_RIGHTS_FD_FILESTAT_SET_TIMES, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE};
  for (int i = 0; i < 5; i++) { __wasi_fd_t fd = 0; int r = __wasi_path_open(3, 0, "keep", 0, all[i], 0, 0, &fd); if (!r) __wasi_fd_fdstat_get(fd, &s); printf("path_open with rights %llx: %d, has %llx\n", all[i], r, r ? 0 : (unsigned long long)s.fs_rights_base); }
  return 0;
}
