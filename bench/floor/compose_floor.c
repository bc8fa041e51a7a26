/*
 * The floor for strategies that build a directory: the same system calls in a tight C loop, with nothing to parse, look up or decide
 * while it runs.
 *
 *   compose_floor hardlink|reflink|copy PLAN OBJECTS TARGET
 *
 * PLAN is the tree as a flat list of records (see bench/plan.ts), read into memory before the clock starts; OBJECTS is the directory of content
 * objects; TARGET must not exist. Prints the milliseconds that the loop took, and the number of system calls in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan.h"

static long calls;

static void die(const char *what, const char *name) {
  fprintf(stderr, "compose_floor: %s %s: %s\n", what, name, strerror(errno));
  exit(1);
}

static int ok(int result, const char *what, const char *name) {
  calls++;
  if (result < 0) die(what, name);
  return result;
}

static void copy(int target, int source, uint64_t left, const char *name) {
  while (left > 0) {
    ssize_t n = copy_file_range(source, NULL, target, NULL, left, 0);
    calls++;
    if (n <= 0) die("copy_file_range", name);
    left -= n;
  }
}

int main(int argc, char **argv) {
  if (argc != 5) return fprintf(stderr, "usage: compose_floor hardlink|reflink|copy PLAN OBJECTS TARGET\n"), 2;
  char how = argv[1][0];
  long length;
  unsigned char *bytes = slurp(argv[2], &length);
  if (!bytes) die("read", argv[2]);
  int objects = open(argv[3], O_RDONLY | O_DIRECTORY);
  if (objects < 0) die("open", argv[3]);
  umask(0);

  static struct { int fd; struct meta meta; int sources; int source[512]; } stack[4096];
  int depth = 0;
  double start = now();
  at = bytes;
  while (at < bytes + length) {
    unsigned char op = *at++;
    int dir = depth ? stack[depth - 1].fd : AT_FDCWD;
    if (op == 'd') { /* enter a directory: its source directories are opened for linking */
      char *name = depth ? string() : (string(), argv[4]);
      stack[depth].meta = meta();
      ok(mkdirat(dir, name, 0700), "mkdir", name);
      stack[depth].fd = ok(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), "open", name);
      stack[depth].sources = u32();
      for (int i = 0; i < stack[depth].sources; i++) {
        char *path = string();
        if (how == 'h') stack[depth].source[i] = ok(open(path, O_PATH | O_DIRECTORY), "open", path);
      }
      depth++;
    } else if (op == 'u') { /* leave it: its metadata last */
      depth--;
      struct meta *m = &stack[depth].meta;
      int fd = stack[depth].fd;
      if (m->uid || m->gid) ok(fchown(fd, m->uid, m->gid), "fchown", "directory");
      ok(fchmod(fd, m->mode & 07777), "fchmod", "directory");
      ok(futimens(fd, m->times), "futimens", "directory");
      ok(close(fd), "close", "directory");
      if (how == 'h')
        for (int i = 0; i < stack[depth].sources; i++) ok(close(stack[depth].source[i]), "close", "directory");
    } else if (op == 's') { /* symbolic link */
      char *name = string();
      struct meta m = meta();
      uint32_t source = u32();
      char *target = string();
      if (how == 'h') {
        ok(linkat(stack[depth - 1].source[source], name, dir, name, 0), "link", name);
        continue;
      }
      ok(symlinkat(target, dir, name), "symlink", name);
      if (m.uid || m.gid) ok(fchownat(dir, name, m.uid, m.gid, AT_SYMLINK_NOFOLLOW), "fchown", name);
      ok(utimensat(dir, name, m.times, AT_SYMLINK_NOFOLLOW), "utimens", name);
    } else if (op == 'f') { /* regular file: inline bytes, or an object */
      char *name = string();
      struct meta m = meta();
      uint32_t source = u32();
      uint64_t size = u64();
      char *object = string();
      unsigned char *content = at;
      if (!*object) at += size;
      if (how == 'h') {
        ok(linkat(stack[depth - 1].source[source], name, dir, name, 0), "link", name);
        continue;
      }
      int fd = ok(openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, m.mode & 0777), "create", name);
      if (*object) {
        int from = ok(openat(objects, object, O_RDONLY), "open", object);
        if (how == 'r' && size > 4096) ok(ioctl(fd, FICLONE, from), "FICLONE", name);
        else copy(fd, from, size, name);
        ok(close(from), "close", object);
      } else if (size) {
        ok(write(fd, content, size), "write", name);
      }
      if (m.uid || m.gid) ok(fchown(fd, m.uid, m.gid), "fchown", name);
      if (m.mode & 07000) ok(fchmod(fd, m.mode & 07777), "fchmod", name);
      ok(futimens(fd, m.times), "futimens", name);
      ok(close(fd), "close", name);
    } else {
      fprintf(stderr, "compose_floor: bad record %d\n", op);
      return 1;
    }
  }
  printf("%.3f %ld\n", now() - start, calls);
  return 0;
}
