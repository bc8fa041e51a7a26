/*
 * The best inflate that the compiler finds: -DWITH_ISAL (-lisal), -DWITH_LIBDEFLATE (-ldeflate), else zlib (-lz).
 *
 *   inflate_gzip(bytes, length, take)   calls take() with one piece of the content after the other; exits on malformed input
 */
#if defined(WITH_ISAL)

#include <isa-l/igzip_lib.h>
#define INFLATE "ISA-L"

static void inflate_gzip(unsigned char *bytes, size_t length, void (*take)(unsigned char *, size_t)) {
  static struct inflate_state state;
  static unsigned char piece[512 * 1024];
  unsigned char *end = bytes + length;
  while (bytes < end) {
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP_NO_HDR_VER;
    struct isal_gzip_header header;
    isal_gzip_header_init(&header);
    state.next_in = bytes;
    state.avail_in = end - bytes;
    int r = isal_read_gzip_header(&state, &header);
    while (r == ISAL_DECOMP_OK && state.block_state != ISAL_BLOCK_FINISH) {
      state.next_out = piece;
      state.avail_out = sizeof piece;
      r = isal_inflate(&state);
      take(piece, sizeof piece - state.avail_out);
      if (state.avail_in == 0 && state.avail_out == sizeof piece) break;
    }
    if (r != ISAL_DECOMP_OK || state.block_state != ISAL_BLOCK_FINISH) exit(3);
    bytes = state.next_in;
  }
}

#elif defined(WITH_LIBDEFLATE)

#include <libdeflate.h>
#define INFLATE "libdeflate"

static void inflate_gzip(unsigned char *bytes, size_t length, void (*take)(unsigned char *, size_t)) {
  struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
  size_t room = 8 * length, in, out;
  unsigned char *content = malloc(room);
  while (length > 0) {
    int r = libdeflate_gzip_decompress_ex(decompressor, bytes, length, content, room, &in, &out);
    if (r != LIBDEFLATE_SUCCESS) exit(3);
    for (size_t done = 0; done < out; done += 512 * 1024) {
      take(content + done, out - done < 512 * 1024 ? out - done : 512 * 1024);
    }
    bytes += in;
    length -= in;
  }
  free(content);
  libdeflate_free_decompressor(decompressor);
}

#else

#include <zlib.h>
#define INFLATE "zlib"

static void inflate_gzip(unsigned char *bytes, size_t length, void (*take)(unsigned char *, size_t)) {
  static unsigned char piece[512 * 1024];
  z_stream stream = {.next_in = bytes, .avail_in = length};
  if (inflateInit2(&stream, 31) != Z_OK) exit(3);
  while (stream.avail_in > 0 || stream.avail_out == 0) {
    stream.next_out = piece;
    stream.avail_out = sizeof piece;
    int r = inflate(&stream, Z_NO_FLUSH);
    take(piece, sizeof piece - stream.avail_out);
    if (r == Z_STREAM_END && stream.avail_in > 0) r = inflateReset(&stream);
    if (r != Z_OK && r != Z_STREAM_END) exit(3);
    if (r == Z_STREAM_END) break;
  }
  inflateEnd(&stream);
}

#endif
