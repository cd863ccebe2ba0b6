/* Screenshots: the smallest JPEG that is one, a grey area of one brightness.
 *
 * Baseline JPEG (ITU-T T.81) with one component, quantization 8 for the mean of
 * a block, so that a brightness is one difference; every other coefficient is
 * zero.  Two-symbol Huffman tables suffice. */

#include "cloud.h"

enum {
  BLOCKS_WIDE = 20,
  BLOCKS_HIGH = 15
};

struct bits {
  struct strbuf *sb;
  unsigned buffer, count;
};

static void
put_bits (struct bits *bits, unsigned value, unsigned n)
{
  while (n-- > 0) {
    bits->buffer = bits->buffer << 1 | ((value >> n) & 1);
    if (++bits->count < 8)
      continue;
    strbuf_addch (bits->sb, (char)bits->buffer);
    if ((bits->buffer & 0xff) == 0xff)
      strbuf_addch (bits->sb, 0);
    bits->count = 0;
    bits->buffer = 0;
  }
}

/* Marker, length (which counts itself), content. */
static void
put_segment (struct strbuf *sb, unsigned char marker, const unsigned char *data,
             size_t len)
{
  unsigned char head[4] = {0xff, marker, (unsigned char)((len + 2) >> 8),
                           (unsigned char)(len + 2)};

  strbuf_add (sb, head, sizeof head);
  strbuf_add (sb, data, len);
}

static void
put_tables (struct strbuf *sb, unsigned category)
{
  unsigned char quantization[65] = {0};
  unsigned char frame[] = {8,    0, BLOCKS_HIGH * 8, 0, BLOCKS_WIDE * 8, 1, 1,
                           0x11, 0};
  /* mean: code 0 = no difference, code 10 = `category` bits follow */
  unsigned char mean[19] = {0x00, 1, 1};
  /* the rest: code 0 = end of block */
  unsigned char rest[18] = {0x10, 1};
  static const unsigned char scan[] = {1, 1, 0x00, 0, 63, 0};

  memset (quantization + 1, 8, 64);
  mean[18] = (unsigned char)category;
  put_segment (sb, 0xdb, quantization, sizeof quantization);
  put_segment (sb, 0xc0, frame, sizeof frame);
  put_segment (sb, 0xc4, mean, sizeof mean);
  put_segment (sb, 0xc4, rest, sizeof rest);
  put_segment (sb, 0xda, scan, sizeof scan);
}

char *
fake_picture (unsigned brightness)
{
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;
  struct bits bits = {&sb, 0, 0};
  /* mean = 8 * (sample - 128), quantized by 8 */
  int difference = (int)brightness - 128;
  unsigned size = (unsigned)(difference < 0 ? -difference : difference);
  unsigned category = 0;

  while (size >> category)
    category++;
  if (category == 0)
    category = difference = 1;
  strbuf_add (&sb, "\xff\xd8", 2);
  put_tables (&sb, category);
  put_bits (&bits, 2, 2);
  put_bits (&bits,
            (unsigned)(difference < 0 ? difference - 1 : difference) &
                ((1U << category) - 1),
            category);
  put_bits (&bits, 0, 1);
  for (unsigned i = 1; i < BLOCKS_WIDE * BLOCKS_HIGH; i++)
    put_bits (&bits, 0, 2);
  while (bits.count)
    put_bits (&bits, 1, 1);
  strbuf_add (&sb, "\xff\xd9", 2);
  return fake_base64 (sb.buf, sb.len);
}
