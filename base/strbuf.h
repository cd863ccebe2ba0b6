/* A string that grows.  buf is always terminated, never NULL after the first
 * append; a fresh one is STRBUF_EMPTY. */

#ifndef BOOTMEND_STRBUF_H
#define BOOTMEND_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/mem.h>

struct strbuf {
  char *buf;
  size_t len, cap;
  bool secret; /* what it held is overwritten when it grows or is released */
};

#define STRBUF_EMPTY                                                           \
  {                                                                            \
    0                                                                          \
  }
#define STRBUF_SECRET                                                          \
  {                                                                            \
    .secret = true                                                             \
  }
#define CLEANUP_STRBUF CLEANUP (strbuf_release)

void strbuf_add (struct strbuf *sb, const void *data, size_t len);
void strbuf_addstr (struct strbuf *sb, const char *s);
void strbuf_addch (struct strbuf *sb, char c);
/* A code point as UTF-8; what is none is the caller's to replace. */
void strbuf_add_utf8 (struct strbuf *sb, uint32_t c);
void strbuf_addf (struct strbuf *sb, const char *fmt, ...) ATTR_PRINTF (2, 3);
/* Drops the first n bytes. */
void strbuf_consume (struct strbuf *sb, size_t n);
void strbuf_reset (struct strbuf *sb);
void strbuf_release (struct strbuf *sb);
/* Hands the string over (never NULL) and leaves sb empty; wiping it is then the
 * taker's business. */
char *strbuf_take (struct strbuf *sb);

#endif
