/*
 * Records of a plan (see bench/plan.ts), read one after the other out of memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where the next record begins. */
static _Thread_local unsigned char *at;

static uint32_t u32(void) {
  uint32_t v;
  memcpy(&v, at, 4);
  at += 4;
  return v;
}

static uint64_t u64(void) {
  uint64_t v;
  memcpy(&v, at, 8);
  at += 8;
  return v;
}

static char *string(void) {
  char *s = (char *)at;
  at += strlen(s) + 1;
  return s;
}

struct meta {
  uint32_t mode, uid, gid;
  struct timespec times[2];
};

static struct meta meta(void) {
  struct meta m;
  m.mode = u32();
  m.uid = u32();
  m.gid = u32();
  m.times[1].tv_sec = (int64_t)u64();
  m.times[1].tv_nsec = u32();
  m.times[0] = m.times[1];
  return m;
}

/* Reads a whole file into memory; NULL where it cannot. */
static unsigned char *slurp(const char *path, long *length) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  *length = ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*length + 1);
  size_t got = fread(bytes, 1, *length, file);
  fclose(file);
  return got == (size_t)*length ? bytes : NULL;
}

/* Milliseconds on a clock that only goes forward. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}
