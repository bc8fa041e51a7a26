/*
 * The floor for pulling an image: what has to be done to bytes and files whoever does it, one part after the other on one thread, each
 * with the best there is and nothing else to decide.
 *
 *   pull_floor PLAN OBJECTS TARGET BLOB…
 *
 * inflate: the blobs (gzip), by the library that it was compiled with · blob: their SHA-256 · diffid: the SHA-256 of what they unpack to ·
 * fsverity: the digest of every file · write: the entries of PLAN (see bench/plan.ts) made at TARGET, which must not exist, with their
 * metadata, and syncfs(2). All input is in memory before a part's clock starts: the blobs, and the files out of OBJECTS.
 * Prints the library's name and the milliseconds of each part, in this order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inflate.h"
#include "plan.h"

#define BLOCK 4096
#define HASH 32

static void die(const char *what, const char *name) {
  fprintf(stderr, "pull_floor: %s %s: %s\n", what, name, strerror(errno));
  exit(1);
}

static int ok(int result, const char *what, const char *name) {
  if (result < 0) die(what, name);
  return result;
}

static EVP_MD_CTX *whole, *block;
static double hashing;

/* A piece of a layer: hashed while the processor has it in its cache. */
static void take(unsigned char *piece, size_t length) {
  double start = now();
  EVP_DigestUpdate(whole, piece, length);
  hashing += now() - start;
}

static void begin(EVP_MD_CTX *context) { EVP_DigestInit_ex(context, EVP_sha256(), NULL); }

static void hash_block(const unsigned char *bytes, size_t length, unsigned char *out) {
  EVP_DigestInit_ex(block, NULL, NULL);
  EVP_DigestUpdate(block, bytes, length);
  EVP_DigestFinal_ex(block, out, NULL);
}

/* fs-verity: the hashes of all blocks, then those of their blocks, until one is left; then the descriptor. */
static void fsverity(const unsigned char *bytes, size_t size, unsigned char *digest) {
  static unsigned char *level;
  static size_t room;
  if (room < size / BLOCK * HASH + 2 * BLOCK) level = realloc(level, room = size / BLOCK * HASH + 2 * BLOCK);
  const unsigned char *input = bytes;
  for (size_t length = size;;) {
    size_t blocks = (length + BLOCK - 1) / BLOCK;
    for (size_t i = 0; i < blocks; i++) {
      unsigned char last[BLOCK] = {0};
      const unsigned char *one = input + i * BLOCK;
      if (length - i * BLOCK < BLOCK) one = memcpy(last, one, length - i * BLOCK);
      hash_block(one, BLOCK, level + i * HASH);
    }
    if (blocks <= 1) break;
    input = level;
    length = blocks * HASH;
  }
  unsigned char descriptor[256] = {1, 1, 12};
  uint64_t length = size;
  memcpy(descriptor + 8, &length, 8);
  memcpy(descriptor + 16, level, HASH);
  hash_block(descriptor, sizeof descriptor, digest);
}

static struct file {
  unsigned char *bytes;
  long length;
} *files;
static long count;

/* Runs through the plan; makes what it says below `target`, or, without one, only collects the contents of files. */
static void run(unsigned char *plan, long length, const char *objects, const char *target) {
  static struct { int fd; struct meta meta; } stack[4096];
  int depth = 0;
  long n = 0;
  at = plan;
  while (at < plan + length) {
    unsigned char op = *at++;
    int dir = depth ? stack[depth - 1].fd : AT_FDCWD;
    if (op == 'd') {
      char *name = string();
      struct meta m = meta();
      for (uint32_t sources = u32(); sources > 0; sources--) string();
      if (target) {
        if (depth == 0) name = (char *)target;
        ok(mkdirat(dir, name, 0700), "mkdir", name);
        stack[depth].fd = ok(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), "open", name);
        stack[depth].meta = m;
      }
      depth++;
    } else if (op == 'u') {
      depth--;
      if (!target) continue;
      struct meta *m = &stack[depth].meta;
      int fd = stack[depth].fd;
      if (m->uid || m->gid) ok(fchown(fd, m->uid, m->gid), "fchown", "directory");
      ok(fchmod(fd, m->mode & 07777), "fchmod", "directory");
      ok(futimens(fd, m->times), "futimens", "directory");
      ok(close(fd), "close", "directory");
    } else {
      char *name = string();
      struct meta m = meta();
      u32();
      if (op == 's') {
        char *link = string();
        if (!target) continue;
        ok(symlinkat(link, dir, name), "symlink", name);
        if (m.uid || m.gid) ok(fchownat(dir, name, m.uid, m.gid, AT_SYMLINK_NOFOLLOW), "fchown", name);
        ok(utimensat(dir, name, m.times, AT_SYMLINK_NOFOLLOW), "utimens", name);
        continue;
      }
      uint64_t size = u64();
      char *object = string();
      unsigned char *content = at;
      if (!*object) at += size;
      if (!target) {
        if ((count & (count - 1)) == 0) files = realloc(files, 2 * (count + 1) * sizeof *files);
        struct file *file = &files[count++];
        file->length = size;
        file->bytes = content;
        if (!*object) continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", objects, object);
        file->bytes = slurp(path, &file->length);
        if (!file->bytes) die("read", path);
        continue;
      }
      struct file *file = &files[n++];
      int fd = ok(openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, m.mode & 0777), "create", name);
      for (long done = 0; done < file->length;) {
        ssize_t wrote = write(fd, file->bytes + done, file->length - done);
        if (wrote <= 0) die("write", name);
        done += wrote;
      }
      if (m.uid || m.gid) ok(fchown(fd, m.uid, m.gid), "fchown", name);
      if (m.mode & 07000) ok(fchmod(fd, m.mode & 07777), "fchmod", name);
      ok(futimens(fd, m.times), "futimens", name);
      ok(close(fd), "close", name);
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 5) return fprintf(stderr, "usage: pull_floor PLAN OBJECTS TARGET BLOB...\n"), 2;
  umask(0);
  whole = EVP_MD_CTX_new();
  block = EVP_MD_CTX_new();
  begin(block);
  double inflating = 0, blob = 0, start;
  unsigned char digest[HASH];
  for (int i = 4; i < argc; i++) {
    long length;
    unsigned char *bytes = slurp(argv[i], &length);
    if (!bytes) die("read", argv[i]);
    begin(whole);
    start = now();
    inflate_gzip(bytes, length, take);
    inflating += now() - start;
    EVP_DigestFinal_ex(whole, digest, NULL);
    start = now();
    EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL);
    blob += now() - start;
    free(bytes);
  }
  long length;
  unsigned char *plan = slurp(argv[1], &length);
  if (!plan) die("read", argv[1]);
  run(plan, length, argv[2], NULL);
  start = now();
  for (long i = 0; i < count; i++) fsverity(files[i].bytes, files[i].length, digest);
  double verity = now() - start;
  start = now();
  run(plan, length, NULL, argv[3]);
  int fs = ok(open(argv[3], O_RDONLY), "open", argv[3]);
  ok(syncfs(fs), "syncfs", argv[3]);
  printf("%s %.3f %.3f %.3f %.3f %.3f\n", INFLATE, inflating - hashing, blob, hashing, verity, now() - start);
  return 0;
}
