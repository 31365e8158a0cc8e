// the kind of raven#656, deno#3950: text of the host that is not UTF-8, wherever it reaches a guest
#include "cases.h"
extern char **environ;
static void hex(const char *what, const char *s) { printf("%s: ", what); for (; *s; s++) printf("%02x", (unsigned char)*s); printf("\n"); }
int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) hex("argument", argv[i]);
  for (char **e = environ; *e; e++) hex("variable", *e);
  char name[256]; __wasi_prestat_t p; for (int i = 3; !__wasi_fd_prestat_get(i, &p); i++) { memset(name, 0, 256); __wasi_fd_prestat_dir_name(i, (uint8_t *)name, p.u.dir.pr_name_len); hex("preopen", name); }
  DIR *d = opendir("work"); if (d) for (struct dirent *e; (e = readdir(d));) if (e->d_name[0] != '.') { hex("entry", e->d_name); char path[300], target[256] = {0}; sprintf(path, "work/%s", e->d_name); struct stat s; errno = 0; int r = lstat(path, &s); printf("  lstat %d %s\n", r, r ? strerror(errno) : ""); if (readlink(path, target, 255) > 0) { hex("  link to", target); errno = 0; r = stat(path, &s); printf("  stat %d %s\n", r, r ? strerror(errno) : ""); } }
  return 0;
}
