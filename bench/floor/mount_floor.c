/*
 * The floor for strategies that mount: the same system calls in C, with nothing to look up, decide or keep on record.
 *
 *   mount_floor overlay|composefs rw|ro WORKSPACE TARGET LAYER…
 *
 * LAYER…: for overlay the lower directories, uppermost first; for composefs the EROFS image and the directory of content objects. Makes
 * WORKSPACE and TARGET. Prints the milliseconds that it took.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SET_FLAG = 0, SET_STRING = 1, SET_FD = 5, CREATE = 6 };
enum { CLOEXEC = 1, RDONLY = 1, EMPTY_PATH = 4 };

static long ok(long result, const char *what) {
  if (result >= 0) return result;
  fprintf(stderr, "mount_floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void set(int fs, int command, const char *key, const void *value, int aux) {
  ok(syscall(SYS_fsconfig, fs, command, key, value, aux), key ? key : "fsconfig");
}

static int directory(const char *path) { return ok(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path); }

static int mount_fd(int fs, int read_only) {
  set(fs, CREATE, NULL, NULL, 0);
  int fd = ok(syscall(SYS_fsmount, fs, CLOEXEC, read_only ? RDONLY : 0), "fsmount");
  close(fs);
  return fd;
}

static int erofs(const char *image) {
  char source[32];
  int file = ok(open(image, O_RDONLY | O_CLOEXEC), image);
  int fs = ok(syscall(SYS_fsopen, "erofs", CLOEXEC), "fsopen erofs");
  snprintf(source, sizeof source, "/proc/self/fd/%d", file);
  set(fs, SET_FLAG, "ro", NULL, 0);
  set(fs, SET_STRING, "source", source, 0);
  int fd = mount_fd(fs, 1);
  close(file);
  return fd;
}

int main(int argc, char **argv) {
  if (argc < 6) return fprintf(stderr, "usage: mount_floor overlay|composefs rw|ro WORKSPACE TARGET LAYER...\n"), 2;
  int composefs = argv[1][0] == 'c', writable = argv[2][1] == 'w';
  const char *workspace = argv[3], *target = argv[4];
  char path[4096];
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  ok(mkdir(workspace, 0700), workspace);
  ok(mkdir(target, 0700), target);
  int fs = ok(syscall(SYS_fsopen, "overlay", CLOEXEC), "fsopen overlay");
  set(fs, SET_STRING, "source", "floor", 0);
  set(fs, SET_STRING, "metacopy", composefs ? "on" : "off", 0);
  set(fs, SET_STRING, "redirect_dir", composefs || writable ? "on" : "nofollow", 0);
  if (!composefs) {
    set(fs, SET_STRING, "index", "off", 0);
    set(fs, SET_STRING, "xino", "auto", 0);
  }
  if (!writable) set(fs, SET_FLAG, "ro", NULL, 0);
  for (int i = 5; i < argc; i++) {
    int data = composefs && i == 6;
    int fd = composefs && !data ? erofs(argv[i]) : directory(argv[i]);
    set(fs, SET_FD, data ? "datadir+" : "lowerdir+", NULL, fd); /* open until the end: a detached mount goes with its descriptor */
  }
  if (writable) {
    const char *roles[] = {"upper", "work"};
    for (int i = 0; i < 2; i++) {
      snprintf(path, sizeof path, "%s/%s", workspace, roles[i]);
      ok(mkdir(path, i ? 0700 : 0755), path);
      int fd = directory(path);
      set(fs, SET_FD, i ? "workdir" : "upperdir", NULL, fd);
    }
  }
  int mount = mount_fd(fs, !writable);
  ok(syscall(SYS_move_mount, mount, "", AT_FDCWD, target, EMPTY_PATH), "move_mount");
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.3f\n", (end.tv_sec - start.tv_sec) * 1e3 + (end.tv_nsec - start.tv_nsec) / 1e6);
  return 0;
}
