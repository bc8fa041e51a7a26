/*
 * The floor for strategies that build a directory: the same system calls in a tight C loop, with nothing to parse, look up or decide
 * while it runs.
 *
 *   compose_floor hardlink|reflink|copy PLAN OBJECTS TARGET [THREADS]
 *
 * PLAN is the tree as a flat list of records (see bench/plan.ts), read into memory and divided among the threads before the clock starts; OBJECTS
 * is the directory of content objects; TARGET must not exist. Prints the milliseconds that the loop took, and the number of system calls in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan.h"

static _Thread_local long calls;
static atomic_long all_calls;
static char how;
static int objects;

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

/* Instead of a layer: its file is empty there, what is in it is an object. */
#define NO_SOURCE 0xffffffff

/* A directory that has been made. */
struct dir {
  int fd;
  struct meta meta;
  int sources;
  int source[512];
};

/* Makes a directory; its source directories are opened for linking. */
static void enter(struct dir *d, int parent, char *name, struct meta m) {
  d->meta = m;
  ok(mkdirat(parent, name, 0700), "mkdir", name);
  d->fd = ok(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), "open", name);
  d->sources = u32();
  for (int i = 0; i < d->sources; i++) {
    char *path = string();
    if (how == 'h') d->source[i] = ok(open(path, O_PATH | O_DIRECTORY), "open", path);
  }
}

/* A directory's metadata comes last. */
static void leave(struct dir *d) {
  struct meta *m = &d->meta;
  if (m->uid || m->gid) ok(fchown(d->fd, m->uid, m->gid), "fchown", "directory");
  ok(fchmod(d->fd, m->mode & 07777), "fchmod", "directory");
  ok(futimens(d->fd, m->times), "futimens", "directory");
  ok(close(d->fd), "close", "directory");
  if (how == 'h')
    for (int i = 0; i < d->sources; i++) ok(close(d->source[i]), "close", "directory");
}

static void make_link(struct dir *in) {
  char *name = string();
  struct meta m = meta();
  uint32_t source = u32();
  char *target = string();
  if (how == 'h') {
    ok(linkat(in->source[source], name, in->fd, name, 0), "link", name);
    return;
  }
  ok(symlinkat(target, in->fd, name), "symlink", name);
  if (m.uid || m.gid) ok(fchownat(in->fd, name, m.uid, m.gid, AT_SYMLINK_NOFOLLOW), "fchown", name);
  ok(utimensat(in->fd, name, m.times, AT_SYMLINK_NOFOLLOW), "utimens", name);
}

/* A regular file: inline bytes, or an object. */
static void make_file(struct dir *in) {
  char *name = string();
  struct meta m = meta();
  uint32_t source = u32();
  uint64_t size = u64();
  char *object = string();
  unsigned char *content = at;
  if (!*object) at += size;
  if (how == 'h' && source != NO_SOURCE) {
    ok(linkat(in->source[source], name, in->fd, name, 0), "link", name);
    return;
  }
  int fd = ok(openat(in->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, m.mode & 0777), "create", name);
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
}

/* Does the records up to an end, in a directory. */
static void run(unsigned char *end, struct dir *in) {
  static _Thread_local struct dir stack[4096];
  int depth = 0;
  while (at < end) {
    struct dir *here = depth ? &stack[depth - 1] : in;
    unsigned char op = *at++;
    if (op == 'd') {
      char *name = string();
      struct meta m = meta();
      enter(&stack[depth++], here->fd, name, m);
    } else if (op == 'u') leave(&stack[--depth]);
    else if (op == 's') make_link(here);
    else if (op == 'f') make_file(here);
    else exit(fprintf(stderr, "compose_floor: bad record %d\n", op));
  }
}

/* What threads share: directories with much in them, made before and finished after, and pieces of work in these. */
static struct trunk {
  struct dir dir;
  struct trunk *parent;
  unsigned char *record;
} trunks[4096];
static struct unit {
  struct trunk *in;
  unsigned char *start, *end;
} units[65536];
static int trunk_count, unit_count;
static atomic_int next_unit;

/* Goes over a record, for a directory with all in it; returns the number of entries. */
static long skip(void) {
  unsigned char op = *at++;
  long entries = 1;
  string();
  meta();
  if (op == 'd') {
    for (int n = u32(); n > 0; n--) string();
    while (*at != 'u') entries += skip();
    at++;
  } else {
    u32();
    uint64_t size = op == 'f' ? u64() : 0;
    if (!*string()) at += size;
  }
  return entries;
}

static void add_unit(struct trunk *in, unsigned char *start, unsigned char *end) {
  if (end > start) units[unit_count++] = (struct unit){in, start, end};
}

/* Divides the directory whose record begins here into units of about as many entries. */
static void divide(struct trunk *parent, long limit) {
  struct trunk *in = &trunks[trunk_count++];
  in->parent = parent;
  in->record = at++;
  string();
  meta();
  for (int n = u32(); n > 0; n--) string();
  unsigned char *start = at;
  while (*at == 'f' || *at == 's') skip();
  add_unit(in, start, at);
  start = at;
  long weight = 0;
  while (*at == 'd') {
    unsigned char *directory = at;
    long entries = skip();
    weight += entries;
    if (entries > limit) {
      add_unit(in, start, directory);
      at = directory;
      divide(in, limit);
    } else if (weight < limit) continue;
    else add_unit(in, start, at);
    start = at;
    weight = 0;
  }
  add_unit(in, start, at++);
}

static void *work(void *unused) {
  for (int i; (i = next_unit++) < unit_count;) {
    at = units[i].start;
    run(units[i].end, &units[i].in->dir);
  }
  all_calls += calls;
  calls = 0;
  return unused;
}

int main(int argc, char **argv) {
  if (argc != 5 && argc != 6) return fprintf(stderr, "usage: compose_floor hardlink|reflink|copy PLAN OBJECTS TARGET [THREADS]\n"), 2;
  how = argv[1][0];
  int threads = argc == 6 ? atoi(argv[5]) : 1;
  long length;
  unsigned char *bytes = slurp(argv[2], &length);
  if (!bytes) die("read", argv[2]);
  objects = open(argv[3], O_RDONLY | O_DIRECTORY);
  if (objects < 0) die("open", argv[3]);
  umask(0);
  at = bytes;
  long entries = skip();
  at = bytes;
  /* One thread has one trunk, the root. */
  divide(NULL, threads == 1 ? entries : entries / (16 * threads));

  double start = now();
  for (int i = 0; i < trunk_count; i++) {
    at = trunks[i].record + 1;
    char *name = string();
    struct meta m = meta();
    struct trunk *parent = trunks[i].parent;
    enter(&trunks[i].dir, parent ? parent->dir.fd : AT_FDCWD, parent ? name : argv[4], m);
  }
  pthread_t others[64];
  for (int i = 1; i < threads && i < 64; i++) pthread_create(&others[i], NULL, work, NULL);
  work(NULL);
  for (int i = 1; i < threads && i < 64; i++) pthread_join(others[i], NULL);
  for (int i = trunk_count - 1; i >= 0; i--) leave(&trunks[i].dir);
  printf("%.3f %ld\n", now() - start, all_calls + calls);
  return 0;
}
